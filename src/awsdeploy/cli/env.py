"""`env`: what the services find in their environment. Values are shown only when asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from awsdeploy.cli import env_list
from awsdeploy.cli.group import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.releasing import chosen
from awsdeploy.cli.restart import restarted
from awsdeploy.cli.session import Session, asked_hidden, can_ask, session
from awsdeploy.errors import UsageError
from awsdeploy.hints import next_command

if TYPE_CHECKING:
    from awsdeploy.release.environment import Variable

EXAMPLES = """\
  awsdeploy env list backend
  awsdeploy env set backend STRIPE_KEY           asks for the value, and does not show it
  awsdeploy env import backend .env.production
"""
SET_EXAMPLES = """\
  awsdeploy env set backend STRIPE_KEY           asks for the value, and does not show it
  awsdeploy env set backend CERT < cert.pem      from a file
  awsdeploy env set backend LOG_LEVEL=debug --restart
  awsdeploy env set frontend NPM_TOKEN --build   for the install and the build only
"""

build_option = click.option("--build", is_flag=True, help="Only for the install and the build, not for what runs.")
force_option = click.option("--force", is_flag=True, help="Also write over what awsdeploy itself provides.")
advanced_option = click.option(
    "--advanced", is_flag=True, help="Take values over 4 KB, up to 8, for $0.05 a month each."
)
restart_option = click.option(
    "--restart", is_flag=True, help="Restart the service, so that it takes the change up now."
)


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """What the services find in their environment.

    Values are kept encrypted in Parameter Store and go with the stack. A change reaches what runs when it begins anew.
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
    """Set a variable of a service. A value that is not given is asked for, or read from standard input."""
    settings = given.settings()
    chosen(settings, [service])
    with session(given, settings, "env set") as at:
        from awsdeploy.release import environment

        at.run.need_record()
        for place, one in enumerate(names, start=1):
            environment.check_name(one.partition("=")[0], f"Argument {place} after {service}")
        known = _standing(at, service, build)
        for name in (one.partition("=")[0] for one in names):
            if name in known:
                environment.check_known(known[name], force)
        wanted = _values(names)
        for name, value in wanted.items():
            environment.check(name, value, advanced)
        _put_all(at, service, wanted, known, build)
        felt = _next(service, list(wanted), build, restart)
    if restart and felt:
        restarted(given, settings, chosen(settings, [service]))


@command.command(cls=ExampleHelp, examples="  awsdeploy env unset backend STRIPE_KEY\n")
@click.argument("service")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@build_option
@restart_option
@shared_options()
def unset(given: Given, service: str, names: tuple[str, ...], build: bool, restart: bool) -> None:
    """Remove variables of a service, also of one that is no longer in config.toml."""
    settings = given.settings()
    wanted = chosen(settings, [service]) if restart else []
    with session(given, settings, "env unset") as at:
        from awsdeploy.release import environment

        at.run.need_record()
        known = _standing(at, service, build)
        for place, name in enumerate(names, start=1):
            environment.check_name(name, f"Argument {place} after {service}")
            if name not in known:
                have = ", ".join(sorted(name for name, one in known.items() if one.theirs)) or "nothing"
                raise UsageError(f"{name} is not set for {service}.", f"There is: {have}.")
        for name in names:
            environment.remove(at.run, known[name])
        click.echo(f"Removed {', '.join(names)} of {service}.")
        felt = _next(service, names, build, restart)
    if restart and felt:
        restarted(given, settings, wanted)


@command.command("import", cls=ExampleHelp, examples="  awsdeploy env import backend .env.production\n")
@click.argument("service")
@click.argument("file", type=click.File("rb"))
@build_option
@force_option
@advanced_option
@restart_option
@shared_options()
def import_(
    given: Given, service: str, file: IO[bytes], build: bool, force: bool, advanced: bool, restart: bool
) -> None:
    """Set every variable of a .env file. FILE may be - for standard input.

    What awsdeploy itself provides (DB_HOST, NODE_ENV, JWT_SECRET, …) is left out unless forced; so is what is empty.
    """
    settings = given.settings()
    chosen(settings, [service])
    with session(given, settings, "env import") as at:
        from awsdeploy.release import env_file, environment

        at.run.need_record()
        source = "standard input" if file is sys.stdin.buffer else file.name
        try:
            found = env_file.parse(file.read().decode(), source)
        except UnicodeDecodeError:
            raise UsageError(f"{source} is no text in UTF-8.", "Nothing was set.") from None
        known = _standing(at, service, build)
        wanted: dict[str, str] = {}
        for one in found:
            line = f"{source}:{one.line}"
            ours = one.name in known and not known[one.name].theirs
            where = "awsdeploy" if ours else environment.shadowed(settings, service, one.name, build)
            if not one.value:
                click.echo(f"Left out: {line} has no value, and Parameter Store holds nothing empty.", err=True)
                continue
            if where and not force:
                click.echo(f"Left out: {one.name} is provided by awsdeploy; --force sets it.", err=True)
                continue
            environment.check(line, one.value, advanced)
            if one.name in known:
                environment.check_known(known[one.name], force)
            wanted[one.name] = one.value
            if one.refers:
                click.echo(f"Note: {line} seems to name another variable; it is kept as it stands.", err=True)
        if not wanted:
            raise UsageError(f"There is nothing in {source} to be set.")
        _put_all(at, service, wanted, known, build)
        felt = _next(service, list(wanted), build, restart)
    if restart and felt:
        restarted(given, settings, chosen(settings, [service]))


def _standing(at: Session, service: str, build: bool) -> dict[str, Variable]:
    """What stands in the folder, by name."""
    from awsdeploy.release import environment

    found = environment.stored(at.run)
    return {one.name: one for one in found if (one.folder, one.build) == (service, build)}


def _values(given: Sequence[str]) -> dict[str, str]:
    """Each name with its value: from the command line, a hidden prompt, or standard input."""
    asked = [one for one in given if "=" not in one]
    if len(asked) < len(given):
        typed = ", ".join(one.partition("=")[0] for one in given if "=" in one)
        click.echo(
            f"Warning: the value of {typed} is now in the shell's history; without =VALUE it is asked.", err=True
        )
    if len(asked) > 1 and not can_ask():
        raise UsageError("Standard input gives one value, not several.", "Set them one by one, or use env import.")
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
            click.echo(f"Warning: {name} takes the place of what awsdeploy provides ({where}).", err=True)
    click.echo(f"Set {', '.join(wanted)} of {service}.")


def _next(service: str, names: Sequence[str], build: bool, restart: bool) -> bool:
    """Say what has to happen before a change is felt; whether a restart does it, for one of these at least."""
    from awsdeploy.release.environment import AT_BUILD

    rebuilt = [name for name in names if build or name.startswith(AT_BUILD)]
    if rebuilt:
        why = "is seen by the next build" if build else "goes into the pages when they are built"
        enough = "A restart is not enough: " if restart else ""
        click.echo(f"{enough}{', '.join(rebuilt)} {why}: {next_command('deploy', service)}")
    felt = len(rebuilt) < len(names)
    if felt and not restart:
        click.echo(f"What runs still has the old environment: {next_command('restart', service)}")
    return felt
