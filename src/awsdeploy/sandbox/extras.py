"""Packages that the sandbox needs and that the program is installed without."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import sys

from awsdeploy import DISTRIBUTION


def command(extra: str) -> str:
    """The command that adds the packages of an extra (`sandbox`, `app`) to the environment of this program.

    It names the packages themselves, with the versions that this program asks for.
    """
    marker = re.compile(rf"""\s*;\s*extra\s*==\s*['"]{re.escape(extra)}['"]""")
    wanted = [marker.sub("", one) for one in importlib.metadata.requires(DISTRIBUTION) or () if marker.search(one)]
    return shlex.join([sys.executable, "-P", "-m", "pip", "install", *wanted])
