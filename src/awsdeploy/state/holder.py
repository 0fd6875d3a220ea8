"""Holder of a lock: the process that holds it, and whether that is still at work."""

from __future__ import annotations

import functools
import getpass
import hashlib
import json
import os
import socket
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awsdeploy.state.record import now

STALE_AFTER = 300.0  # seconds without renewal


def holder(command: str) -> dict[str, Any]:
    """Process that holds the lock: shown to others that want it."""
    return {
        "who": getpass.getuser(),
        "where": socket.gethostname(),
        "pid": os.getpid(),
        "since": now(),
        "command": command,
    }


def describe(text: str) -> str:
    """A lock's holder in words; a lock written by something else is quoted."""
    try:
        who = json.loads(text)
        since = who["since"]
        with suppress(ValueError):
            since = f"{datetime.fromisoformat(since):%Y-%m-%d %H:%M%z}"
        return f"`{who['command']}` by {who['who']} on {who['where']} (process {who['pid']}), since {since}"
    except (ValueError, KeyError, TypeError):
        return text.strip() or "unknown"


@functools.cache
def machine() -> str:
    """Identity of one running system and its process numbers: many machines share a host name."""
    parts = [socket.gethostname(), str(uuid.getnode())]
    with suppress(OSError):
        parts += [
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            os.readlink("/proc/self/ns/pid"),
        ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


def age(lock: dict[str, Any]) -> float:
    """Seconds since the lock was last renewed; one without a readable time is taken as old."""
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(lock["renewed"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return STALE_AFTER + 1


def abandoned(lock: dict[str, Any]) -> bool:
    """Check whether the holder is gone: a process of this machine that has ended, or no renewal for five minutes."""
    pid = lock.get("pid")
    if lock.get("machine") == machine() and isinstance(pid, int) and pid > 0:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return age(lock) > STALE_AFTER
    return age(lock) > STALE_AFTER
