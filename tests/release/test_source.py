"""Source of a release: what git has committed; what cannot be released is said before anything is sent."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from awsdeploy.config import Settings, from_mapping
from awsdeploy.errors import Refused
from awsdeploy.release import checks
from awsdeploy.release.source import committed
from tests.release.repository import BACK, commit, git, package, placed, repository, write

MACHO, ELF = b"\xcf\xfa\xed\xfe" + b"\0" * 20, b"\x7fELF\x02\x01" + b"\0" * 12


def elf(machine: int) -> bytes:
    return ELF + machine.to_bytes(2, "little") + b"\0" * 20


def settings(platform: str = "supported", **services: dict[str, object]) -> Settings:
    both: dict[str, object] = {"frontend": {}, "backend": {}}
    written = {"name": "shop", "environment": "dev", "platform": platform, "services": {**both, **services}}
    return from_mapping(written, source="", environ={})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path)


def examined(project: Path, chosen: Settings | None = None) -> list[str]:
    chosen = chosen or settings()
    return checks.examine(committed(project, "HEAD"), chosen, chosen.services.values())


def refused(project: Path, chosen: Settings | None = None) -> str:
    with pytest.raises(Refused) as raised:
        examined(project, chosen)
    return raised.value.message


def test_the_archive_holds_the_commit_and_nothing_else(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(project, {"back/not-committed.js": "1", "back/package.json": "changed"})
    code = committed(project / BACK, "HEAD")
    archive = tmp_path_factory.mktemp("archive") / "a.tar.gz"
    code.archive(archive)
    with tarfile.open(archive) as tar:
        files = {one.name for one in tar.getmembers() if one.isfile()}
        packed = tar.extractfile("back/package.json")
        assert packed is not None
        assert b"private" in packed.read()
    assert files == set(code.files)
    assert "back/not-committed.js" not in files


def test_a_byte_order_mark_does_not_hide_what_package_json_says(project: Path) -> None:
    files = placed(BACK, package(engines={"node": ">=99"}))
    commit(project, {**files, f"{BACK}/package.json": "\ufeff" + str(files[f"{BACK}/package.json"])})
    assert "requires Node.js >=99" in refused(project)


def test_what_is_not_committed_is_named(project: Path) -> None:
    write(project, {"back/new.js": "1", "back/package.json": "changed"})
    assert sorted(committed(project, "HEAD").changed()) == ["back/new.js", "back/package.json"]


def test_a_tag_and_a_short_hash_name_a_commit(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD").strip()
    git(project, "tag", "v1")
    commit(project, {"README": "more"})
    assert committed(project, "v1").commit == first
    assert committed(project, first[:8]).commit == first


@pytest.mark.parametrize("ref", ["nowhere", "-d", ""])
def test_an_unknown_ref_is_refused(project: Path, ref: str) -> None:
    with pytest.raises(Refused):
        committed(project, ref)


def test_a_folder_without_a_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Refused, match="not in a git repository") as raised:
        committed(tmp_path, "HEAD")
    assert "git init" in raised.value.hint


def test_a_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(Refused, match="Nothing is committed yet"):
        committed(tmp_path, "HEAD")


def test_a_machine_without_git_is_told_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="git is not installed"):
        committed(tmp_path, "HEAD")


def test_a_sound_project_has_no_remarks(project: Path) -> None:
    assert examined(project) == []


def test_everything_wrong_is_said_at_once(project: Path) -> None:
    (project / "back/package-lock.json").unlink()
    (project / "front/package.json").unlink()
    commit(project, {"back/build/addon.node": MACHO})
    said = refused(project)
    assert "has no lock file" in said
    assert "has no front/package.json" in said
    assert 'directory = "…"' in said
    assert "back/build/addon.node is built for macOS" in said


@pytest.mark.parametrize(
    ("content", "platform"), [(MACHO, "macOS"), (b"MZ" + b"\0" * 30, "Windows"), (elf(183), "a different processor")]
)
def test_a_binary_of_another_platform_is_refused(project: Path, content: bytes, platform: str) -> None:
    commit(project, {"back/a.node": content})
    assert f"back/a.node is built for {platform}" in refused(project)


def test_a_binary_for_the_machines_is_taken(project: Path) -> None:
    commit(project, {"back/a.node": elf(62)})
    assert examined(project) == []


@pytest.mark.parametrize(
    ("platform", "range", "taken"),
    [
        ("documented", ">=22 <18", False),
        ("documented", ">=18.18", True),
        ("documented", "18.x || 20.x", True),
        ("supported", "^19.0", False),
        ("supported", ">=18 <25", True),
        ("supported", ">=24.5", True),
        ("supported", "<=24.2", True),
        ("supported", ">=25", False),
        ("supported", "lts/*", True),
    ],
)
def test_the_nodejs_a_project_wants_must_be_the_machines(project: Path, platform: str, range: str, taken: bool) -> None:
    commit(project, placed(BACK, package(engines={"node": range})))
    chosen = settings(platform)
    if taken:
        assert examined(project, chosen) == []
    else:
        assert f"requires Node.js {range}" in refused(project, chosen)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("front/app/api/hello/route.ts", "/api/hello"),
        ("front/src/app/api/(group)/hello/route.js", "/api/hello"),
        ("front/pages/api/hello.ts", "/api/hello"),
        ("front/pages/api/index.ts", "/api"),
        ("front/app/api/users/[id]/route.ts", "/api/users/*"),
    ],
)
def test_a_route_that_the_load_balancer_hides_is_named_with_the_line_that_shows_it(
    project: Path, path: str, route: str
) -> None:
    commit(project, {path: "export {}"})
    (said,) = examined(project)
    assert said.startswith(f"{path} gets no requests")
    assert f'[services.frontend] paths = ["/*", "{route}"]' in said


def test_a_route_that_is_brought_here_is_fine(project: Path) -> None:
    commit(project, {"front/app/api/hello/route.ts": "export {}"})
    chosen = settings(frontend={"paths": ["/*", "/api/hello"]})
    assert examined(project, chosen) == []


def test_a_page_beside_the_api_is_fine(project: Path) -> None:
    commit(project, {"front/app/page.tsx": "1", "front/app/apidocs/route.ts": "1"})
    assert examined(project) == []


def test_a_commit_that_a_remote_has_is_pushed(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    code = repository(tmp_path / "code")
    git(tmp_path, "clone", "-q", str(code), "clone")
    assert committed(tmp_path / "clone", "HEAD").is_pushed()
    commit(tmp_path / "clone", {"more": "of it"})
    assert not committed(tmp_path / "clone", "HEAD").is_pushed()
