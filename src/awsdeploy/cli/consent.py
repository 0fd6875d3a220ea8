"""Questions before something is changed or deleted: yes or no, or a name to type."""

from __future__ import annotations

import sys

import click

from awsdeploy.config.stack import Stack
from awsdeploy.errors import Declined, UsageError

confirm_option = click.option(
    "--confirm", metavar="STACK", help="The stack's name, such as shop-prod. Skips the question."
)


def can_ask() -> bool:
    """True if stdin and stderr are terminals, so that a person can answer questions."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def need_consent(given_on_command_line: bool, flag: str = "--yes") -> None:
    """Raise `UsageError` if there is no terminal to ask for consent and the flag was not given."""
    if not given_on_command_line and not can_ask():
        raise UsageError(
            "Cannot ask for confirmation: there is no terminal.",
            f"Add {flag} to run without confirmation.",
        )


def need_stack_name(stack: Stack, confirm: str | None, nothing: str) -> None:
    """Raise `UsageError` if `--confirm` names another stack, or if it is not given and nobody can type the name.

    `nothing`: what did not happen then, in a sentence.
    """
    need_consent(confirm is not None, f"--confirm {stack}")
    if confirm not in (None, str(stack)):
        raise UsageError(f"--confirm {confirm}: the stack is called {stack}.", nothing)


def agree(yes: bool, nothing: str = "Nothing was changed.") -> None:
    """Ask whether to go ahead, unless `--yes` was given. Raises `Declined` with `nothing`."""
    if not yes and not click.confirm("\nGo ahead?", default=False, err=True):
        raise Declined(nothing)


def agree_by_name(name: str, nothing: str, question: str = "") -> None:
    """Ask for a name to be typed. Raises `Declined` with `nothing` for any other answer."""
    said = click.prompt(question or f"Type {name} to confirm", default="", show_default=False, err=True)
    if said.strip() != name:
        raise Declined(nothing)
