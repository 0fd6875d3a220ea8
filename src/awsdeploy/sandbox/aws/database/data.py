"""Data of the databases over time, where this machine has a MariaDB server: for snapshots and restores to a time.

Each server writes MySQL's binary log. Its length is noted with the world's time whenever it has grown, so the log up to
a time is known; a restored instance begins with what this part of the log says. The log contains everything that a
database was ever told, because it begins with the empty one.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from awsdeploy.sandbox.aws import FORKED
from awsdeploy.sandbox.machines import hosts, mysql
from awsdeploy.sandbox.server.world import World

EVERY = 0.1
"""Real seconds between two looks at the logs."""


class Mark(NamedTuple):
    """Length in bytes of the last of `files` log files at a time of the world (epoch seconds)."""

    at: float
    files: int
    size: int


@dataclass
class DataMarks:
    """Marks of each database, oldest first, and whether a thread of this process makes them."""

    of: dict[str, list[Mark]] = field(default_factory=dict)
    pid: int = 0


def _forked(world: World) -> None:
    world.of(DataMarks).of.clear()  # the files stay with the other world


FORKED.append(_forked)


def folder(world: World, name: str) -> Path:
    """Folder of a database's server."""
    return hosts.subfolder(world, "databases") / name


def watch(world: World) -> None:
    """Mark from now on how far the logs of the running servers have got."""
    marks = world.of(DataMarks)
    if marks.pid == os.getpid():
        return
    marks.pid = os.getpid()
    over = world.of(hosts.Hosts).ended

    def look() -> None:
        while not over.wait(EVERY):
            with world.site.lock:
                note(world)

    threading.Thread(target=look, daemon=True).start()


def note(world: World) -> None:
    """Mark the logs as of now. Call it with the world's lock."""
    marks, now = world.of(DataMarks).of, world.clock.read()
    for name in world.of(mysql.MysqlServers).of_this_process():
        logs = mysql.logs(folder(world, name))
        if not logs:
            continue
        files, size = len(logs), logs[-1].stat().st_size
        known = marks.setdefault(name, [])
        if not known or known[-1][1:] != (files, size):
            known.append(Mark(now, files, size))


def keep_copy(world: World, name: str, snapshot: str) -> None:
    """Keep the data of a database as of now, for a snapshot."""
    note(world)
    _copy(world, name, world.clock.read(), _snapshots(world) / snapshot)


def begin_from_snapshot(world: World, snapshot: str, new: str) -> None:
    """Let a new database begin with the data of a snapshot."""
    if (_snapshots(world) / snapshot).is_dir():
        shutil.copytree(_snapshots(world) / snapshot, folder(world, new) / mysql.SEED, dirs_exist_ok=True)


def begin_from_time(world: World, source: str, at: float, new: str) -> None:
    """Let a new database begin with the data that another had at a time (epoch seconds)."""
    note(world)
    _copy(world, source, at, folder(world, new) / mysql.SEED)


def rename(world: World, old: str, new: str) -> None:
    """Give the data a new name; its server starts again with the next command, as after the reboot by AWS."""
    note(world)
    world.of(mysql.MysqlServers).stop(old, for_good=False)
    marks = world.of(DataMarks).of
    if old in marks:
        marks[new] = marks.pop(old)
    shutil.rmtree(folder(world, new), ignore_errors=True)
    if folder(world, old).is_dir():
        folder(world, old).rename(folder(world, new))


def forget(world: World, name: str) -> None:
    """A database was deleted."""
    world.of(DataMarks).of.pop(name, None)
    shutil.rmtree(folder(world, name), ignore_errors=True)


def _snapshots(world: World) -> Path:
    return hosts.subfolder(world, "snapshots")


def _copy(world: World, name: str, at: float, target: Path) -> None:
    mark = next((one for one in reversed(world.of(DataMarks).of.get(name, [])) if one.at <= at), None)
    if mark is None:
        return
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for log in mysql.logs(folder(world, name))[: mark.files]:
        shutil.copy(log, target)
    (target / mysql.STOP).write_text(str(mark.size))
