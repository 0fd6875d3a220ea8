"""The commands that people are told to type next. Every error and notice gets them here.

Whoever words one names the command and its own arguments; the command line adds the program and the flags in use.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

_WRITTEN = re.compile(r"`awsdeploy ([^`]+)`")


def _plainly(words: Sequence[str]) -> str:
    return shlex.join(["awsdeploy", *words])


_typed: Callable[[Sequence[str]], str] = _plainly


def typed_as(typed: Callable[[Sequence[str]], str] = _plainly) -> None:
    """Set how the words of a command are typed from here; the command line does so when it starts."""
    global _typed
    _typed = typed


def next_command(*words: str) -> str:
    """`next_command("up", "--replace", key)`: that command with the flags in use, quoted for the shell.

    Call it inside functions: while modules are imported the flags are not known yet.
    """
    return _typed(words)


def with_flags(text: str) -> str:
    """`text` from a machine, with the flags in use added to each "`awsdeploy …`" in it."""
    return _WRITTEN.sub(lambda found: f"`{_typed(shlex.split(found[1]))}`", text)
