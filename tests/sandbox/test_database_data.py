"""Data of a simulated database over time: what counts for a restore, and servers that start while things change."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from awsdeploy.sandbox.aws.database import data, servers
from awsdeploy.sandbox.aws.database.memory import Databases
from awsdeploy.sandbox.machines import hosts, mysql, mysql_files
from awsdeploy.sandbox.machines.mysql import MysqlServer, MysqlServers
from awsdeploy.sandbox.server.clock import SandboxClock
from awsdeploy.sandbox.server.keys import Keys
from awsdeploy.sandbox.server.server import SandboxServer
from awsdeploy.sandbox.server.world import Site, World

HOUR = 3600


class Bare(World):
    """A world without moto, with one database whose log this process writes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SandboxClock(1.0), Site(folder, 1, threading.RLock(), Keys.new()))
        self.database = SimpleNamespace(
            db_instance_identifier="one",
            dbi_resource_id="db-ONE",
            db_name="shop",
            master_username="app",
            address="one.rds.amazonaws.com",
            port=3306,
            status="available",
            db_parameter_group_name="",
        )

    def moto(self, service: str, region: str = "") -> Any:
        return SimpleNamespace(databases={"one": self.database}, db_parameter_groups={})

    def write(self, text: str) -> None:
        log = data.folder(self, "db-ONE") / "data" / "binlog.000001"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(text)

    def restored(self, at: float) -> int:
        """Bytes of the log that a restore to this time uses."""
        data.begin_from_time(self, "db-ONE", at, "db-TWO")
        return int((data.folder(self, "db-TWO") / mysql_files.SEED / mysql_files.STOP).read_text())


def ended(folder: Path) -> MysqlServer:
    return MysqlServer(folder, "127.0.0.1", 1, subprocess.Popen(["true"]))


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bare]:
    """Its server has just begun; nobody looks at its log by himself."""
    monkeypatch.setattr(data, "EVERY", HOUR)
    world = Bare(tmp_path)
    world.write("begin")
    world.of(MysqlServers).running["db-ONE"] = ended(tmp_path)
    data.begun(world, "db-ONE")
    yield world
    hosts.end(world)


def test_what_was_written_right_before_a_leap_in_time_is_older_than_the_leap(bare: Bare, tmp_path: Path) -> None:
    server = SandboxServer(0, 1.0, HOUR, tmp_path, lambda _: None)  # type: ignore[arg-type,return-value]
    server.world, server.clock = bare, bare.clock
    server.ready.set()
    bare.write("+row")
    server.advance(HOUR)
    assert bare.restored(bare.clock.read() - HOUR / 2) == len("begin+row")
    assert bare.restored(bare.clock.read() - 2 * HOUR) == len("begin"), "older than the row"


def test_what_is_written_while_the_log_is_looked_at_is_not_older(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    at = bare.clock.read()
    bare.write("+row")

    def read() -> float:
        bare.write("+later")
        return at

    with monkeypatch.context() as patch:
        patch.setattr(bare.clock, "read", read)
        data.note(bare)
    assert bare.restored(at) == len("begin+row")


def test_a_database_that_was_never_reached_gives_on_what_it_would_begin_with(bare: Bare) -> None:
    at = bare.clock.read()
    assert bare.restored(at) == len("begin")
    data.begin_from_time(bare, "db-TWO", at, "db-THREE")
    assert (data.folder(bare, "db-THREE") / mysql_files.SEED / "binlog.000001").read_text() == "begin"


def test_data_are_kept_until_a_server_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = tmp_path / "one" / mysql_files.SEED
    seed.mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("mariadbd", "mariadb-install-db"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/bin")
    for _ in range(2):
        with pytest.raises(mysql_files.DoesNotStart):
            mysql.start(tmp_path / "one", "shop", "app", "secret")
        assert seed.is_dir()
        assert not (tmp_path / "one" / "data").exists()


@pytest.fixture
def starts(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that servers were started with. During the first start the database learns another one."""
    asked: list[str] = []
    memory = bare.of(Databases)
    memory.passwords["one"] = "old"
    bare.of(MysqlServers).running.clear()

    def start(folder: Path, *given: Any) -> MysqlServer:
        asked.append(given[2])
        memory.passwords["one"] = "new"
        return ended(folder)

    monkeypatch.setattr(mysql, "program", lambda: "mariadbd")
    monkeypatch.setattr(mysql, "start", start)
    return asked


def test_a_server_that_started_with_an_old_password_is_not_used(bare: Bare, starts: list[str]) -> None:
    servers.begin(bare, "")
    assert starts == ["old", "new"]
    assert list(bare.of(MysqlServers).running) == ["db-ONE"]
    servers.begin(bare, "")
    assert len(starts) == 2, "it runs"


@pytest.mark.usefixtures("starts")
def test_a_database_that_was_deleted_while_its_server_started_has_none(
    bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = mysql.start

    def slow(*given: Any) -> MysqlServer | None:
        bare.database.dbi_resource_id = "db-OTHER"
        bare.database.status = "deleting"
        return start(*given)

    monkeypatch.setattr(mysql, "start", slow)
    servers.begin(bare, "")
    assert bare.of(MysqlServers).running == {}
    assert not data.folder(bare, "db-ONE").exists()


def test_a_fork_starts_servers_while_its_parent_does(bare: Bare) -> None:
    known = bare.of(MysqlServers)
    with known.starting():
        known.pid = 0  # as in another process
        assert known.starting().acquire(blocking=False)
