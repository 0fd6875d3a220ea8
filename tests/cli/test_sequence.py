"""What the project promises first: up, status, up, a lost state, up, destroy, by the installed command alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from tests.simulated import World
from tests.test_crashes import leftovers

CONFIG = """\
name = "shop"
environment = "prod"
domain = "example.com"
platform = "documented"
"""
DESTROY = ("destroy", "--confirm", "shop-prod", "--delete-data", "--delete-zone")


def writes_of(world: World) -> int:
    """AWS writes since the last time it was asked."""
    count = int(world.control("GET", "calls")["writes"])
    world.control("DELETE", "calls")
    return count


@pytest.mark.parametrize("kept", [False, True], ids=["everything goes", "the data stays"])
def test_up_status_up_lost_state_up_destroy(world: World, kept: bool) -> None:
    world.until(19)  # the day's images are a day away
    (world.folder / "config.toml").write_text(CONFIG)
    up = world.awsdeploy("up", "--yes")
    assert up.returncode == 0, up.stderr
    assert "https://example.com" in up.stdout
    status = world.awsdeploy("status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "healthy" in status.stdout.splitlines()[0]
    assert "no release yet" in status.stdout
    assert writes_of(world) > 50
    assert world.awsdeploy("up", "--yes").returncode == 0
    assert writes_of(world) == 0
    state = world.folder / ".awsdeploy" / "shop-prod.json"
    before = json.loads(state.read_text())["entries"]
    shutil.rmtree(state.parent)
    assert world.awsdeploy("up", "--yes").returncode == 0
    assert writes_of(world) == 0
    after = json.loads(state.read_text())["entries"]
    assert {key: entry["id"] for key, entry in after.items()} == {key: entry["id"] for key, entry in before.items()}
    gone = world.awsdeploy(*(DESTROY[:3] if kept else DESTROY))
    assert gone.returncode == 0, gone.stderr
    left = leftovers(world)
    if kept:
        assert [name for name in left if "-final-" not in name] == []
        assert len(left) == 1
        assert left[0] in gone.stdout
        assert "a month" in gone.stdout
    else:
        assert left == []
        assert not state.exists()
    assert world.awsdeploy("status").returncode == 6 if not kept else True


WITHOUT_IMAGES = """
[backup]
images = false
"""


def _with_lifecycle_policies(application: Any) -> Any:
    """moto knows no Data Lifecycle Manager and breaks at it; in front of it stands one without any policy."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if "/dlm/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
            return application(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"Policies": []}']

    return answer


@pytest.fixture
def plain_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An endpoint that speaks AWS and knows nothing of us: moto's own server."""
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
    monkeypatch.setattr("moto.settings.ACM_VALIDATION_WAIT", 0)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    assert server._server is not None
    server._server.app = _with_lifecycle_policies(server._server.app)
    host, port = server.get_host_and_port()
    given = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWSDEPLOY_SETTLE": "0.5",
        "AWSDEPLOY_POLL_FLOOR": "0.05",
    }
    yield World(given["AWS_ENDPOINT_URL"], given, tmp_path)
    server.stop()


def test_the_same_on_any_endpoint_that_speaks_aws(plain_aws: World) -> None:
    world = plain_aws
    world.client("route53").create_hosted_zone(Name="example.com.", CallerReference="registrar")
    (world.folder / "config.toml").write_text(CONFIG + WITHOUT_IMAGES)
    for words in (("up", "--yes"), ("status",), ("up", "--yes")):
        done = world.awsdeploy(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to do" in done.stdout
    shutil.rmtree(world.folder / ".awsdeploy")
    again = world.awsdeploy("up", "--yes")
    assert "Nothing to do" in again.stdout
    gone = world.awsdeploy(*DESTROY)
    assert gone.returncode == 0, gone.stderr
    assert leftovers(world) == []
