"""Addresses and ports on which simulated machines listen here: addresses of their own, or ports where the system has
one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
from collections.abc import Collection
from pathlib import Path

PORTS = 40
"""How many ports a machine has that shares its address with the others."""
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


def found(taken: Collection[tuple[str, int]], seed: str) -> tuple[str, str, int]:
    """Two addresses that no other machine has, nor one of another sandbox; or one, and the first of its ports.

    `taken`: the first addresses and the ports of the machines that stand. `seed`: of this machine in this process.
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


def port(folder: Path, base: int, name: str) -> int:
    """The machine's real port for a service: a link whose name is the port and whose target the service, as in Node."""
    for number in range(base, base + PORTS):
        link = folder / str(number)
        with contextlib.suppress(FileExistsError):
            if not link.is_symlink():
                link.symlink_to(name)
                os.utime(link, (1, 1), follow_symlinks=False)  # nobody listens yet
        if os.readlink(link) == name:
            return number
    raise OSError(f"the machine of {folder} listens on more than {PORTS} ports")
