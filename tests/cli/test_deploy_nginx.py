"""`nginx = true`: by the installed command, on machines that really run what is released."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.release_host import until
from tests.release.apps import SERVER
from tests.release.site import asked, begin, deploy
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.frontend]
nginx = {nginx}
"""
INSIDE = SERVER.replace("process.env.PORT", "process.env.PORT, process.env.HOSTNAME").replace(
    "greeting: GREETING", "port: process.env.PORT"
)


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack whose page has nginx before it, and its repository."""
    return begin(module_world, CONFIG.format(nginx="true"), INSIDE)


def machine(world: World) -> str:
    (one,) = world.client("ssm").describe_instance_information()["InstanceInformationList"]
    return str(one["InstanceId"])


def root(world: World) -> Path:
    return Path(world.control("POST", "machine", {"instance": machine(world), "port": 3000})["root"])


def test_the_page_answers_through_nginx_whose_logs_can_be_read(site: World) -> None:
    assert asked(site, "/")["port"] == "13000"
    assert '"GET / HTTP/1.1" 200' in (root(site) / "var/log/nginx/access.log").read_text()
    until(lambda: '"GET / HTTP/1.1" 200' in site.awsdeploy("logs", "nginx").stdout)


def test_it_is_there_again_after_a_reboot(site: World) -> None:
    site.client("ec2").reboot_instances(InstanceIds=[machine(site)])

    def answers() -> bool:
        site.pass_time(5)
        try:
            return bool(asked(site, "/")["port"] == "13000")
        except OSError:
            return False

    until(answers, 60)


@pytest.mark.torture
def test_the_next_deploy_takes_it_away_and_brings_it_back_though_the_code_is_the_same(site: World) -> None:
    for nginx, port in (("false", "3000"), ("true", "13000")):
        site.settings(CONFIG.format(nginx=nginx))
        assert "unchanged" not in deploy(site)
        assert asked(site, "/")["port"] == port
        assert (root(site) / "etc/systemd/enabled/awsdeploy-nginx").exists() == (nginx == "true")
    assert "unchanged" in deploy(site)
