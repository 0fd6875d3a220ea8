"""Manifest of a release: the documented folders, ports and variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from awsdeploy.config import Settings, load
from awsdeploy.release.manifest import Manifest, manifest, release_id
from awsdeploy.release.source import committed
from tests.release.repository import commit, package, placed, repository

CONFIG = {"name": "shop", "environment": "prod", "domain": "example.com", "platform": "supported"}
SITE, UPLOADS = "https://example.com", "https://uploads.s3.ap-northeast-2.amazonaws.com"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text("".join(f'{key} = "{value}"\n' for key, value in CONFIG.items()))
    return load(path, {})


@pytest.fixture
def manifests(settings: Settings, tmp_path: Path) -> dict[str, Manifest]:
    (tmp_path / "code").mkdir()
    folder = repository(tmp_path / "code")
    for service in settings.services.values():  # an altered folder has a program, too
        commit(folder, placed(service.directory, package()))
    code = committed(folder, "HEAD")
    id = release_id(code)
    return {name: manifest(settings, service, code, id, SITE, UPLOADS) for name, service in settings.services.items()}


def test_i1_the_frontend_is_built_in_its_folder_and_listens_on_3000(manifests: dict[str, Manifest]) -> None:
    front = manifests["frontend"]
    assert (front.directory, front.port, front.health, front.processes) == ("front", 3000, "/", 1)


def test_i2_the_api_is_built_in_its_folder_and_listens_on_9999(manifests: dict[str, Manifest]) -> None:
    back = manifests["backend"]
    assert (back.directory, back.port, back.health, back.processes) == ("back", 9999, "/api/health", 1)
    assert back.database


def test_i4_the_frontend_is_told_its_addresses_and_the_api_is_not(manifests: dict[str, Manifest]) -> None:
    front, back = manifests["frontend"].environment, manifests["backend"].environment
    assert front["NEXT_PUBLIC_BASE_URL"] == SITE
    assert front["NEXT_PUBLIC_S3_URL"] == UPLOADS
    assert not [name for name in back if name.startswith("NEXT_PUBLIC_")]


def test_both_are_told_where_and_what_they_are(manifests: dict[str, Manifest]) -> None:
    for one in manifests.values():
        assert one.environment["NODE_ENV"] == "production"
        assert one.environment["PORT"] == str(one.port)
        assert one.environment["HOSTNAME"] == "0.0.0.0"
        assert one.environment["AWS_REGION"] == "ap-northeast-2"
        assert one.environment["TZ"] == "UTC"
        assert one.environment["RELEASE_ID"] == one.id
        assert one.keep == 5
        assert len(one.commit) == 40


def test_behind_nginx_the_page_listens_on_another_port_of_the_machine_itself(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "".join(f'{key} = "{value}"\n' for key, value in CONFIG.items()) + "[services.frontend]\nnginx = true\n"
    )
    settings = load(path, {})
    (tmp_path / "code").mkdir()
    code = committed(repository(tmp_path / "code"), "HEAD")
    front = manifest(settings, settings.services["frontend"], code, release_id(code), SITE, UPLOADS)
    assert (front.port, front.behind) == (3000, 13000)
    assert (front.environment["PORT"], front.environment["HOSTNAME"]) == ("13000", "127.0.0.1")


@pytest.mark.parametrize(
    ("written", "health", "status", "protocol"),
    [
        ("", "/", "200-399", "http"),
        ('health = "/ok"\nhealth_status = "200-499"', "/ok", "200-499", "http"),
        ('health = "tcp"', "/", "200-499", "tcp"),
    ],
)
def test_the_machine_is_told_what_is_healthy(
    tmp_path: Path, written: str, health: str, status: str, protocol: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "".join(f'{key} = "{value}"\n' for key, value in CONFIG.items()) + f"[services.frontend]\n{written}\n"
    )
    settings = load(path, {})
    (tmp_path / "code").mkdir()
    code = committed(repository(tmp_path / "code"), "HEAD")
    front = manifest(settings, settings.services["frontend"], code, release_id(code), SITE, UPLOADS)
    assert (front.health, front.health_status, front.health_protocol) == (health, status, protocol)


def test_a_package_that_is_needed_at_start_stays(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    folder = repository(tmp_path / "code")
    commit(folder, {"front/next.config.ts": ""})
    code = committed(folder, "HEAD")
    kept = {name: manifest(settings, one, code, "1", SITE, UPLOADS).keep_dev for name, one in settings.services.items()}
    assert kept == {"frontend": True, "backend": False}
