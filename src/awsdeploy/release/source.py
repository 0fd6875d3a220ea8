"""What is released: the committed tree of a git repository on this machine. Runs git and nothing else; knows no AWS."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from awsdeploy.errors import Refused

LOCK_FILES = {"package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm"}
UNSUPPORTED = {"bun.lock": "Bun", "bun.lockb": "Bun"}
"""Lock files of package managers that the machines do not have."""
NPM_LOCK = "cd {folder} && npm install && git add package-lock.json && git commit"

LINUX_X86_64 = b"\x7fELF\x02\x01"
MACHINE_AT, X86_64 = 18, 62  # e_machine in an ELF header: two bytes, little endian
FOREIGN = {
    b"MZ": "Windows",
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xca\xfe\xba\xbe": "macOS",
}
HEADER = 20  # bytes of a file that tell what it is


@dataclass(frozen=True)
class Source:
    """One commit of the repository around a folder. `ref` is how it was asked for, `commit` 40 hex digits."""

    root: Path
    ref: str
    commit: str

    @property
    def short(self) -> str:
        return self.commit[:7]

    @cached_property
    def files(self) -> frozenset[str]:
        """Every committed path."""
        return frozenset(_git(self.root, "ls-tree", "-r", "-z", "--name-only", self.commit).split("\0")) - {""}

    def changed(self) -> list[str]:
        """What lies in the work tree and is not in a commit: it is not released."""
        status = _git(self.root, "status", "--porcelain=v1", "-z", "--untracked-files=normal")
        return [row[3:] for row in status.split("\0") if len(row) > 3 and row[2] == " "]

    def is_pushed(self) -> bool:
        """Whether a remote's branch or a tag has it, as far as is known here; nobody is asked."""
        refs = ("refs/remotes", "refs/tags")
        return bool(_git(self.root, "for-each-ref", "--count=1", "--contains", self.commit, *refs).strip())

    def text(self, path: str) -> str:
        """A committed file; nothing where there is none."""
        return _git(self.root, "show", f"{self.commit}:{path}") if path in self.files else ""

    def json(self, path: str) -> dict[str, Any]:
        """A committed JSON object; empty where there is none or it is something else."""
        try:
            value = json.loads(self.text(path) or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def head(self, path: str) -> bytes:
        """The first bytes of a committed file."""
        done = subprocess.run(
            ["git", "-C", str(self.root), "cat-file", "blob", f"{self.commit}:{path}"], capture_output=True, check=False
        )
        return done.stdout[:HEADER]

    def archive(self, to: Path) -> None:
        """Write the whole tree as a gzipped tar. Raises `Refused` if git cannot."""
        _git(self.root, "archive", "--format=tar.gz", f"--output={to}", self.commit)


def committed(folder: Path, ref: str) -> Source:
    """The commit that `ref` names in the repository around `folder`.

    Raises `Refused` where there is no git, no repository, no commit or no such ref.
    """
    if shutil.which("git") is None:
        raise Refused("git is not installed, and a release is what git has committed.", "Install git.")
    try:
        root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    except Refused:
        raise Refused(
            f"{folder.resolve()} is in no git repository, and a release is what git has committed.",
            "git init && git add -A && git commit -m 'first'",
        ) from None
    if ref.startswith("-"):
        raise Refused(f"{ref!r} is no name of a commit.", "Name a branch, a tag or a commit: --ref main")
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").strip()
    except Refused:
        if ref == "HEAD":
            raise Refused("Nothing is committed yet.", "git add -A && git commit -m 'first'") from None
        raise Refused(f"There is no commit {ref!r} in {root}.", "Name a branch, a tag or a commit: git log") from None
    return Source(root, ref, commit)


def remote(folder: Path) -> str:
    """The address of the repository's `origin`; nothing where there is none."""
    try:
        return _git(folder, "config", "--get", "remote.origin.url").strip()
    except (Refused, OSError):
        return ""


def manager_of(source: Source, directory: str) -> tuple[str, str]:
    """Which package manager builds `directory`, and by which lock file. Raises `Refused` if there is none."""
    found = {joined(place, name): name for place in places(directory) for name in (*LOCK_FILES, *UNSUPPORTED)}
    present = {path: name for path, name in found.items() if path in source.files}
    for path, name in present.items():
        if name in LOCK_FILES:
            return LOCK_FILES[name], path
    for path, name in present.items():
        raise Refused(f"{path}: {unsupported(UNSUPPORTED[name])}.", NPM_LOCK.format(folder=directory))
    raise Refused(
        f"{joined(directory, 'package.json')} has no lock file beside it, so nobody knows which versions to install.",
        NPM_LOCK.format(folder=directory),
    )


def unsupported(manager: str) -> str:
    """Say that the machines cannot install with this package manager."""
    return f"the machines do not have {manager}; commit a lock file of npm, yarn or pnpm"


def foreign_binaries(source: Source) -> Iterator[tuple[str, str]]:
    """Committed native modules that Linux on x86-64 cannot load, with the platform they are for."""
    for path in sorted(source.files):
        if not path.endswith(".node"):
            continue
        head = source.head(path)
        other = next((name for magic, name in FOREIGN.items() if head.startswith(magic)), "")
        if head.startswith(b"\x7fELF"):
            machine = int.from_bytes(head[MACHINE_AT : MACHINE_AT + 2], "little")
            other = "" if head.startswith(LINUX_X86_64) and machine == X86_64 else "another processor"
        if other:
            yield path, other


def places(directory: str) -> list[str]:
    """Where a lock file for a directory may lie: there, or in a folder above it (workspaces)."""
    path = PurePosixPath(directory)
    return [str(path), *(str(parent) for parent in path.parents)] if str(path) != "." else ["."]


def joined(directory: str, name: str) -> str:
    return name if directory == "." else f"{directory}/{name}"


def _git(folder: Path, *words: str) -> str:
    """What git answers. Raises `Refused` with what it said."""
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(f"git {words[0]} failed: {said[-1] if said else done.returncode}", "Run it by hand to see more.")
    return done.stdout.decode(errors="surrogateescape")
