"""Every kind of stack people ask for: up, status, nothing to do, destroy with everything, and nothing left anywhere."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.account import leftovers
from tests.sampling import sampled
from tests.simulated import World

BASE = """\
name = "shop"
environment = "{preset}"
platform = "{platform}"
"""
DOMAIN = 'domain = "example.com"\n'
SCALING = "\n[services.frontend.scaling]\nmin = 1\nmax = 3\n\n[services.backend]\n"
PRIVATE = '\n[uploads]\naccess = "private"\n'
NO_REPLICA = "\n[uploads]\nreplicate = false\n"
QUIET = "\n[backup]\nimages = false\n\n[monitoring]\nhealth_check = false\nrequest_metrics = false\n"

VARIANTS = {
    f"{preset}, {platform}, {what}": BASE.format(preset=preset, platform=platform) + more
    for preset in ("dev", "prod")
    for platform in ("documented", "supported")
    for what, more in {
        "as it is": DOMAIN,
        "no domain": "",
        "scaling": DOMAIN + SCALING,
        "private uploads": DOMAIN + PRIVATE,
        "replication off": DOMAIN + NO_REPLICA,
        "no backups, no health check": DOMAIN + QUIET,
    }.items()
}
SAMPLE = random.Random(28).sample(sorted(VARIANTS), 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(VARIANTS, SAMPLE))
def test_a_stack_lives_and_dies(world: World, name: str) -> None:
    config = VARIANTS[name]
    (world.folder / "config.toml").write_text(config)
    preset = "dev" if '"dev"' in config else "prod"
    up = world.awsdeploy("up", "--yes")
    assert up.returncode == 0, up.stderr
    status = world.awsdeploy("status")
    assert status.returncode == 0, status.stdout + status.stderr
    world.control("DELETE", "calls")
    again = world.awsdeploy("up", "--yes")
    assert again.returncode == 0, again.stderr
    assert [call["call"] for call in world.control("GET", "calls")["calls"] if call["write"]] == []
    gone = world.awsdeploy("destroy", "--confirm", f"shop-{preset}", "--everything")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "nothing else is left" in gone.stdout
    assert leftovers(world) == []
    assert not Path(world.folder, ".awsdeploy", f"shop-{preset}.json").exists()
