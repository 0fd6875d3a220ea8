"""Port and health check of a service that runs: a change is one of the target group, then of the next release."""

from __future__ import annotations

import pytest

from tests.release.apps import SERVER
from tests.release.site import asked, begin, deploy, machines
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.frontend]

[services.backend]
port = 3000
"""


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack on which both services listen on one port."""
    return begin(module_world, CONFIG, SERVER.replace("greeting: GREETING", "port: process.env.PORT"))


def test_two_services_share_a_port_on_machines_of_their_own(site: World) -> None:
    front, back = asked(site, "/"), asked(site)
    assert front["port"] == back["port"] == "3000"


def test_another_port_needs_up_and_then_a_release_but_no_machine(site: World) -> None:
    before = {one["InstanceId"] for one in machines(site)}
    settings = site.settings(CONFIG.replace("3000", "4000"))
    refused = deploy(site, code=5)
    assert "The load balancer checks port 3000, /api/health, 200-399, config.toml says port 4000" in refused
    assert "Nothing was sent." in refused
    site.up(settings)
    assert {one["InstanceId"] for one in machines(site)} == before
    deploy(site, "backend")
    assert asked(site)["port"] == "4000"
    assert {one["InstanceId"] for one in machines(site)} == before
    assert "unchanged" in deploy(site, "backend")
