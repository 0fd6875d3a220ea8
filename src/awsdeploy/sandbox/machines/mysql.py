"""The server behind a simulated database, where this machine has one: MariaDB on a loopback address.

Started when a machine first runs something that may ask it, never before; a world without it is as good until then.
Knows nothing of AWS's answers.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from awsdeploy.sandbox.machines import mysql_files, paths

PROGRAMS = ("mariadbd", "mysqld")
PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin", "/usr/local/bin")
ENDED_WITHIN = 60.0  # seconds


@dataclass
class MysqlServer:
    """One database's: where its files are, its loopback address and port, and its process."""

    folder: Path
    address: str
    port: int
    process: subprocess.Popen[bytes]


@dataclass
class MysqlServers:
    """All of a world's, by the database's resource ID; in a forked world there are none to begin with."""

    running: dict[str, MysqlServer] = field(default_factory=dict)
    guard: threading.Lock = field(default_factory=threading.Lock)
    pid: int = field(default_factory=os.getpid)

    def of_this_process(self) -> dict[str, MysqlServer]:
        """A fork has the memory of its parent's servers, which are not its own."""
        self._leave_behind()
        return self.running

    def starting(self) -> threading.Lock:
        """The lock of who starts servers; a fork does not inherit a thread of its parent that holds it."""
        self._leave_behind()
        return self.guard

    def stop(self, resource: str, for_good: bool = True) -> None:
        """End the server of a database, if it has one."""
        if server := self.of_this_process().pop(resource, None):
            stop(server, for_good)

    def _leave_behind(self) -> None:
        if self.pid != os.getpid():
            self.running, self.guard, self.pid = {}, threading.Lock(), os.getpid()


def program() -> str | None:
    """The server's program, if this machine has one."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    return next((found for name in PROGRAMS if (found := shutil.which(name, path=path))), None)


@dataclass(frozen=True)
class MysqlTls:
    """Certificate and key of a server. `alone`: it refuses connections without TLS."""

    certificate: Path
    key: Path
    alone: bool

    def options(self) -> list[str]:
        required = "ON" if self.alone else "OFF"
        return [f"--ssl-cert={self.certificate}", f"--ssl-key={self.key}", f"--require-secure-transport={required}"]


def start(
    folder: Path,
    database: str,
    user: str,
    password: str,
    tls: MysqlTls | None = None,
    at: tuple[str, int] | None = None,
) -> MysqlServer | None:
    """A server with a `database` and a `user` who may do everything in that one; None where there is no program.

    A first start makes the database: empty, or with what the logs in `folder`/seed say. `at` is its address and port,
    by default 127.0.0.1 and a free one. Blocks for a second or two. What it writes is in `folder`, its log in
    `folder`/server.log. Raises `DoesNotStart`; then the next call begins where this one did.
    """
    found = program()
    if found is None:
        return None
    data = folder / "data"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    address, port = at or ("127.0.0.1", paths.free_port())
    files = folder / "files"  # all that statements may read and write
    files.mkdir(exist_ok=True, mode=0o700)
    statements = folder / "first.sql"
    with (folder / "server.log").open("ab") as log:
        if not data.exists():
            mysql_files.make(found, folder, data, database, log)
        with open(os.open(statements, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(_statements(database, user, password))
        process = subprocess.Popen(
            [
                *mysql_files.base(found, data),
                f"--socket={folder / 's'}",
                f"--pid-file={folder / 'pid'}",
                f"--port={port}",
                f"--bind-address={address}",
                f"--secure-file-priv={files}",
                "--local-infile=0",
                f"--init-file={statements}",
                *(tls.options() if tls else ()),
                *mysql_files.SMALL,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=mysql_files.environment(folder),
        )
    server = MysqlServer(folder, address, port, process)
    greets = mysql_files.greets(process, (address, port))
    statements.unlink(missing_ok=True)
    if not greets:
        stop(server, for_good=False)
        raise mysql_files.DoesNotStart(
            f"{found} did not answer on {address}:{port} in time, see {folder / 'server.log'}"
        )
    return server


def stop(server: MysqlServer, for_good: bool = True) -> None:
    """End it, and for good remove its files."""
    server.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(ENDED_WITHIN)
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()
    if for_good:
        shutil.rmtree(server.folder, ignore_errors=True)


def _statements(database: str, user: str, password: str) -> str:
    """One a line, as an init file must be. A fresh server has users without a password, also over TCP: they go."""
    nobody = secrets.token_hex(16)
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    return "".join(
        f"{line};\n"
        for line in (
            "SET SESSION sql_log_bin = 0",
            "DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1', ''@'localhost', ''@'%'",
            *(f"DROP USER IF EXISTS {who}@'{socket.gethostname()}'" for who in ("'root'", "''")),
            f"ALTER USER IF EXISTS 'root'@'localhost' IDENTIFIED BY '{nobody}'",
            f"CREATE DATABASE IF NOT EXISTS `{database}`",
            f"CREATE USER IF NOT EXISTS '{user}'@'%' IDENTIFIED BY '{quoted}'",
            f"ALTER USER '{user}'@'%' IDENTIFIED BY '{quoted}'",
            f"GRANT ALL PRIVILEGES ON `{database}`.* TO '{user}'@'%'",
        )
    )
