"""The files of a MariaDB server behind a simulated database: empty ones, or with the data that binary logs say."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from awsdeploy.sandbox.machines import processes

WITHIN = 120.0
"""Seconds until a server answers at most: on a busy computer the first start takes long."""
SEED, STOP = "seed", "stop"
"""Folder with the logs that a new server begins with, and the file in it with the length of the last one to use."""
SMALL = (
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--server-id=1",
    "--sync-binlog=0",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=2",  # what was answered survives the end of the process
    "--performance-schema=OFF",
    "--max-connections=60",
    "--skip-name-resolve",
)


class DoesNotStart(Exception):
    """A server, its system tables or the data that it begins with; its log says why."""


def make(found: str, folder: Path, data: Path, database: str, log: IO[bytes]) -> None:
    """Make the files of a database whole or not at all: the seed is needed until its data are in them."""
    new = folder / "new"
    shutil.rmtree(new, ignore_errors=True)
    _install(found, folder, new, log)
    _replay(folder, base(found, new), database, log)
    new.rename(data)
    shutil.rmtree(folder / SEED, ignore_errors=True)


def environment(folder: Path) -> dict[str, str]:
    """Environment of a server: with a folder of its own for temporary tables.

    A server that starts deletes all such files in that folder (MariaDB: Server System Variables, tmpdir), also those
    of another that runs.
    """
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True, mode=0o700)
    return {**os.environ, "TMPDIR": str(temporary), processes.MARK: str(folder)}


def base(found: str, data: Path) -> list[str]:
    return [found, "--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]


def logs(folder: Path) -> list[Path]:
    """The binary logs of a server, oldest first."""
    return sorted((folder / "data").glob("binlog.[0-9]*"))


def _install(found: str, folder: Path, data: Path, log: IO[bytes]) -> None:
    """The system tables. MariaDB's own script makes them; MySQL's server does it by itself."""
    script = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    root = ["--user=root"] if os.geteuid() == 0 else []
    command = [found, "--no-defaults", "--initialize-insecure", f"--datadir={data}", *root]
    if script:
        settled = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        command = [script, "--no-defaults", f"--datadir={data}", *settled, *root]
    _checked(command, log, environment=environment(folder))


def _replay(folder: Path, base: list[str], database: str, log: IO[bytes]) -> None:
    """Carry out what the logs in the seed say, in a server that only this process reaches."""
    reader = shutil.which("mariadb-binlog") or shutil.which("mysqlbinlog")
    client = shutil.which("mariadb") or shutil.which("mysql")
    files = sorted((folder / SEED).glob("binlog.[0-9]*"))
    if not files or reader is None or client is None:
        return
    socket_path = folder / "seeding"
    alone = [*base, f"--socket={socket_path}", f"--pid-file={folder / 'pid'}", "--skip-networking", *SMALL]
    alone += ["--skip-grant-tables"]
    server = subprocess.Popen(alone, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(folder))
    try:
        if not greets(server, str(socket_path)):
            raise DoesNotStart("the server that takes over the data did not answer in time")
        asking = [client, "--no-defaults", "--binary-mode", f"--socket={socket_path}"]
        made = f"CREATE DATABASE IF NOT EXISTS `{database}`"
        _checked([*asking, "-e", made], log)
        length = (folder / SEED / STOP).read_text()
        reading = [reader, "--no-defaults", f"--stop-position={length}", *map(str, files)]
        with subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=log) as said:
            _checked(asking, log, said.stdout)
        if said.returncode:
            raise DoesNotStart(f"{reader} ended with {said.returncode}")
    finally:
        server.terminate()
        server.wait()


def greets(server: subprocess.Popen[bytes], address: str | tuple[str, int]) -> bool:
    """Wait until it greets a client on a Unix socket or a port: it listens before it has read its first statements, and
    greets only after. False if it ends, or does not greet within `WITHIN`."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline and server.poll() is None:
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family) as one:
            one.settimeout(1)
            one.connect(address)
            one.settimeout(max(0.1, deadline - time.monotonic()))
            if one.recv(1):
                return True
        time.sleep(0.05)
    return False


def _checked(
    command: list[str],
    log: IO[bytes],
    given: IO[bytes] | int | None = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program to its end. Raises `DoesNotStart` if it fails."""
    if code := subprocess.run(command, stdin=given, stdout=log, stderr=log, env=environment, check=False).returncode:
        raise DoesNotStart(f"{command[0]} ended with {code}")
