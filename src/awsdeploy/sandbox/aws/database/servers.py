"""Real servers behind the databases, for machines that really run something: begun with a machine's first command."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from awsdeploy.sandbox.aws import Answer, after
from awsdeploy.sandbox.aws.database import data
from awsdeploy.sandbox.aws.database.memory import Databases
from awsdeploy.sandbox.machines import certificates, hosts, mysql, paths
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World

STARTING = threading.Lock()
REQUIRES_TLS = "require_secure_transport"


def begin(world: World, region: str) -> None:
    """Start a server for what can be reached and has none yet. Blocks for seconds; call it without the world's lock."""
    with STARTING:
        with world.site.lock:
            authority = certificates.authority(hosts.subfolder(world, ""))
        if mysql.program() is None:
            return
        for name, database in _reachable(world, region).items():
            running = world.of(mysql.MysqlServers).of_this_process()
            if name in running:
                continue
            user, password = str(database.master_username), world.of(Databases).passwords.get(name, "")
            folder = _folder(world, name)
            at = paths.free_address(f"{world.site.port}:{name}", int(database.port))
            proof = certificates.issue(authority, str(database.address), folder, at[0])
            tls = mysql.MysqlTls(*proof, alone=_tls_alone(world, region, database))
            server = mysql.start(folder, str(database.db_name or ""), user, password, tls, at)
            if server is None:
                continue
            with world.site.lock:
                running[name] = server
                data.watch(world)
                hosts.register_name(world, str(database.address), int(database.port), *at)


@after("rds:ModifyDBParameterGroup")
def transport(world: World, call: ApiCall, answer: Answer) -> None:
    """AWS: `require_secure_transport` is dynamic. Here the server starts again with it, and its connections end."""
    if not any(one["ParameterName"] == REQUIRES_TLS for one in call.parameters["Parameters"]):
        return
    group, servers = call.parameters["DBParameterGroupName"].lower(), world.of(mysql.MysqlServers)
    databases = world.moto("rds", call.region).databases
    using = [name for name, one in databases.items() if (one.db_parameter_group_name or "").lower() == group]
    if running := [name for name in using if name in servers.of_this_process()]:
        threading.Thread(target=_again, args=(world, call.region, running), daemon=True).start()


def _again(world: World, region: str, names: list[str]) -> None:
    with STARTING:
        for name in names:
            world.of(mysql.MysqlServers).stop(name, for_good=False)
    begin(world, region)


def _tls_alone(world: World, region: str, database: Any) -> bool:
    with world.site.lock:
        group = world.moto("rds", region).db_parameter_groups.get((database.db_parameter_group_name or "").lower())
        parameter = group.parameters.get(REQUIRES_TLS, {}) if group is not None else {}
        return str(parameter.get("ParameterValue", "")) in ("1", "ON")


def _folder(world: World, name: str) -> Path:
    with world.site.lock:
        return data.folder(world, name)


def _reachable(world: World, region: str) -> dict[str, Any]:
    with world.site.lock:
        hidden = world.of(Databases).without_endpoint
        found = world.moto("rds", region).databases
        return {name: one for name, one in found.items() if name not in hidden and one.status != "deleting"}
