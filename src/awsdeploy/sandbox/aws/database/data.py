"""Data of the databases over time, where this machine has a MariaDB server: for snapshots and restores to a time.

Each server writes MySQL's binary log. Its length is marked with the world's time, so the log up to a time is known; a
restored instance begins with what this part of the log says. The log contains everything that a database was ever told,
because it begins with the empty one. A mark is never early: what was written after a time is not restored to it. It is
late by `EVERY` at most, and not at all for what a command has written that has ended, or before a leap in time.

Data belong to an instance by its resource ID (DbiResourceId), which it has for life; a rename does not touch them.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from awsdeploy.sandbox.aws import FORKED, LEAPS
from awsdeploy.sandbox.machines import hosts, mysql, mysql_files
from awsdeploy.sandbox.server.world import World

EVERY = 0.1
"""Real seconds between two looks at the logs."""
ALWAYS = 0.0
"""Time of a server's first mark: what it began with is older than all that anyone asks for."""


class Mark(NamedTuple):
    """Length in bytes of the last of `files` log files at a time of the world (epoch seconds)."""

    at: float
    files: int
    size: int


@dataclass
class DataMarks:
    """Marks of each database by its resource ID, oldest first, and the process whose thread makes them."""

    of: dict[str, list[Mark]] = field(default_factory=dict)
    pid: int = 0


def _forked(world: World) -> None:
    world.of(DataMarks).of.clear()  # the files stay with the other world


FORKED.append(_forked)


def folder(world: World, resource: str) -> Path:
    """Folder of a database's server."""
    return hosts.subfolder(world, "databases") / resource


def begun(world: World, resource: str) -> None:
    """Mark what a server begins with, before anyone reaches it. Call it with the world's lock."""
    marks = world.of(DataMarks)
    if length := _length(world, resource):
        marks.of.setdefault(resource, [Mark(ALWAYS, *length)])
    if marks.pid != os.getpid():
        marks.pid = os.getpid()
        threading.Thread(target=_watch, args=(world,), daemon=True).start()


def _watch(world: World) -> None:
    over = world.of(hosts.Hosts).ended
    while not over.wait(EVERY):
        with world.site.lock:
            note(world)


def note(world: World) -> None:
    """Mark the logs of the running servers as of now. Call it with the world's lock."""
    marks = world.of(DataMarks).of
    for resource in world.of(mysql.MysqlServers).of_this_process():
        # The time is read after the length: what is in the log by then is not younger.
        known, length = marks.setdefault(resource, []), _length(world, resource)
        if length and (not known or known[-1][1:] != length):
            known.append(Mark(world.clock.read(), *length))


LEAPS.append(note)


def _length(world: World, resource: str) -> tuple[int, int] | None:
    """Number of log files and bytes of the last one; None before there are any."""
    logs = mysql_files.logs(folder(world, resource))
    return (len(logs), logs[-1].stat().st_size) if logs else None


def keep_copy(world: World, resource: str, snapshot: str) -> None:
    """Keep the data of a database as of now, for a snapshot."""
    note(world)
    _copy(world, resource, world.clock.read(), _snapshots(world) / snapshot)


def begin_from_snapshot(world: World, snapshot: str, new: str) -> None:
    """Let a new database begin with the data of a snapshot."""
    if (_snapshots(world) / snapshot).is_dir():
        shutil.copytree(_snapshots(world) / snapshot, folder(world, new) / mysql_files.SEED, dirs_exist_ok=True)


def begin_from_time(world: World, source: str, at: float, new: str) -> None:
    """Let a new database begin with the data that another had at a time (epoch seconds)."""
    note(world)
    _copy(world, source, at, folder(world, new) / mysql_files.SEED)


def forget(world: World, resource: str) -> None:
    """A database was deleted."""
    world.of(DataMarks).of.pop(resource, None)
    shutil.rmtree(folder(world, resource), ignore_errors=True)


def _snapshots(world: World) -> Path:
    return hosts.subfolder(world, "snapshots")


def _copy(world: World, resource: str, at: float, target: Path) -> None:
    """Copy the logs up to a time; of a database that has had no server yet, what it will begin with."""
    source = folder(world, resource)
    mark = next((one for one in reversed(world.of(DataMarks).of.get(resource, [])) if one.at <= at), None)
    if mark is not None:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for log in mysql_files.logs(source)[: mark.files]:
            shutil.copy(log, target)
        (target / mysql_files.STOP).write_text(str(mark.size))
    elif (source / mysql_files.SEED).is_dir():
        shutil.copytree(source / mysql_files.SEED, target, dirs_exist_ok=True)
