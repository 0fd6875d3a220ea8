"""Source of a release: the committed tree of a git repository on this computer. Runs git; makes no AWS calls."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from awsdeploy.errors import Refused
from awsdeploy.release import git

LINUX_X86_64 = b"\x7fELF\x02\x01"
MACHINE_AT, X86_64 = 18, 62  # e_machine in an ELF header: two bytes, little endian
FOREIGN = {
    b"MZ": "Windows",
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xca\xfe\xba\xbe": "macOS",
}
HEADER = 20  # bytes of a file that tell what it is
LFS = b"version https://git-lfs.github.com/spec/v1\n"
LFS_SIZES = range(100, 1025)
"""Bytes of a pointer of Git LFS. Its specification: less than 1024; three lines with a sha256 are more than 100."""
SUBMODULE = "160000"


@dataclass(frozen=True)
class Committed:
    """One path of a commit: git's mode, the object's name, and its size in bytes (0 for a submodule)."""

    mode: str
    object: str
    size: int


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
    def tree(self) -> dict[str, Committed]:
        """Every committed path."""
        found = {}
        for row in filter(
            None, git.output_text("ls-tree", "-r", "-l", "-z", self.commit, folder=self.root).split("\0")
        ):
            facts, _, path = row.partition("\t")
            mode, _, name, size = facts.split()
            found[path] = Committed(mode, name, int(size) if size.isdecimal() else 0)
        return found

    @cached_property
    def files(self) -> frozenset[str]:
        """Every committed file. A submodule is none."""
        return frozenset(path for path, one in self.tree.items() if one.mode != SUBMODULE)

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Committed paths that .gitattributes keeps out of an archive (`export-ignore`)."""
        rules = [path for path in self.files if PurePosixPath(path).name == ".gitattributes"]
        if not any(b"export-ignore" in text for text in self.contents(rules).values()):
            return frozenset()
        with tempfile.TemporaryDirectory(prefix="awsdeploy-") as folder:
            self._archive("tar", Path(folder) / "all.tar")
            with tarfile.open(Path(folder) / "all.tar") as tar:
                packed = {one.name.rstrip("/") for one in tar.getmembers()}
        return frozenset(self.tree) - packed

    @cached_property
    def submodules(self) -> list[str]:
        """Submodules that the release would have as empty folders."""
        return sorted(path for path, one in self.tree.items() if one.mode == SUBMODULE and path not in self.left_out)

    @cached_property
    def pointers(self) -> list[str]:
        """Files of which git has committed Git LFS's pointer and not the content."""
        candidates = [path for path in self.files if self.tree[path].size in LFS_SIZES]
        found = [path for path, text in self.contents(candidates).items() if text.startswith(LFS)]
        return sorted(path for path in found if path not in self.left_out)

    def changed(self) -> list[str]:
        """Files in the work tree that differ from the commit: they are not released."""
        words = (
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=normal",
            "--no-renames",
            "--ignore-submodules=all",
        )
        return [row[3:] for row in git.output_text(*words, folder=self.root).split("\0") if len(row) > 3]

    def is_pushed(self) -> bool:
        """Check whether a remote's branch or a tag contains it, as far as git knows here; no server is asked."""
        refs = ("refs/remotes", "refs/tags")
        return bool(
            git.output_text("for-each-ref", "--count=1", "--contains", self.commit, *refs, folder=self.root).strip()
        )

    def contents(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Committed files as they are. Raises `Refused` for one that is not here (a partial clone)."""
        names = "".join(f"{self.tree[path].object}\n" for path in paths)
        if not names:
            return {}
        answer = io.BytesIO(git.output("cat-file", "--batch", folder=self.root, stdin=names.encode()))
        found = {}
        for path in paths:
            head = answer.readline().split()
            if len(head) != 3:
                raise git.refusal("cat-file", b"fatal: " + b" ".join(head) + f" ({path})".encode(), self.root)
            found[path] = answer.read(int(head[2]))
            answer.read(1)
        return found

    def text(self, path: str) -> str:
        """A committed file; nothing where there is none."""
        return self.contents([path])[path].decode(errors="replace") if path in self.files else ""

    def json(self, path: str) -> dict[str, Any]:
        """A committed JSON object; empty where there is none or it is something else."""
        try:
            value = json.loads(self.text(path).removeprefix("\ufeff") or "{}")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def head(self, path: str) -> bytes:
        """The first bytes of a committed file."""
        return self.contents([path])[path][:HEADER]

    def archive(self, to: Path) -> None:
        """Write the tree as a gzipped tar, with the commit's bytes. Raises `Refused` if git cannot."""
        self._archive("tar.gz", to)

    def _archive(self, format: str, to: Path) -> None:
        words = ("archive", f"--format={format}", f"--output={to.absolute()}", self.commit)
        with git.pristine(self.root) as environ:
            git.output(*words, folder=Path(environ["GIT_DIR"]), environ=environ)


def committed(folder: Path, ref: str) -> Source:
    """The commit that `ref` names in the repository around `folder`.

    Raises `Refused` where there is no git, no repository, no commit or no such ref.
    """
    if shutil.which("git") is None:
        raise Refused("git is not installed. A release is a git commit.", "Install git.")
    root = _root(folder)
    if ref.startswith("-"):
        raise Refused(f"{ref!r} is not a valid commit name.", "Give a branch, a tag or a commit: --ref main")
    try:
        commit = git.output_text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", folder=root).strip()
    except Refused:
        if ref == "HEAD":
            raise Refused("Nothing is committed yet.", "git add -A && git commit -m 'first'") from None
        if git.output_text("rev-parse", "--is-shallow-repository", folder=root).strip() == "true":
            raise Refused(
                f"{root} has no commit {ref!r}. It is a shallow clone, without older commits.",
                "git fetch --unshallow --tags",
            ) from None
        raise Refused(
            f"{root} has no commit {ref!r}.",
            "Give an existing branch, tag or commit. To list commits: git log --oneline",
        ) from None
    return Source(root, ref, commit)


def _root(folder: Path) -> Path:
    """The work tree around `folder`. Raises `Refused` where there is none, or git does not trust it."""
    done = git.run("rev-parse", "--show-toplevel", folder=folder)
    if done.returncode == 0:
        return Path(done.stdout.decode(errors="surrogateescape").removesuffix("\n"))
    if done.stderr.startswith(b"fatal: not a git repository (or any"):
        raise Refused(
            f"{folder.resolve()} is not in a git repository. A release is a git commit.",
            "git init && git add -A && git commit -m 'first'",
        )
    raise git.refusal("rev-parse", done.stderr, folder)


def remote(folder: Path) -> str:
    """The address of the repository's `origin`; nothing where there is none."""
    try:
        return git.output_text("config", "--get", "remote.origin.url", folder=folder).strip()
    except (Refused, OSError):
        return ""


def foreign_binaries(source: Source) -> Iterator[tuple[str, str]]:
    """Committed native modules that Linux on x86-64 cannot load, with the platform they are for."""
    for path in sorted(source.files):
        if not path.endswith(".node"):
            continue
        head = source.head(path)
        other = next((name for magic, name in FOREIGN.items() if head.startswith(magic)), "")
        if head.startswith(b"\x7fELF"):
            machine = int.from_bytes(head[MACHINE_AT : MACHINE_AT + 2], "little")
            other = "" if head.startswith(LINUX_X86_64) and machine == X86_64 else "a different processor"
        if other:
            yield path, other
