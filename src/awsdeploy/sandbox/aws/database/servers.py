"""Real servers behind the databases, for machines that really run something: begun with a machine's first command.

A server is started without the world's lock, for seconds. What it was started with may have changed by then (another
password or name, deleted): then it is ended again and started with what counts now. So nobody reaches a server with an
old password.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple

from awsdeploy.sandbox.aws import Answer, after
from awsdeploy.sandbox.aws.database import data
from awsdeploy.sandbox.aws.database.memory import Databases
from awsdeploy.sandbox.machines import certificates, hosts, mysql, mysql_files, paths
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World

log = logging.getLogger(__name__)

REQUIRES_TLS = "require_secure_transport"


class Start(NamedTuple):
    """Arguments of a database's server: names and user in AWS; `tls_alone`: it refuses plain connections."""

    name: str
    host: str
    port: int
    schema: str
    user: str
    password: str
    tls_alone: bool


def begin(world: World, region: str) -> None:
    """Start a server for what can be reached and has none yet. Blocks for seconds; call it without the world's lock."""
    if mysql.program() is None:
        return
    servers = world.of(mysql.MysqlServers)
    with servers.starting():
        failed: set[str] = set()
        while missing := [one for one in _reachable(world, region) if one not in failed]:
            if not _begun(world, region, missing[0]):
                failed.add(missing[0])


def _begun(world: World, region: str, resource: str) -> bool:
    """Start one server. False if that fails; after a change meanwhile it is still missing."""
    with world.site.lock:
        wanted = _reachable(world, region).get(resource)
        if wanted is None:
            return True
        authority = certificates.authority(hosts.subfolder(world, ""))
        folder = data.folder(world, resource)
    at = paths.free_address(f"{world.site.port}:{wanted.name}", wanted.port)
    proof = certificates.issue(authority, wanted.host, folder, at[0])
    tls = mysql.MysqlTls(*proof, alone=wanted.tls_alone)
    try:
        server = mysql.start(folder, wanted.schema, wanted.user, wanted.password, tls, at)
    except mysql_files.DoesNotStart as why:
        log.error("%s: %s", wanted.name, why)
        return False
    if server is None:
        return False
    with world.site.lock:
        if _reachable(world, region).get(resource) == wanted:
            world.of(mysql.MysqlServers).of_this_process()[resource] = server
            data.begun(world, resource)
            hosts.register_name(world, wanted.host, wanted.port, *at)
            return True
    mysql.stop(server, for_good=not _exists(world, region, resource))
    return True


@after("rds:ModifyDBParameterGroup")
def transport(world: World, call: ApiCall, answer: Answer) -> None:
    """AWS: `require_secure_transport` is dynamic. Here the server starts again with it, and its connections end."""
    if not any(one["ParameterName"] == REQUIRES_TLS for one in call.parameters["Parameters"]):
        return
    group, servers = call.parameters["DBParameterGroupName"].lower(), world.of(mysql.MysqlServers)
    databases = world.moto("rds", call.region).databases.values()
    using = [one.dbi_resource_id for one in databases if (one.db_parameter_group_name or "").lower() == group]
    if running := [one for one in using if one in servers.of_this_process()]:
        threading.Thread(target=_again, args=(world, call.region, running), daemon=True).start()


def _again(world: World, region: str, resources: list[str]) -> None:
    servers = world.of(mysql.MysqlServers)
    with servers.starting():
        for resource in resources:
            servers.stop(resource, for_good=False)
    begin(world, region)


def _exists(world: World, region: str, resource: str) -> bool:
    with world.site.lock:
        return any(one.dbi_resource_id == resource for one in world.moto("rds", region).databases.values())


def _reachable(world: World, region: str) -> dict[str, Start]:
    """Databases with an endpoint and without a server, by their resource IDs."""
    with world.site.lock:
        memory, found = world.of(Databases), world.moto("rds", region).databases
        running = world.of(mysql.MysqlServers).of_this_process()
        return {
            one.dbi_resource_id: _start(world, region, one, memory.passwords.get(name, ""))
            for name, one in found.items()
            if name not in memory.without_endpoint and one.status != "deleting" and one.dbi_resource_id not in running
        }


def _start(world: World, region: str, one: Any, password: str) -> Start:
    group = world.moto("rds", region).db_parameter_groups.get((one.db_parameter_group_name or "").lower())
    parameter = group.parameters.get(REQUIRES_TLS, {}) if group is not None else {}
    alone = str(parameter.get("ParameterValue", "")) in ("1", "ON")
    schema, user = str(one.db_name or ""), str(one.master_username)
    return Start(one.db_instance_identifier, str(one.address), int(one.port), schema, user, password, alone)
