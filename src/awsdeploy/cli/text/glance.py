"""One screen of a terminal: a line for each documented step, with what matters in it and the number of the others."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable

MORE = "the same command with --full."


def wanted(full: bool, err: bool = False) -> bool:
    """Tell if one screen is to be shown: on a terminal, unless everything is asked for."""
    return not full and (sys.stderr if err else sys.stdout).isatty()


def step(title: str, parts: Iterable[tuple[str, int]], total: int) -> str:
    """A step of `total` resources in one line of the terminal.

    `parts`: words and the number of resources that they name, what matters most first. Those that fit are shown.
    """
    width = shutil.get_terminal_size().columns
    line, named = f"{title}: ", 0
    for words, count in parts:
        longer = f"{line}{', ' if named else ''}{words}"
        left = total - named - count
        if len(longer) + (len(f", +{left} more") if left else 0) > width:
            break
        line, named = longer, named + count
    if not named:
        return f"{line}{total} {'resource' if total == 1 else 'resources'}"
    return line + (f", +{total - named} more" if total > named else "")
