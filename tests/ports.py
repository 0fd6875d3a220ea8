"""Ports for what tests start on this machine."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 10_000, 19_999
"""Below what systems hand out by themselves: there, somebody's connection may take a port before it is listened on."""


def free_port() -> int:
    """One on which nothing listens."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
