"""`open`: the application in a browser."""

from __future__ import annotations

import os
import sys

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import Session, session
from awsdeploy.errors import Refused, next_command


@click.command(cls=ExampleHelp, examples="  awsdeploy open\n")
@shared_options()
def command(given: Given) -> None:
    """Open the application in a browser. Without a browser, print its URL."""
    with session(given, given.settings(), "open", existing=True) as at:
        address = _address(at)
        click.echo(address)
        if _has_browser():
            click.launch(address)


def _address(at: Session) -> str:
    """Raises `Refused` while there is none, and where there are two load balancers."""
    from awsdeploy.engine.observed import one_or_none
    from awsdeploy.resources.web.listener import Listener, url
    from awsdeploy.resources.web.load_balancer import LoadBalancer

    observed = one_or_none(at.run.all(LoadBalancer))
    if observed is not None:
        return url(observed, at.run.all(Listener), at.settings.domain)
    raise Refused(
        f"{at.settings.stack} has no URL: its load balancer does not exist.", f"To create it: {next_command('up')}"
    )


def _has_browser() -> bool:
    """A browser for the terminal would take it over; one for a screen needs one."""
    if sys.platform == "darwin":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"))
