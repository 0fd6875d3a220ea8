"""Real servers behind the databases, for machines that really run something: begun with a machine's first command."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from awsdeploy.sandbox import boxes, mysql
from awsdeploy.sandbox.corrections.database import Databases
from awsdeploy.sandbox.world import World

STARTING = threading.Lock()


def begin(world: World, region: str) -> None:
    """Start a server for what can be reached and has none yet. Blocks for seconds; call it without the world's lock."""
    if mysql.program() is None:
        return
    with STARTING:
        for name, database in _reachable(world, region).items():
            running = world.of(mysql.Servers).of_this_process()
            if name in running:
                continue
            user, password = str(database.master_username), world.of(Databases).passwords.get(name, "")
            server = mysql.start(_folder(world, name), str(database.db_name or ""), user, password)
            if server is None:
                continue
            with world.site.lock:
                running[name] = server
                boxes.name(world, str(database.address), int(database.port), server.port)


def _folder(world: World, name: str) -> Path:
    with world.site.lock:
        return boxes.below(world, "databases") / name


def _reachable(world: World, region: str) -> dict[str, Any]:
    with world.site.lock:
        hidden = world.of(Databases).without_endpoint
        found = world.moto("rds", region).databases
        return {name: one for name, one in found.items() if name not in hidden and one.status != "deleting"}
