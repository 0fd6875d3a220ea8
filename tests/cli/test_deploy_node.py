"""`node` in the config: by the installed command, on machines that really run what is released."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.release_host import until
from tests.release.apps import SERVER
from tests.release.repository import commit
from tests.release.site import asked, begin, deploy
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.frontend]
{line}
"""
VERSION = SERVER.replace("greeting: GREETING", "version: process.version")


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack whose page runs on the default version, and its repository."""
    return begin(module_world, CONFIG.format(line=""), VERSION)


def machine(world: World) -> tuple[str, str]:
    """Id of the only machine, and when it was started."""
    ((one,),) = (row["Instances"] for row in world.client("ec2").describe_instances()["Reservations"])
    return str(one["InstanceId"]), str(one["LaunchTime"])


def version(world: World) -> str:
    return str(asked(world, "/")["version"])


def test_the_program_runs_on_the_version_of_the_config(site: World) -> None:
    before = machine(site)
    assert version(site).startswith("v24.")
    site.settings(CONFIG.format(line='node = "22"'))
    said = deploy(site)
    assert "Note: frontend: Node.js 22 (node in [services.frontend]); the default of the platform is 24" in said
    assert "Installing Node.js 22." in said
    assert version(site).startswith("v22.")
    assert "unchanged" in deploy(site)
    assert "node --version" not in said
    assert site.awsdeploy("exec", "frontend", "--", "node", "--version").stdout.startswith("v22.")
    assert machine(site) == before, "no new machine"


@pytest.mark.torture
def test_the_version_survives_a_reboot_and_the_repositorys_counts_without_one_in_the_config(site: World) -> None:
    before = machine(site)
    site.settings(CONFIG.format(line='node = "22"'))
    deploy(site)
    site.client("ec2").reboot_instances(InstanceIds=[machine(site)[0]])

    def answers() -> bool:
        site.pass_time(5)
        try:
            return version(site).startswith("v22.")
        except OSError:
            return False

    until(answers, 60)
    site.settings(CONFIG.format(line=""))
    commit(Path(site.folder), {"front/.nvmrc": "22\n"})
    assert "Note: frontend: Node.js 22 (front/.nvmrc); the default of the platform is 24" in deploy(site)
    assert version(site).startswith("v22.")
    commit(Path(site.folder), {"front/.nvmrc": "24\n"})
    assert "Installing Node.js" not in deploy(site)
    assert version(site).startswith("v24.")
    assert machine(site) == before, "no new machine"
