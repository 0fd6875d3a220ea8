"""`tunnel database`: the database on a port of this machine, through a machine that may reach it."""

from __future__ import annotations

import shlex
import socket

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import session
from awsdeploy.errors import UsageError, next_command

EXAMPLES = """\
  awsdeploy tunnel database
  awsdeploy tunnel database --port 3310
"""
HERE = "127.0.0.1"


CLIENT = (
    'MYSQL_PWD=$DB_PASSWORD mariadb -h $DB_HOST -P $DB_PORT -u $DB_USER --ssl-ca=$DB_SSL_CA -e "SHOW TABLES" $DB_NAME'
)
"""Call of a client on a machine."""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Forward a local port to a private resource, while the command runs."""


@command.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=3307, show_default=True, help="The port on this computer."
)
@click.option("--show", is_flag=True, help="Also show the password.")
@shared_options()
def database(given: Given, port: int, show: bool) -> int:
    """Forward a port of this computer to the database, until Ctrl-C."""
    from awsdeploy.operations import sessions

    settings = given.settings()
    run = next_command("exec", settings.database_users[0], CLIENT)
    sessions.need_plugin(given.sandbox, f"To run a client on a machine of the sandbox: {run}")
    _need_free(port)
    with session(given, settings, "tunnel", existing=True) as at:
        from awsdeploy.release.machines import machines

        place = sessions.database(at.run, settings)
        machine = sessions.choose(machines(at.run), settings.database_users)
        # Names and values as a shell takes them: people copy these lines.
        region = ["--region", at.run.region]
        asked = ["aws", "ssm", "get-parameter", *region, "--with-decryption", "--query", "Parameter.Value"]
        password = shlex.join([*asked, "--output", "text", "--name", place.password])
        if show:
            ssm = at.run.client("ssm")
            password = str(ssm.get_parameter(Name=place.password, WithDecryption=True)["Parameter"]["Value"])
        lines = [
            f"{HERE}:{port} forwards to {place.host}:{place.port} through {machine.name}, until Ctrl-C.",
            f"  user      {place.user}",
            f"  database  {place.name}",
            f"  password  {password}",
            f"  mysql -h {HERE} -P {port} -u {place.user} -p {place.name}",
        ]
        click.echo("\n".join(lines), err=True)
        wanted = {"host": place.host, "portNumber": place.port, "localPortNumber": str(port)}
        return sessions.open_session(at.run, machine, sessions.FORWARDING, wanted)


def _need_free(port: int) -> None:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HERE, port))
        except OSError as error:
            raise UsageError(
                f"Port {port} cannot be used on this computer: {error.strerror}.", "Choose another port with --port."
            ) from None
