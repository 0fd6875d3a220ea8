"""Node.js version of a release: chosen before anything is sent, and read by the machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from awsdeploy.config import Settings
from awsdeploy.config.node_versions import BUILDS, VERSIONS
from awsdeploy.errors import ConfigInvalid
from awsdeploy.release import deploy
from awsdeploy.release.manifest import Manifest, manifest
from awsdeploy.release.node_version import NodeVersion
from awsdeploy.release.source import committed
from awsdeploy.resources.compute import bootstrap
from tests.release.repository import BACK, FRONT, commit, package, placed, repository
from tests.release.test_source import examined, refused, settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path)


def sent(project: Path, chosen: Settings, service: str = "backend") -> Manifest:
    return manifest(chosen, chosen.services[service], committed(project, "HEAD"), "id", "", "")


def version(project: Path, chosen: Settings) -> NodeVersion:
    found = sent(project, chosen).node
    assert found is not None
    return found


def test_defaults_are_those_of_the_bootstrap() -> None:
    script = bootstrap.script().decode()
    assert f"readonly NODE_AL2=v{BUILDS['18'].version} " in script
    assert re.search("^readonly NODE_AL2023=24$", script, re.M)


@pytest.mark.parametrize(("platform", "major"), [("documented", "18"), ("supported", "24")])
def test_without_a_word_it_is_the_platforms(project: Path, platform: str, major: str) -> None:
    assert version(project, settings(platform)) == NodeVersion(major, is_default=True)
    assert examined(project, settings(platform)) == []
    assert not version(project, settings(platform, backend={"node": major})).is_default, "somebody asked for it"
    commit(project, placed(BACK, package(engines={"node": ">=18"})))
    assert version(project, settings(platform)).is_default, "others would do"


@pytest.mark.parametrize("major", VERSIONS)
def test_amazon_linux_2_gets_builds_for_its_glibc(project: Path, major: str) -> None:
    found = version(project, settings("documented", backend={"node": major}))
    assert re.fullmatch(rf"node-v{major}\.\d+\.\d+-linux-x64-glibc-217\.tar\.(xz|gz)", found.archive)
    assert re.fullmatch("[0-9a-f]{64}", found.sha256) or major in ("18", "20")


@pytest.mark.parametrize("major", ["20", "22"])
def test_amazon_linux_2023_gets_its_packages(project: Path, major: str) -> None:
    assert version(project, settings("supported", backend={"node": major})) == NodeVersion(major)


def test_amazon_linux_2023_has_no_package_of_18(project: Path) -> None:
    assert version(project, settings("supported", backend={"node": "18"})).archive == BUILDS["18"].archive


@pytest.mark.parametrize(
    ("files", "major", "origin"),
    [
        ({".nvmrc": "v22.1.0\n"}, "22", ".nvmrc"),
        ({".nvmrc": "lts/iron\n"}, "20", ".nvmrc"),
        ({"back/.node-version": "20\n", ".nvmrc": "22\n"}, "20", "back/.node-version"),
        (placed(BACK, package(volta={"node": "20.9.0"})), "20", "volta.node in back/package.json"),
        (placed(BACK, package(engines={"node": "22.x"})), "22", "engines.node in back/package.json"),
        (placed(BACK, package(engines={"node": ">=20"})), "24", "engines.node in back/package.json"),
        (placed(BACK, package(engines={"node": "^20 || ^22"})), "22", "engines.node in back/package.json"),
        (placed(BACK, package(dependencies={"next": "^16.0.1"})), "24", "next 16 requires >=20.9.0"),
    ],
)
def test_the_repository_says_which(project: Path, files: dict[str, str | bytes], major: str, origin: str) -> None:
    commit(project, files)
    chosen = settings("documented")
    assert version(project, chosen).major == major
    assert f"backend: Node.js {major} ({origin}); the default of the platform is 18" in examined(project, chosen)


def test_the_config_wins(project: Path) -> None:
    commit(project, {".nvmrc": "20\n"})
    chosen = settings("supported", backend={"node": "22"})
    assert (version(project, chosen).major, sent(project, chosen, "frontend").node) == ("22", NodeVersion("20"))
    assert "backend: Node.js 22 (node in [services.backend]); the default of the platform is 24" in examined(
        project, chosen
    )


def test_a_version_that_machines_do_not_have_is_said(project: Path) -> None:
    commit(project, {"back/.nvmrc": "16\n"})
    assert examined(project) == ["backend: back/.nvmrc asks for Node.js 16; machines have 18, 20, 22 and 24"]
    assert version(project, settings()).is_default


def test_engines_that_contradict_the_version_are_refused_with_one_that_fits(project: Path) -> None:
    commit(project, placed(BACK, package(engines={"node": ">=22"})))
    said = refused(project, settings("documented", backend={"node": "20"}))
    assert (
        "back/package.json requires Node.js >=22, but the release would have 20.20.2 (node in [services.backend])"
        in said
    )
    assert 'set [services.backend] node = "24"' in said
    commit(project, {"back/.nvmrc": "20\n"})
    assert "would have 20 (back/.nvmrc)" in refused(project)


@pytest.mark.parametrize(
    ("platform", "engines", "major", "have"),
    [
        ("supported", "20.11.1", "20", "the newest 20"),
        ("documented", "20.11.1", "20", "20.20.2"),
        ("documented", ">=20 <20.20", "20", "20.20.2"),
        ("supported", "~22.3", "22", "the newest 22"),
        ("supported", ">20.11.1 <20.11.3", "20", "the newest 20"),
        ("documented", ">=24.30", "24", "24.21.0"),
    ],
)
def test_the_major_version_of_engines_does_and_is_said(
    project: Path, platform: str, engines: str, major: str, have: str
) -> None:
    commit(project, placed(BACK, package(engines={"node": engines})))
    chosen = settings(platform)
    assert version(project, chosen).major == major
    said = f"backend: back/package.json requires Node.js {engines}; machines have {have}. The major version decides"
    assert said in examined(project, chosen)


def test_a_framework_that_needs_another_is_said(project: Path) -> None:
    commit(project, placed(FRONT, package(dependencies={"next": "16.1.0"})))
    notes = examined(project, settings("documented", frontend={"node": "18"}))
    assert "frontend: next 16 requires Node.js >=20.9.0, but node in [services.frontend] is 18" in notes


def test_another_version_is_another_release_of_the_same_commit(project: Path) -> None:
    first = sent(project, settings()).document()
    assert first["node"] == {"major": "24", "is_default": True, "archive": "", "sha256": ""}
    assert deploy._same(first, sent(project, settings()))
    assert not deploy._same(first, sent(project, settings(backend={"node": "22"})))
    older = {name: value for name, value in first.items() if name != "node"}
    assert deploy._same(older, sent(project, settings()))
    assert not deploy._same(older, sent(project, settings(backend={"node": "22"})))


@pytest.mark.parametrize("value", [22, "22", "v22", " 22 "])
def test_a_number_is_a_version_too(value: object) -> None:
    assert settings(backend={"node": value}).services["backend"].node == "22"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("16", "expected one of the Node.js versions 18, 20, 22, 24"),
        (26, "expected one of the Node.js versions 18, 20, 22, 24"),
        ("22.3.0", 'write "22": the machine gets the newest 22 that awsdeploy knows'),
        (True, "expected one of the Node.js versions"),
        ([22], "expected one of the Node.js versions"),
    ],
)
def test_another_version_is_refused(value: object, said: str) -> None:
    with pytest.raises(ConfigInvalid) as raised:
        settings(backend={"node": value})
    assert "services.backend.node" in str(raised.value)
    assert said in str(raised.value)
