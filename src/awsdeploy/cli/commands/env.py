"""`env`: environment variables of the services. Values are shown only with `--show`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from awsdeploy.cli import env_list
from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.consent import can_ask
from awsdeploy.cli.options import Given, shared_options, yes_option
from awsdeploy.cli.releasing import chosen, restarted
from awsdeploy.cli.session import Session, asked_hidden, session
from awsdeploy.errors import Declined, UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.release.environment import Variable

EXAMPLES = """\
  awsdeploy env list backend
  awsdeploy env set backend STRIPE_KEY           prompts for the value without showing it
  awsdeploy env import .env.production backend
"""
SET_EXAMPLES = """\
  awsdeploy env set backend STRIPE_KEY           prompts for the value without showing it
  awsdeploy env set backend CERT < cert.pem      from a file
  awsdeploy env set backend LOG_LEVEL=debug --restart
  awsdeploy env set frontend NPM_TOKEN --build   only for install and build
"""

IMPORT_EXAMPLES = """\
  awsdeploy env import back/.env                 for the service whose folder is back
  awsdeploy env import .env.production backend
  vault read … | awsdeploy env import - backend  from standard input
"""

build_option = click.option("--build", is_flag=True, help="Set it only for install and build, not at run time.")
force_option = click.option("--force", is_flag=True, help="Also overwrite variables that awsdeploy provides.")
advanced_option = click.option(
    "--advanced", is_flag=True, help="Allow values from 4 KB to 8 KB, for $0.05 a month each."
)
restart_option = click.option("--restart", is_flag=True, help="Restart the service now, so that it reads the change.")


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Manage the services' environment variables.

    Values are stored encrypted in Parameter Store and deleted with the stack. A change takes effect when the service
    restarts.
    """


command.add_command(env_list.command, "list")


@command.command("set", cls=ExampleHelp, examples=SET_EXAMPLES)
@click.argument("service")
@click.argument("names", metavar="NAME[=VALUE]…", nargs=-1, required=True)
@build_option
@force_option
@advanced_option
@restart_option
@shared_options()
def set_(
    given: Given, service: str, names: tuple[str, ...], build: bool, force: bool, advanced: bool, restart: bool
) -> None:
    """Set a variable of a service. Without a value, prompts for it or reads it from standard input."""
    settings = given.settings()
    chosen(settings, [service])
    with session(given, settings, "env set", existing=True) as at:
        from awsdeploy.release import environment

        for place, one in enumerate(names, start=1):
            environment.check_name(one.partition("=")[0], f"Argument {place} after {service}")
        known = _existing(at, service, build)
        for name in (one.partition("=")[0] for one in names):
            if name in known:
                environment.check_known(known[name], force)
        wanted = _values(names)
        for name, value in wanted.items():
            environment.check(name, value, advanced)
        _put_all(at, service, wanted, known, build)
        felt = _next(at, service, list(wanted), build, restart)
    if restart and felt:
        restarted(given, settings, chosen(settings, [service]))


@command.command(cls=ExampleHelp, examples="  awsdeploy env unset backend STRIPE_KEY\n")
@click.argument("service")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@build_option
@restart_option
@shared_options()
def unset(given: Given, service: str, names: tuple[str, ...], build: bool, restart: bool) -> None:
    """Remove variables of a service. The service may already be removed from config.toml."""
    settings = given.settings()
    wanted = chosen(settings, [service]) if restart else []
    with session(given, settings, "env unset", existing=True) as at:
        from awsdeploy.release import environment

        known = _existing(at, service, build)
        for place, name in enumerate(names, start=1):
            environment.check_name(name, f"Argument {place} after {service}")
            if name not in known:
                have = ", ".join(sorted(name for name, one in known.items() if one.theirs)) or "nothing"
                raise UsageError(f"{name} is not set for {service}.", f"Variables that are set: {have}.")
        for name in names:
            environment.remove(at.run, known[name])
        click.echo(f"Removed {', '.join(names)} from {service}.")
        felt = _next(at, service, names, build, restart)
    if restart and felt:
        restarted(given, settings, wanted)


