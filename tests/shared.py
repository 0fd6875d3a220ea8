"""Values that all processes of one test run share, each made once: the sandbox, and stacks that are up."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from awsdeploy.sandbox import control
from tests.system.mutants import mutants

VARIABLE = "AWSDEPLOY_TESTS_SHARED"


MEMORY = Path("/dev/shm")
SPACE = 1_000_000_000  # bytes


def begin() -> bool:
    """Make the folder, unless a process above this one did. True: this one ends it."""
    if VARIABLE in os.environ:
        return False
    if place := in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", place)  # where pytest makes `tmp_path`
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="awsdeploy-tests-", dir=place)
    return True


def in_memory() -> str | None:
    """Return a folder in memory from which programs can start, if there is one: each change of a state file waits twice
    for a disk.
    """
    if not os.access(MEMORY, os.W_OK):
        return None
    found = os.statvfs(MEMORY)
    enough = found.f_bavail * found.f_frsize > SPACE
    return str(MEMORY) if enough and not found.f_flag & os.ST_NOEXEC else None


def end() -> None:
    """Stop the sandbox, and with it its forks."""
    folder = Path(os.environ.pop(VARIABLE))
    control.stop(folder / "sandbox")
    shutil.rmtree(folder, ignore_errors=True)


def once(what: str, make: Callable[[Path], Any], *, altered: bool = True) -> tuple[Any, Path]:
    """The value of `make`, which JSON can hold, and the folder that it was given to fill.

    Whoever asks first makes it, the others wait. A process that tests an altered value shares only with processes that
    test the same one, except what its alteration does not change: `altered=False`.
    """
    mutant = mutants.chosen() if altered else None
    name = hashlib.sha256(f"{mutant.name if mutant else ''}\n{what}".encode()).hexdigest()[:16]
    folder = Path(os.environ[VARIABLE]) / name
    value = folder.with_suffix(".json")
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not value.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            value.write_text(json.dumps(make(folder)))
    return json.loads(value.read_text()), folder
