"""What a machine does by itself when it boots: its first time it catches up with the current release, later it starts
again what its process manager had saved. And what it does no more when it is stopped, rebooted or terminated."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import Any

from awsdeploy.sandbox import boxes
from awsdeploy.sandbox.corrections import bootstraps, instances
from awsdeploy.sandbox.toolchain import NoToolchain
from awsdeploy.sandbox.world import World

RELEASE = "bootstrap/release.sh"
STACK, SERVICE = "awsdeploy:stack", "awsdeploy:service"
LOG = "var/log/awsdeploy/bootstrap.log"
SAVED = "home/app/.pm2/dump.pm2"


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


def _resurrect(world: World, region: str, instance: Any) -> None:
    """What the process manager's unit does at each boot but the first, which has nothing to start."""
    one = world.of(boxes.Boxes).standing.get(instance.id)
    if one is not None and (one.root / SAVED).exists():
        _run(world, region, instance.id, "boot", "#!/bin/sh\nexec pm2 resurrect\n")


def _run(world: World, region: str, id: str, name: str, text: str) -> None:
    """In the background; what it says is in the machine's log of its bootstrap."""
    root = boxes.box(world, id).root
    script = root / "opt" / "awsdeploy" / f"{name}.sh"
    script.write_text(text)
    script.chmod(0o700)
    threading.Thread(target=_started, args=(world, region, id, script, root / LOG), daemon=True).start()


def _started(world: World, region: str, id: str, script: Path, log: Path) -> None:
    with log.open("ab") as output:
        try:
            running = boxes.start(world, id, region, script, output, output)
        except NoToolchain as missing:
            output.write(f"{missing}\n".encode())
            return
    if running is not None:
        running.process.wait()


def _power_off(world: World, _: str, instance: Any) -> None:
    if instance._state.name == "terminated":
        boxes.remove(world, instance.id)
    else:
        boxes.power_off(world, instance.id)


bootstraps.DONE.append(_catch_up)
instances.BOOTED.append(_resurrect)
instances.REBOOTED.append(_power_off)
instances.LEFT.append(_power_off)