@command.command("import", cls=ExampleHelp, examples=IMPORT_EXAMPLES)
@click.argument("file")
@click.argument("service", required=False)
@build_option
@force_option
@advanced_option
@restart_option
@yes_option
@shared_options()
def import_(
    given: Given, file: str, service: str | None, build: bool, force: bool, advanced: bool, restart: bool, yes: bool
) -> None:
    """Set every variable in a .env file. Use - as FILE for standard input.

    Shows the names, never the values. On a terminal, asks before it sets them. Without SERVICE, the service whose
    folder has the file gets them.

    Skips variables that awsdeploy provides (DB_HOST, NODE_ENV, JWT_SECRET, …), unless you add --force. Skips empty
    values.
    """
    settings = given.settings()
    if service not in (None, *settings.services) and (file in settings.services or not Path(file).exists()):
        file, service = str(service), file  # SERVICE FILE
    service = service or _owner(given, settings, file)
    chosen(settings, [service])
    stream: IO[bytes] = click.File("rb")(file)
    with session(given, settings, "env import", existing=True) as at:
        from awsdeploy.release import env_file, environment

        source = "standard input" if stream is sys.stdin.buffer else stream.name
        try:
            found = env_file.parse(stream.read().decode(), source)
        except UnicodeDecodeError:
            raise UsageError(
                f"{source} is not valid UTF-8 text.",
                "Nothing was set. Save the file as UTF-8 and run the command again.",
            ) from None
        known = _existing(at, service, build)
        wanted: dict[str, str] = {}
        for one in found:
            line = f"{source}:{one.line}"
            ours = one.name in known and not known[one.name].theirs
            where = "awsdeploy" if ours else environment.shadowed(settings, service, one.name, build)
            if not one.value:
                click.echo(f"Skipped: {line} has no value, and Parameter Store does not accept empty values.", err=True)
                continue
            if where and not force:
                by = "provided by awsdeploy" if not where.startswith(environment.CONFIG) else "in config.toml"
                click.echo(f"Skipped: {one.name} is {by}; --force sets it.", err=True)
                continue
            environment.check(line, one.value, advanced)
            if one.name in known:
                environment.check_known(known[one.name], force)
            wanted[one.name] = one.value
            if one.refers:
                click.echo(
                    f"Note: {line} looks like a reference to another variable; it is stored unchanged.", err=True
                )
        if not wanted:
            raise UsageError(f"{source} contains no variables to set.")
        if can_ask() and not yes and file != "-":
            _agree(service, wanted, known)
        _put_all(at, service, wanted, known, build)
        felt = _next(at, service, list(wanted), build, restart)
    if restart and felt:
        restarted(given, settings, chosen(settings, [service]))


def _owner(given: Given, settings: Settings, file: str) -> str:
    """The service whose folder has the file, or the only service. Raises `UsageError` if there is none."""
    from awsdeploy.config.project import top

    folders = {name: top(given.config.absolute().parent) / one.directory for name, one in settings.services.items()}
    found = [name for name, folder in folders.items() if Path(file).resolve().is_relative_to(folder.resolve())]
    if file != "-" and len(found) == 1:
        return found[0]
    if len(settings.services) == 1:
        return next(iter(settings.services))
    known = ", ".join(settings.services)
    raise UsageError(
        "The service is missing: which one gets these variables?",
        f"Services: {known}. For example: {next_command('env', 'import', 'FILE', next(iter(settings.services)))}",
    )


def _agree(service: str, wanted: Mapping[str, str], known: Mapping[str, Variable]) -> None:
    """Show the names and ask. Raises `Declined`."""
    for verb, names in (
        ("New", [name for name in wanted if name not in known]),
        ("To overwrite", [name for name in wanted if name in known]),
    ):
        if names:
            click.echo(f"{verb}: {', '.join(names)}", err=True)
    if not click.confirm(f"Set {len(wanted)} variables for {service}?", default=False, err=True):
        raise Declined("Nothing was set.")


def _existing(at: Session, service: str, build: bool) -> dict[str, Variable]:
    """Parameters in the service's folder, by name."""
    from awsdeploy.release import environment

    found = environment.stored(at.run)
    return {one.name: one for one in found if (one.folder, one.build) == (service, build)}


def _values(given: Sequence[str]) -> dict[str, str]:
    """Each name with its value: from the command line, a hidden prompt, or standard input."""
    asked = [one for one in given if "=" not in one]
    if len(asked) < len(given):
        typed = ", ".join(one.partition("=")[0] for one in given if "=" in one)
        click.echo(
            f"Warning: the value of {typed} is now in your shell history. Leave out =VALUE to be prompted instead.",
            err=True,
        )
    if len(asked) > 1 and not can_ask():
        raise UsageError(
            "Standard input can hold only one value.",
            f"Set one variable with each command, or use: {next_command('env', 'import')}",
        )
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        found[name] = value if equals else asked_hidden(f"Value of {name}", f"The value of {name}")
    return found


def _put_all(at: Session, service: str, wanted: dict[str, str], known: dict[str, Any], build: bool) -> None:
    from awsdeploy.release import environment

    for name, value in wanted.items():
        environment.put(at.run, environment.path_of(at.run, service, name, build), value, known.get(name))
        if where := environment.shadowed(at.settings, service, name, build):
            click.echo(f"Warning: {name} {environment.overrides(where)}.", err=True)
    click.echo(f"Set {', '.join(wanted)} for {service}.")


def _is_released(at: Session, service: str) -> bool:
    """Check whether a release runs on one of the service's machines; yes, if the user may not list machines."""
    from awsdeploy.aws.session import AwsRefusal
    from awsdeploy.release.machines import machines

    try:
        return any(one.release for one in machines(at.run) if one.service == service)
    except AwsRefusal:
        return True


def _next(at: Session, service: str, names: Sequence[str], build: bool, restart: bool) -> bool:
    """Say what has to happen before a change is felt; whether a restart does it, for one of these at least."""
    from awsdeploy.release.environment import AT_BUILD

    if not _is_released(at, service):
        if service in at.settings.services:
            click.echo(
                f"{service} has no release yet. The first one uses the change: {next_command('deploy', service)}"
            )
        return False
    rebuilt = [name for name in names if build or name.startswith(AT_BUILD)]
    if rebuilt:
        why = "takes effect with the next build" if build else "is compiled into the pages at build time"
        enough = "A restart is not enough: " if restart else ""
        click.echo(f"{enough}{', '.join(rebuilt)} {why}: {next_command('deploy', service)}")
    felt = len(rebuilt) < len(names)
    if felt and not restart:
        click.echo(
            f"The running service still has the old environment. To restart it: {next_command('restart', service)}"
        )
    return felt
