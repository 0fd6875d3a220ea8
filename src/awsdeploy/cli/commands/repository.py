"""`repository`: what lets the machines read the git repository that they fetch releases from. Never shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import asked_hidden, print_lines, session, styled
from awsdeploy.errors import UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.release.repository import Access

EXAMPLES = """\
  awsdeploy repository connect                     prompts for a read-only token without showing it
  awsdeploy repository connect < token.txt
  awsdeploy repository connect git@github.com:acme/shop.git --deploy-key deploy_key
  awsdeploy repository show
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Manage the machines' read access to the git repository.

    With `[release] source = "git"` the machines fetch the commit themselves. The token or key is tested, stored
    encrypted in Parameter Store, and deleted with the stack.
    """


@command.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("url", required=False)
@click.option(
    "--deploy-key", type=click.Path(path_type=Path), metavar="FILE", help="File with the private key, for ssh URLs."
)
@click.option(
    "--user", metavar="NAME", help="The user name for the token, if the server requires one.  [default: x-access-token]"
)
@shared_options()
def connect(given: Given, url: str | None, deploy_key: Path | None, user: str | None) -> None:
    """Test a read-only token or deploy key, and store it for the machines.

    The default for URL is release.repository. Without a terminal, reads the token from standard input.
    """
    settings = given.settings()
    url = _address(settings, url)
    _need_fitting(url, deploy_key, user)
    with session(given, settings, "repository connect", existing=True) as at:
        from awsdeploy.release import repository

        if deploy_key is None and not repository.closed(url):
            print_lines([f"{url} is public: it needs no token or key.", *_to_write(settings, url)])
            return
        access = repository.check_access(_given(url, deploy_key, user))
        if access.known_hosts and not repository.is_known_here(url):
            print_lines([f"Note: {url} was not in known_hosts. Its host key is trusted from now on."], err=True)
        repository.connect(at.run, settings.services, access)
        print_lines([f"Connected {', '.join(settings.services)} to {url}.", *_to_write(settings, url)])


@command.command(cls=ExampleHelp, examples="  awsdeploy repository show\n")
@shared_options()
def show(given: Given) -> None:
    """Show the repository of each service, who connected it and when. Does not show the secret."""
    settings = given.settings()
    with session(given, settings, "repository show", existing=True) as at:
        from awsdeploy.release import repository

        found = repository.connections(at.run)
        if not found:
            click.echo(f"No repository is connected. To connect one: {next_command('repository', 'connect')}")
        dim = styled("dim")
        for one in found.values():
            when = one.at.astimezone(settings.tz) if one.at else None
            said = " ".join(["by", one.by or "somebody", *([f"{when:%Y-%m-%d %H:%M %z}"] if when else [])])
            click.echo(f"  {one.service:<12} {one.url}  {dim(said)}")


@command.command(cls=ExampleHelp, examples="  awsdeploy repository disconnect\n")
@shared_options()
def disconnect(given: Given) -> None:
    """Delete the stored token or key of all services. Running releases are not affected."""
    settings = given.settings()
    with session(given, settings, "repository disconnect", existing=True) as at:
        from awsdeploy.release import repository

        found = repository.connections(at.run)
        repository.disconnect(at.run, found)
        click.echo(f"Disconnected {', '.join(found)}." if found else "No repository is connected.")


def _address(settings: Settings, url: str | None) -> str:
    from awsdeploy.config import repository
    from awsdeploy.config.wrong import Wrong

    if not url:
        if settings.release.repository:
            return settings.release.repository
        raise UsageError(
            "No repository is given. Give a URL, or set release.repository.",
            next_command("repository", "connect", repository.EXAMPLE),
        )
    try:
        return repository.address(url)
    except Wrong as wrong:
        raise UsageError(f"Not a valid repository URL: expected {wrong.expected}.", wrong.remedy) from None


def _need_fitting(url: str, deploy_key: Path | None, user: str | None) -> None:
    """A token opens https, a key ssh."""
    from awsdeploy.config.repository import by_ssh

    if by_ssh(url) and deploy_key is None:
        raise UsageError(f"{url} is an ssh URL and needs a deploy key.", "Give the key file: --deploy-key FILE")
    if by_ssh(url) and user is not None:
        raise UsageError(
            "--user is for tokens only: an ssh URL already contains the user.", "Run the command without --user."
        )
    if not by_ssh(url) and deploy_key is not None:
        raise UsageError(
            f"{url} is an https URL and needs a token.", "Leave --deploy-key out, or use an ssh URL (git@…)"
        )


def _given(url: str, deploy_key: Path | None, user: str | None) -> Access:
    from awsdeploy.release import repository

    if deploy_key is not None:
        try:
            text = deploy_key.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text file"
            raise UsageError(
                f"--deploy-key cannot be read: {reason}.", "Give the path of a private key file."
            ) from None
        return repository.Access(url, key=repository.check_key(text))
    token = asked_hidden(f"Read-only token for {url}", "The token").strip()
    if not token or not token.isprintable() or " " in token:
        raise UsageError("Not a valid token: expected one word.", "Nothing was stored.")
    return repository.Access(url, user=user or repository.USER, token=token)


def _to_write(settings: Settings, url: str) -> list[str]:
    """Lines that config.toml does not have yet."""
    if (settings.release.source, settings.release.repository) == ("git", url):
        return []
    return [
        "To release from this repository, add to config.toml:",
        "  [release]",
        '  source = "git"',
        f'  repository = "{url}"',
    ]
