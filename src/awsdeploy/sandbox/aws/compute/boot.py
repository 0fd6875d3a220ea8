"""Boot of a machine: its first time it catches up with the current release, and each time it starts the units that
are enabled. And what it does no more when it is stopped, rebooted or terminated.
"""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import Any

from awsdeploy.sandbox.aws.compute import bootstraps, instances
from awsdeploy.sandbox.aws.database import servers
from awsdeploy.sandbox.aws.monitoring import shipping
from awsdeploy.sandbox.aws.monitoring.shipping import SERVICE, STACK
from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.machines.toolchain import NoToolchain
from awsdeploy.sandbox.server.world import World

RELEASE = "bootstrap/release.sh"
LOG = "var/log/awsdeploy/bootstrap.log"
ENABLED = "etc/systemd/enabled"


def _catch_up(world: World, region: str, instance: Any, bucket: str) -> None:
    """A new machine puts on itself what its service's others have, if they have anything."""
    tags = {one["key"]: one["value"] for one in instance.get_tags()}
    stored = world.moto("s3").buckets[bucket].keys
    if SERVICE not in tags or RELEASE not in stored or f"releases/{tags[SERVICE]}/current.json" not in stored:
        return
    words = ["catchup", tags[STACK], tags[SERVICE], region, bucket]
    script = f"""#!/bin/bash
set -euo pipefail
aws s3 cp --only-show-errors --region {region} s3://{bucket}/{RELEASE} "$ROOT/opt/awsdeploy/release.sh"
exec bash "$ROOT/opt/awsdeploy/release.sh" {shlex.join(words)}
"""
    _run(world, region, instance.id, "catchup", script)


def _start_units(world: World, region: str, instance: Any) -> None:
    """The units that a release has enabled start at each boot; the process manager's brings back what it had saved."""
    one = world.of(hosts.Hosts).running.get(instance.id)
    units = sorted(path.name for path in (one.root / ENABLED).glob("*")) if one is not None else []
    if units:
        _run(world, region, instance.id, "boot", f"#!/bin/sh\nexec systemctl start {shlex.join(units)}\n")


def _run(world: World, region: str, id: str, name: str, text: str) -> None:
    """Run the script in the background; its output is in the machine's bootstrap log."""
    on = hosts.prepare(world, id, region)
    shipping.begin(world)
    script = on.host.root / "opt" / "awsdeploy" / f"{name}.sh"
    script.write_text(text)
    script.chmod(0o700)
    threading.Thread(target=_started, args=(world, region, on, script), daemon=True).start()


def _started(world: World, region: str, on: hosts.PreparedHost, script: Path) -> None:
    servers.begin(world, region)
    with (on.host.root / LOG).open("ab") as output:
        try:
            process = hosts.start(world, on, script, output, output)
        except NoToolchain as missing:
            output.write(f"{missing}\n".encode())
            return
    if process is not None:
        process.wait()


def _power_off(world: World, _: str, instance: Any) -> None:
    if instance._state.name == "terminated":
        hosts.remove(world, instance.id)
    else:
        hosts.power_off(world, instance.id)


bootstraps.BOOTSTRAPPED_HOOKS.append(_catch_up)
instances.BOOT_HOOKS.append(_start_units)
instances.REBOOT_HOOKS.append(_power_off)
instances.STOPPED_HOOKS.append(_power_off)
