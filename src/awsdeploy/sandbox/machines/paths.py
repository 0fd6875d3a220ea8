"""Addresses and ports of the simulated machines on this computer: one address each, or ports of a shared address."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
from collections.abc import Collection
from pathlib import Path

PORTS = 40
"""Number of ports of each machine if all share one address."""
LOWEST, HIGHEST = 20_000, 30_000


@functools.cache
def many_addresses() -> bool:
    """Check whether this system has all of 127.0.0.0/8 (Linux), or 127.0.0.1 alone (macOS)."""
    if os.environ.get("AWSDEPLOY_SANDBOX_ONE_ADDRESS"):
        return False
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            return False
    return True


def choose_address(taken: Collection[tuple[str, int]], seed: str) -> tuple[str, str, int]:
    """Return two unused addresses and 0; or, if the system has only one address, that address twice and the first port.

    `taken`: address and first port of the existing machines. `seed`: a text that is different for each machine, also in
    other sandboxes.
    """
    addresses, bases = {address for address, _ in taken}, {base for _, base in taken}
    for number in range(10_000):
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        x, y, z = 1 + digest[0] % 254, digest[1], 1 + digest[2] % 126
        base = LOWEST + int.from_bytes(digest[3:6], "big") % ((HIGHEST - LOWEST) // PORTS) * PORTS
        address = f"127.{x}.{y}.{z}"
        if many_addresses() and address not in addresses:
            return address, f"127.{x}.{y}.{z + 128}", 0
        if not many_addresses() and base not in bases:
            return "127.0.0.1", "127.0.0.1", base
    raise OSError("no address is left for another machine")


def free_address(seed: str, port: int) -> tuple[str, int]:
    """Return a loopback address on which this port is free, the same one for the same `seed` if it can be; or 127.0.0.1
    and another port, if the system has only one address.
    """
    for number in range(20 if many_addresses() else 0):
        x, y, z = hashlib.sha256(f"{seed}:{number}".encode()).digest()[:3]
        address = f"127.{1 + x % 254}.{y}.{1 + z % 254}"
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            return address, port
    return "127.0.0.1", free_port()


def free_port() -> int:
    """Return a port that is free on 127.0.0.1."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def assigned_port(folder: Path, base: int, name: str) -> int:
    """Return the real port for a port of the machine; `shims/listen.js` does the same.

    Each assignment is a link in `folder`: its name is the real port, its target the machine's port.
    """
    for number in range(base, base + PORTS):
        link = folder / str(number)
        with contextlib.suppress(FileExistsError):
            if not link.is_symlink():
                link.symlink_to(name)
        if os.readlink(link) == name:
            return number
    raise OSError(f"the machine of {folder} listens on more than {PORTS} ports")
