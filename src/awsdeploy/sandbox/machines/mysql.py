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
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from awsdeploy.sandbox.machines import paths, processes

PROGRAMS = ("mariadbd", "mysqld")
PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/bin", "/usr/local/bin")
STARTED_WITHIN = 30.0  # seconds
SEED, STOP = "seed", "stop"
"""Folder with the logs that a new server begins with, and the file in it with the length of the last one to use."""
SMALL = (
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--server-id=1",
    "--sync-binlog=0",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--performance-schema=OFF",
    "--max-connections=60",
    "--skip-name-resolve",
)


@dataclass
class MysqlServer:
    """One database's: where its files are, its loopback address and port, and its process."""

    folder: Path
    address: str
    port: int
    process: subprocess.Popen[bytes]


@dataclass
class MysqlServers:
    """All of a world's, by the database's identifier; in a forked world there are none to begin with."""

    running: dict[str, MysqlServer] = field(default_factory=dict)
    pid: int = field(default_factory=os.getpid)

    def of_this_process(self) -> dict[str, MysqlServer]:
        """A fork has the memory of its parent's servers, which are not its own."""
        if self.pid != os.getpid():
            self.running, self.pid = {}, os.getpid()
        return self.running

    def stop(self, name: str, for_good: bool = True) -> None:
        """End the server of a database, if it has one."""
        if server := self.of_this_process().pop(name, None):
            stop(server, for_good)


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
    """A server with an empty `database` and a `user` who may do everything in that one; None where there is no program.

    `at` is its address and port, by default 127.0.0.1 and a free one. Blocks for a second or two. What it writes is in
    `folder`, its log in `folder`/server.log.
    """
    found = program()
    if found is None:
        return None
    data = folder / "data"
    first = not data.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    address, port = at or ("127.0.0.1", paths.free_port())
    base = [found, "--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]
    files = folder / "files"  # all that statements may read and write
    files.mkdir(exist_ok=True, mode=0o700)
    log = (folder / "server.log").open("ab")
    with log:
        if first:
            _install(found, data, log)
            _replay(folder, base, database, log)
        statements = folder / "first.sql"
        with open(os.open(statements, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(_statements(database, user, password))
        process = subprocess.Popen(
            [
                *base,
                f"--socket={folder / 's'}",
                f"--pid-file={folder / 'pid'}",
                f"--port={port}",
                f"--bind-address={address}",
                f"--secure-file-priv={files}",
                "--local-infile=0",
                f"--init-file={statements}",
                *(tls.options() if tls else ()),
                *SMALL,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, processes.MARK: str(folder)},
        )
    server = MysqlServer(folder, address, port, process)
    answers = _answers(server)
    statements.unlink()
    if not answers:
        stop(server, for_good=first)
        return None
    return server


def logs(folder: Path) -> list[Path]:
    """The binary logs of a server, oldest first."""
    return sorted((folder / "data").glob("binlog.[0-9]*"))


def _replay(folder: Path, base: list[str], database: str, log: IO[bytes]) -> None:
    """Carry out what the logs in the seed say, in a server that only this process reaches."""
    reader = shutil.which("mariadb-binlog") or shutil.which("mysqlbinlog")
    client = shutil.which("mariadb") or shutil.which("mysql")
    files = sorted((folder / SEED).glob("binlog.[0-9]*"))
    if not files or reader is None or client is None:
        return
    socket_path = folder / "seeding"
    alone = [*base, f"--socket={socket_path}", f"--pid-file={folder / 'pid'}", "--skip-networking", *SMALL]
    server = subprocess.Popen([*alone, "--skip-grant-tables"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + STARTED_WITHIN
        while not socket_path.exists() and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        asking = [client, "--no-defaults", f"--socket={socket_path}"]
        made = f"CREATE DATABASE IF NOT EXISTS `{database}`"
        subprocess.run([*asking, "-e", made], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        length = (folder / SEED / STOP).read_text()
        reading = [reader, "--no-defaults", f"--stop-position={length}", *map(str, files)]
        with subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=log) as said:
            subprocess.run(asking, stdin=said.stdout, stdout=log, stderr=log, check=False)
    finally:
        server.terminate()
        server.wait()
    shutil.rmtree(folder / SEED, ignore_errors=True)


def stop(server: MysqlServer, for_good: bool = True) -> None:
    """End it, and for good remove its files."""
    server.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(10)
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()
    if for_good:
        shutil.rmtree(server.folder, ignore_errors=True)


def _install(found: str, data: Path, log: IO[bytes]) -> None:
    """The system tables. MariaDB's own script makes them; MySQL's server does it by itself."""
    script = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    root = ["--user=root"] if os.geteuid() == 0 else []
    command = [found, "--no-defaults", "--initialize-insecure", f"--datadir={data}", *root]
    if script:
        settled = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        command = [script, "--no-defaults", f"--datadir={data}", *settled, *root]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)


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


def _answers(server: MysqlServer) -> bool:
    """Check whether it greets a client: it listens before it has read its first statements, and greets only after."""
    deadline = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((server.address, server.port), 1) as one:
            one.settimeout(max(0.1, deadline - time.monotonic()))
            if one.recv(1):
                return True
        time.sleep(0.05)
    return False
