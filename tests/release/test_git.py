"""Git as people have it: whatever is configured, the commit's bytes are released; a cloned repository runs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from awsdeploy.config import Settings, from_mapping
from awsdeploy.errors import Refused
from awsdeploy.release import checks, git
from awsdeploy.release.source import Source, committed, remote
from tests.release.repository import BACK, FRONT, commit, package, placed, repository
from tests.release.repository import git as plain

SHELL, WIDE = b"#!/bin/sh\nset -e\n", "가나다\n".encode()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
FILES: dict[str, str | bytes] = {
    "run.sh": SHELL,
    "crlf.txt": b"a\r\nb\r\n",
    "ident.txt": b"$Id$ $Format:%H$\n",
    "wide.txt": WIDE,
    "img.bin": bytes(range(256)),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    made = repository(tmp_path / "code")
    commit(made, FILES)
    (made / "link").symlink_to("run.sh")
    (made / "run.sh").chmod(0o755)
    commit(made, {})
    return made


def settings(**services: dict[str, object]) -> Settings:
    written = {"name": "shop", "environment": "dev", "platform": "supported"}
    both: dict[str, object] = {"frontend": {}, "backend": {}}
    return from_mapping({**written, "services": {**both, **services}}, source="", environ={})


def packed(source: Source, to: Path) -> dict[str, tuple[int, bytes | str]]:
    """Mode and bytes of everything in the archive."""
    source.archive(to / "a.tar.gz")
    with tarfile.open(to / "a.tar.gz") as tar:
        found: dict[str, tuple[int, bytes | str]] = {}
        for one in tar.getmembers():
            file = tar.extractfile(one) if one.isfile() else None
            if not one.isdir():
                found[one.name] = (one.mode, file.read() if file else one.linkname)
    return found


def objects(project: Path, ref: str = "HEAD") -> dict[str, bytes]:
    """The commit's bytes, from git's own store."""
    names = subprocess.run(["git", "ls-tree", "-rz", "--name-only", ref], cwd=project, capture_output=True, check=True)
    paths = [name for name in names.stdout.decode().split("\0") if name]
    show = ["git", "--no-replace-objects", "cat-file", "blob"]
    return {
        path: subprocess.run([*show, f"{ref}:{path}"], cwd=project, capture_output=True, check=True).stdout
        for path in paths
    }


CONFIGURED = {
    "nothing": {},
    "autocrlf": {"core.autocrlf": "true"},
    "eol": {"core.eol": "crlf", "core.autocrlf": "false"},
    "input": {"core.autocrlf": "input", "core.safecrlf": "false"},
    "umask": {"tar.umask": "0"},
    "user umask": {"tar.umask": "user"},
    "command": {"tar.tar.gz.command": "cat >/dev/null; echo", "tar.tar.command": "cat >/dev/null; echo"},
    "filter": {"filter.up.smudge": "tr a-z A-Z", "filter.up.clean": "tr A-Z a-z", "filter.up.required": "true"},
    "modes": {"core.fileMode": "false", "core.symlinks": "false", "core.ignoreCase": "true"},
    "paths": {"core.quotePath": "true", "core.precomposeUnicode": "true"},
    "status": {"status.showUntrackedFiles": "no", "status.branch": "true", "status.short": "false"},
    "colour": {"color.ui": "always", "log.showSignature": "true", "core.abbrev": "40"},
}
ATTRIBUTES = {
    "none": "",
    "text": "* text=auto eol=crlf\n",
    "crlf": "* crlf\n",
    "ident": "* ident export-subst text\n",
    "filter": "* filter=up\n",
    "encoding": "*.txt text working-tree-encoding=UTF-16\n",
}


@pytest.mark.parametrize("configured", CONFIGURED)
@pytest.mark.parametrize("where", ["repository", "user", "environment"])
def test_the_archive_has_the_commits_bytes_whatever_is_configured(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: str, where: str
) -> None:
    wanted = packed(committed(project, "HEAD"), tmp_path)
    assert {name: content for name, (_, content) in wanted.items() if name != "link"} == {
        name: content for name, content in objects(project).items() if name != "link"
    }
    assert (wanted["link"][1], wanted["run.sh"][0], wanted["wide.txt"][0]) == ("run.sh", 0o755, 0o644)
    everything = CONFIGURED[configured]
    if where == "environment":
        monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(everything)))
    for number, (key, value) in enumerate(everything.items()):
        if where == "repository":
            plain(project, "config", key, value)
        elif where == "user":
            monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
            plain(project, "config", "--global", key, value)
        else:
            monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
            monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    (project / ".git/info/attributes").write_text("".join(ATTRIBUTES.values()))
    assert packed(committed(project, "HEAD"), tmp_path) == wanted


@pytest.mark.parametrize("attributes", ATTRIBUTES)
@pytest.mark.parametrize("where", [".gitattributes", ".git/info/attributes", "attributesFile"])
def test_the_archive_has_the_commits_bytes_whatever_the_attributes(
    project: Path, tmp_path: Path, attributes: str, where: str
) -> None:
    plain(project, "config", "filter.up.smudge", "tr a-z A-Z")
    if where == "attributesFile":
        plain(project, "config", "core.attributesFile", str(tmp_path / "attributes"))
        (tmp_path / "attributes").write_text(ATTRIBUTES[attributes])
    elif where == ".gitattributes":
        # What git would change on the way in is put there as it is.
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"], cwd=project, input=ATTRIBUTES[attributes].encode(),
            capture_output=True, check=True,
        ).stdout.decode().strip()  # fmt: skip
        plain(project, "update-index", "--add", "--cacheinfo", f"100644,{blob},.gitattributes")
        plain(project, "commit", "-qm", "attributes")
    else:
        (project / where).write_text(ATTRIBUTES[attributes])
    found = {name: content for name, (_, content) in packed(committed(project, "HEAD"), tmp_path).items()}
    wanted: dict[str, bytes | str] = {**objects(project), "link": "run.sh"}
    assert found == wanted


def test_a_hook_that_runs_us_leads_to_no_other_repository(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    other = repository(tmp_path / "other")
    commit(other, {"other": "1"})
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / ".git/index",
        "GIT_OBJECT_DIRECTORY": other / ".git/objects",
        "GIT_NAMESPACE": "x",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_TRACE": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    code = committed(project, "HEAD")
    assert code.root == project
    assert code.changed() == []
    assert set(packed(code, tmp_path)) == set(code.files)


def test_replaced_objects_are_not_released(project: Path, tmp_path: Path) -> None:
    evil = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=project, input=b"evil", capture_output=True, check=True
    ).stdout.decode()
    plain(project, "replace", plain(project, "rev-parse", "HEAD:run.sh").strip(), evil.strip())
    code = committed(project, "HEAD")
    assert packed(code, tmp_path)["run.sh"][1] == SHELL
    assert code.text("run.sh").encode() == SHELL


def everything(folder: Path, to: Path) -> None:
    """All that is ever asked of git."""
    remote(folder)
    git.is_tracked(folder / ".awsdeploy")
    code = committed(folder, "HEAD")
    for one in (code.files, code.left_out, code.submodules, code.pointers, code.changed(), code.is_pushed()):
        assert one is not None
    code.json("back/package.json")
    code.head("run.sh")
    code.archive(to / "a.tar.gz")


def test_nothing_in_a_repository_runs_a_program(project: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    evil = f"touch {ran}; cat; exit 1"
    commit(project, {".gitattributes": "run.sh filter=x=y diff=x=y\nwide.txt filter=z\nimg.bin filter=z\n"})
    for key in (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "core.askPass"),
        *("core.alternateRefsCommand", "credential.helper", "diff.external", "diff.x=y.textconv", "diff.x=y.command"),
        *("filter.z.clean", "filter.z.process", "filter.x=y.clean", "filter.x=y.smudge", "filter.z.smudge"),
        *("gpg.program", "remote.origin.uploadpack", "remote.origin.vcs", "sequence.editor", "tar.tar.gz.command"),
        *("uploadpack.packObjectsHook", "pager.status", "alias.status", "alias.archive", "interactive.diffFilter"),
    ):
        plain(project, "config", key, evil)
    for key in ("filter.z.required", "filter.x=y.required", "extensions.partialClone"):
        plain(project, "config", key, "true" if "required" in key else "origin")
    plain(project, "config", "core.repositoryFormatVersion", "1")
    plain(project, "config", "remote.origin.url", "ext::" + evil)
    plain(project, "config", "remote.origin.promisor", "true")
    plain(project, "config", "protocol.ext.allow", "always")
    plain(project, "config", "log.showSignature", "true")
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (project / ".git/hooks").mkdir(exist_ok=True)
        (project / ".git/hooks" / hook).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (project / ".git/hooks" / hook).chmod(0o755)
    for name in ("run.sh", "wide.txt", "img.bin"):  # as if it had been touched: git looks at it again
        os.utime(project / name, (1, 1))
        (project / name).write_bytes((project / name).read_bytes() + b"x")
    everything(project, tmp_path)
    assert committed(project, "HEAD").changed() == ["img.bin", "run.sh", "wide.txt"]
    with pytest.raises(Refused):
        committed(project, "0123456789012345678901234567890123456789")
    assert not ran.exists()


def test_a_bare_repository_inside_is_not_entered(project: Path, tmp_path: Path) -> None:
    inside, ran = project / "shop", tmp_path / "ran"
    plain(tmp_path, "clone", "-q", "--bare", str(project), str(inside))
    for key, value in {"core.bare": "false", "core.worktree": str(inside), "core.fsmonitor": f"touch {ran}"}.items():
        plain(inside, "--git-dir=.", "config", key, value)
    assert not git.is_tracked(inside / ".awsdeploy")
    assert remote(inside) == ""
    with pytest.raises(Refused) as raised:
        committed(inside, "HEAD")
    assert "safe.bareRepository" in raised.value.message
    assert "git worktree add" in raised.value.hint
    assert not ran.exists()


def test_a_bare_repository_is_told_to_have_no_work_tree(project: Path, tmp_path: Path) -> None:
    plain(tmp_path, "clone", "-q", "--bare", str(project), str(tmp_path / "shop/.bare"))
    (tmp_path / "shop/.git").write_text("gitdir: ./.bare\n")
    with pytest.raises(Refused, match="must be run in a work tree") as raised:
        committed(tmp_path / "shop", "HEAD")
    assert "git worktree add" in raised.value.hint


def test_a_linked_worktree_of_a_bare_repository_is_released(project: Path, tmp_path: Path) -> None:
    plain(tmp_path, "clone", "-q", "--bare", str(project), str(tmp_path / "shop/.bare"))
    plain(tmp_path / "shop/.bare", "worktree", "add", "-q", str(tmp_path / "shop/main"), "main")
    code = committed(tmp_path / "shop/main", "HEAD")
    assert code.root == tmp_path / "shop/main"
    assert code.changed() == []
    assert packed(code, tmp_path) == packed(committed(project, "HEAD"), tmp_path)


def test_a_worktree_whose_repository_has_moved_is_told_to_be_repaired(project: Path, tmp_path: Path) -> None:
    plain(project, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    project.rename(tmp_path / "moved")
    with pytest.raises(Refused, match="not a git repository") as raised:
        committed(tmp_path / "linked", "HEAD")
    assert "git worktree repair" in raised.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else_is_told_in_gits_words(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for path in (project, project / ".git"):
        os.chown(path, 65534, 65534)
    with pytest.raises(Refused, match="dubious ownership") as raised:
        committed(project / BACK, "HEAD")
    assert raised.value.hint == f"git config --global --add safe.directory {project}"


def test_a_shallow_clone_is_released_and_what_it_lacks_is_told(project: Path, tmp_path: Path) -> None:
    old = plain(project, "rev-parse", "HEAD~1").strip()
    plain(tmp_path, "clone", "-q", "--depth=1", f"file://{project}", "shallow")
    code = committed(tmp_path / "shallow", "HEAD")
    assert packed(code, tmp_path) == packed(committed(project, "HEAD"), tmp_path)
    with pytest.raises(Refused, match="shallow clone") as raised:
        committed(tmp_path / "shallow", old)
    assert raised.value.hint == "git fetch --unshallow --tags"


def test_what_a_partial_clone_lacks_is_told_and_not_fetched(project: Path, tmp_path: Path) -> None:
    plain(project, "config", "uploadpack.allowFilter", "true")
    commit(project, {"run.sh": "new"})
    plain(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{project}", "partial")
    everything(tmp_path / "partial", tmp_path)  # all of HEAD is here
    with pytest.raises(Refused) as raised:
        committed(tmp_path / "partial", "HEAD~1").archive(tmp_path / "b.tar.gz")
    assert "cannot read" in raised.value.message
    assert raised.value.hint == "Fetch what is missing: git fetch --refetch --no-filter"


def examined(project: Path, **services: dict[str, object]) -> list[str]:
    chosen = settings(**services)
    return checks.examine(committed(project, "HEAD"), chosen, chosen.services.values())


def submodule(project: Path, path: str) -> None:
    name = plain(project, "rev-parse", "HEAD").strip()
    shutil.rmtree(project / path, ignore_errors=True)
    plain(project, "rm", "-rqf", "--cached", "--ignore-unmatch", path)
    plain(project, "update-index", "--add", "--cacheinfo", f"160000,{name},{path}")
    plain(project, "commit", "-qm", "submodule")


@pytest.mark.parametrize("path", [BACK, f"{BACK}/lib/shared", "apps"])
def test_a_submodule_in_a_service_is_refused(project: Path, path: str) -> None:
    services: dict[str, dict[str, object]] = {"backend": {"directory": "apps/back"}} if path == "apps" else {}
    submodule(project, path)
    with pytest.raises(Refused, match=f"{path} is a git submodule") as raised:
        examined(project, **services)
    assert f"git rm --cached {path}" in raised.value.message


def test_a_submodule_elsewhere_or_not_needed_is_said(project: Path) -> None:
    submodule(project, "docs/theme")
    (said,) = examined(project)
    assert said.startswith("docs/theme is a git submodule")
    submodule(project, f"{BACK}/theme")
    with pytest.raises(Refused):
        examined(project)
    (project / ".gitattributes").write_text("/back/theme export-ignore\ndocs/theme export-ignore\n")
    plain(project, "add", ".gitattributes")
    plain(project, "commit", "-qm", "not needed")
    (said,) = examined(project)
    assert said.startswith("not released because of export-ignore in .gitattributes: back/theme, docs/theme.")


def test_a_pointer_of_lfs_in_a_service_is_refused_and_elsewhere_said(project: Path) -> None:
    commit(project, {"docs/a.psd": POINTER})
    (said,) = examined(project)
    assert said.startswith("docs/a.psd is a Git LFS pointer")
    commit(project, {"front/public/b.png": POINTER, ".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n"})
    with pytest.raises(Refused, match=r"front/public/b\.png is a Git LFS pointer") as raised:
        examined(project)
    assert "git lfs untrack front/public/b.png" in raised.value.message


def test_what_export_ignore_leaves_out_is_said_and_what_a_service_needs_is_refused(
    project: Path, tmp_path: Path
) -> None:
    rules = "test export-ignore\n[attr]secret export-ignore\n*.md secret\n"
    commit(project, {".gitattributes": rules, "back/test/a.js": "1", "front/test/b/c.js": "1", "README.md": "1"})
    (said,) = examined(project)
    assert "because of export-ignore in .gitattributes: README.md, back/test/a.js, front/test/b/c.js." in said
    code = committed(project, "HEAD")
    assert set(packed(code, tmp_path)) == code.files - code.left_out
    commit(project, {"back/.gitattributes": "package*.json export-ignore\n"})
    with pytest.raises(Refused, match=r"back/package\.json is committed, but export-ignore") as raised:
        examined(project)
    assert "back/package-lock.json is committed, but export-ignore" in raised.value.message


def test_a_repository_with_sha256_is_released(tmp_path: Path) -> None:
    plain(tmp_path, "init", "-q", "--object-format=sha256")
    commit(tmp_path, {**placed(BACK, package()), **placed(FRONT, package())})
    assert "back/package.json" in packed(committed(tmp_path, "HEAD"), tmp_path)
