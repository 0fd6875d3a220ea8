"""The CloudWatch agent of the machines: new lines of log files go to the groups that the bootstrap's settings name.

One thread for all machines of a world, begun when the first program starts on one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from awsdeploy.sandbox.aws import FORKED
from awsdeploy.sandbox.aws.compute import agents, instances
from awsdeploy.sandbox.aws.monitoring import agent_logs
from awsdeploy.sandbox.aws.monitoring.logs import put
from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.server.world import World

STACK, SERVICE = "awsdeploy:stack", "awsdeploy:service"
"""Tags of a machine."""
EVERY = 0.5
"""Real seconds between two looks."""
FILES = {
    "var/log/app/*.log": "/deploy/{stack}/{service}",
    "var/log/nginx/*.log": "/deploy/{stack}/nginx",
    "var/log/awsdeploy/bootstrap.log": "/deploy/{stack}/bootstrap",
}


@dataclass
class Shipped:
    """Position to which each file has been read, and its reader."""

    read: dict[Path, int] = field(default_factory=dict)
    thread: threading.Thread | None = None


def begin(world: World) -> None:
    """Start to ship logs. The caller holds the world's lock."""
    shipped = world.of(Shipped)
    if shipped.thread is None:
        shipped.thread = threading.Thread(target=_run, args=(world, world.of(hosts.Hosts).ended), daemon=True)
        shipped.thread.start()


def _run(world: World, over: threading.Event) -> None:
    while not over.wait(EVERY):
        with world.site.lock:
            if not over.is_set():
                for id, one in world.of(hosts.Hosts).running.items():
                    _ship(world, id, one)


def _ship(world: World, id: str, one: hosts.Host) -> None:
    instance = agents.machine(id)
    if instance is None or not instances.bootstrapped(world, instance):
        return
    region = instance.ec2_backend.region_name
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    for pattern, form in FILES.items():
        name = form.format(stack=tags.get(STACK, ""), service=tags.get(SERVICE, ""))
        for path in one.root.glob(pattern):
            if path.stat().st_size == world.of(Shipped).read.get(path, 0):
                continue
            group, stream = agent_logs.for_file(world, region, instance, name), _stream(one, path, pattern)
            if group is None or not agent_logs.takes(world, region, instance, group, stream):
                continue
            if news := _news(world.of(Shipped), path):
                put(group, stream, world.clock.read(), news)


def _news(shipped: Shipped, path: Path) -> bytes:
    """The whole lines that were added; a file that has become shorter is a new one."""
    begin, size = shipped.read.get(path, 0), path.stat().st_size
    with path.open("rb") as file:
        file.seek(begin if size > begin else 0)
        found = file.read()
        found = found[: found.rfind(b"\n") + 1]
        shipped.read[path] = (begin if size > begin else 0) + len(found)
    return found


def _stream(one: hosts.Host, path: Path, pattern: str) -> str:
    """AWS: with `publish_multi_logs` the agent adds the path of the file to the name, `_` for each `/`."""
    if "*" not in pattern:
        return one.id
    return f"{one.id}_" + f"/{path.relative_to(one.root)}".replace("/", "_")


def _forked(world: World) -> None:
    shipped = world.of(Shipped)
    shipped.read, shipped.thread = {}, None


FORKED.append(_forked)
