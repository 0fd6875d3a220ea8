"""deploy and rollback with source git: real machines fetch what was pushed from a server that wants a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.apps import application
from tests.release.git_server import TOKEN, GitServer, serving
from tests.release.repository import commit
from tests.release.site import current, deploy, founded, sent
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.backend]
paths = ["/*"]

[release]
source = "git"
repository = "{url}/shop.git"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with serving(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(scope="module")
def site(module_world: World, server: GitServer) -> World:
    """A stack, its repository, and a clone of that around the config; the machines are connected to it."""
    founded(module_world, CONFIG.format(url=server.url))
    server.holds("shop", module_world.folder)
    done = module_world.awsdeploy("repository", "connect", stdin=TOKEN)
    assert done.returncode == 0, done.stderr
    return module_world


def objects(world: World) -> list[str]:
    s3 = world.client("s3")
    (bucket,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if "artifacts" in one["Name"]]
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]


@pytest.mark.torture
def test_the_machines_fetch_what_was_pushed(site: World, server: GitServer) -> None:
    said = deploy(site)
    first = current(site)
    assert f"the machines fetch it from {server.url}/shop.git" in said
    assert not [key for key in objects(site) if key.endswith(".tar.gz")]
    assert "unchanged, nothing was done" in deploy(site)

    commit(site.folder, application(build="echo another"))
    said = deploy(site, code=1)
    assert "is not on any known remote branch" in said
    assert "it was not pushed" in said
    assert current(site) == first
    server.push("shop", site.folder)
    deploy(site)
    second = current(site)
    assert second != first

    back = site.awsdeploy("rollback", timeout=300)
    assert back.returncode == 0, back.stderr
    assert current(site) == first
    assert first in site.awsdeploy("releases").stdout
    texts = [said, back.stdout, back.stderr, json.dumps(sent(site), default=str)]
    texts += [file.read_text(errors="replace") for file in logs(site.folder)]
    assert not any(TOKEN in text for text in texts)


def logs(folder: Path) -> list[Path]:
    """All that is kept where awsdeploy was run."""
    return [file for file in folder.rglob("*") if file.is_file()]
