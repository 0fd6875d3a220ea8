"""Files and folders of awsdeploy's own, opened without following a link: a cloned repository may have left one there.

Imports nothing of ours but errors; the sandbox uses it too.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from awsdeploy.errors import Refused

FOLDER = ".awsdeploy"
"""Local state in the project's folder. It can be deleted at any time: awsdeploy rebuilds it from AWS."""
SHARED = 0o666
"""The mode of a new file that is the project's and not ours alone; the umask takes from it."""


def own_folder(path: Path) -> Path:
    """Make a folder, for its owner only, unless it is there. Raises `Refused` as `need_own`, `OSError`."""
    need_own(path)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    need_own(path)
    return path


def need_own(path: Path) -> None:
    """Raises `Refused` where a folder is a link or another user's; so too the folders above it, up to `.awsdeploy`."""
    for place in _down_to(path):
        try:
            found = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        name = shlex.quote(str(place))
        if stat.S_ISLNK(found.st_mode):
            raise _link(place)
        if found.st_uid != os.geteuid():
            raise Refused(
                f"{place} belongs to another user (uid {found.st_uid}). awsdeploy stores its state there.",
                f"Delete it; awsdeploy rebuilds it from AWS: sudo rm -r {name}",
            )


def unlinked(path: str, flags: int, mode: int = 0o600) -> int:
    """Open a file that is no link: the `opener` of `open`. `mode` is a new file's. Raises `Refused`, `OSError`."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK) and os.path.islink(path):  # EMLINK: FreeBSD
            raise _link(Path(path)) from None
        raise


def read(path: Path) -> str:
    """The text of a file. Raises `Refused` for a link, `OSError`, `UnicodeDecodeError`."""
    with open(path, encoding="utf-8", opener=unlinked) as file:
        return file.read()


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file, over what it held. `mode` is a new file's. Raises `Refused` for a link, `OSError`."""
    with open(path, "w", encoding="utf-8", opener=partial(unlinked, mode=mode)) as file:
        file.write(text)


def _link(path: Path) -> Refused:
    return Refused(
        f"{path} is a symbolic link. awsdeploy stores its state there.",
        f"Check where it points, then remove the link: rm {shlex.quote(str(path))}",
    )


def _down_to(path: Path) -> Iterator[Path]:
    """The folders of ours that lead to it, `.awsdeploy` first; else it alone."""
    chain = [path, *path.parents]
    last = next((number for number, one in enumerate(chain) if one.name == FOLDER), 0)
    yield from reversed(chain[: last + 1])
