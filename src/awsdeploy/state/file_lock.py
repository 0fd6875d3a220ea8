"""This machine's lock on a stack: a file beside its state that names who holds it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from awsdeploy.errors import StateLocked
from awsdeploy.state.files import own_folder, unlinked
from awsdeploy.state.holder import describe, holder
from awsdeploy.state.record import StateUnwritable


@contextmanager
def locked(path: Path, command: str) -> Iterator[None]:
    """Hold the lock beside the state file. The system releases it when the process ends, however it ends.

    Raises `StateLocked` naming who holds it, `Refused` where the file or its folder is a link.
    """
    lock = path.with_suffix(".lock")
    try:
        own_folder(lock.parent)
        file = open(lock, "a+", encoding="utf-8", opener=unlinked)  # noqa: SIM115 - closed below
    except OSError as error:
        raise StateUnwritable(f"{lock} cannot be written: {error.strerror}.", "Fix the file permissions.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StateLocked(
                f"Another command is working on this stack: {describe(file.read())}.",
                "Wait for it to end, then run the same command again.",
            ) from None
        file.truncate(0)
        file.write(json.dumps(holder(command)))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
