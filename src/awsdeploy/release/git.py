"""git, run in one place for the whole product. A cloned repository is data: nothing in it runs a program.

Hooks, filters, file system monitors, pagers, credential helpers and transports that a repository could name are
turned off, and git never asks for a password.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from awsdeploy.errors import Refused

TURNED_OFF = {
    "core.fsmonitor": "",
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.pager": "cat",
    "core.askPass": "",
    "core.gitProxy": "",
    "credential.helper": "",
    "credential.interactive": "false",
    "diff.external": "",
    "gc.auto": "0",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
    "tar.umask": "0022",
}
"""Configuration that the command line overrides. safe.bareRepository: git 2.38; older ones ignore it."""

SAFE = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
UNCONFIGURED = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
"""No configuration of the user or the system (git 2.32)."""

UNCONVERTED = "* -text -crlf !eol !filter !ident !working-tree-encoding !export-subst\n"
"""Attributes that stand above those of a commit: its bytes are written as they are. export-ignore is not touched."""

_DROPPED = re.compile("GIT_(?!CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|CONFIG_)")
"""Variables that are not passed on: a hook that runs us sets GIT_DIR and GIT_INDEX_FILE."""

_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"

_REMEDIES = (
    (r"dubious ownership|unsafe repository", "git config --global --add safe.directory {folder}"),
    (
        r"must be run in a work tree|cannot use bare repository",
        "Check out a branch and run the command there: git worktree add ../work main && cd ../work",
    ),
    (r"not a git repository: .*worktrees", "Repair the worktree's link: git worktree repair"),
    (
        r"missing|promisor|could not fetch|(unable to|cannot) read|bad object",
        "Fetch what is missing: git fetch --refetch --no-filter",
    ),
    (r"repositor(y version|y extension)|reftable", "Upgrade git."),
)
"""Git's messages, and what to type then."""


def run(
    *words: str,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    protocols: str = "none",
    more: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder` and return the finished process.

    `environ` is added to the environment, `more` to the configuration. `protocols` may be used (as in
    GIT_ALLOW_PROTOCOL, "https:ssh"). Raises `OSError` if git is not installed, `subprocess.TimeoutExpired`.
    """
    inherited = {name: value for name, value in os.environ.items() if not _DROPPED.match(name)}
    environment = {**inherited, **SAFE, "GIT_ALLOW_PROTOCOL": protocols, **(environ or {})}
    begun = int(environment["GIT_CONFIG_COUNT"]) if environment.get("GIT_CONFIG_COUNT", "").isdecimal() else 0
    for number, (key, value) in enumerate((more or {}).items(), start=begun):
        environment |= {
            f"GIT_CONFIG_KEY_{number}": key,
            f"GIT_CONFIG_VALUE_{number}": value,
            "GIT_CONFIG_COUNT": str(number + 1),
        }
    options = [word for key, value in TURNED_OFF.items() for word in ("-c", f"{key}={value}")]
    return subprocess.run(
        ["git", "--no-pager", "--literal-pathspecs", *options, *words],  # noqa: S607  # the user's git is meant
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
    )


def output(*words: str, folder: Path, environ: Mapping[str, str] | None = None, stdin: bytes = b"") -> bytes:
    """Run git and return its standard output. Raises `Refused` in git's own words, with a remedy where one is known."""
    more = _unfiltered(folder) if words[0] == "status" else None
    done = run(*words, folder=folder, environ=environ, more=more, stdin=stdin)
    if done.returncode:
        raise refusal(words[0], done.stderr, folder)
    return done.stdout


def output_text(*words: str, folder: Path) -> str:
    """Run git and return its standard output as text. Raises `Refused`."""
    return output(*words, folder=folder).decode(errors="surrogateescape")


def refusal(command: str, stderr: bytes, folder: Path) -> Refused:
    """Git's own reason for a failure, and what to type."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    reason = next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "")
    reason = re.sub(r"^(fatal|error): ", "", reason) or "it printed no error"
    text = " ".join(lines)
    named = re.search(r"(?:dubious ownership in repository at|unsafe repository \(?)\s*'([^']*)'", text)
    where = shlex.quote(named[1] if named else str(folder.resolve()))
    again = f"To see the whole error: git -C {where.replace('{', '{{').replace('}', '}}')} {command}"
    remedy = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, text)), again)
    return Refused(f"git {command} failed: {reason}", remedy.format(folder=where))


@contextmanager
def pristine(root: Path) -> Iterator[dict[str, str]]:
    """The environment in which git sees the objects of the repository at `root` and nothing else of it.

    No configuration, no attributes but those in the commit, and those that change a file's bytes have no effect.
    """
    objects = output_text("rev-parse", "--git-path", "objects", folder=root).removesuffix("\n")
    sha256 = output_text("rev-parse", "--show-object-format", folder=root).strip() == "sha256"
    with tempfile.TemporaryDirectory(prefix="awsdeploy-") as made:
        place = Path(made)
        for folder in ("objects", "refs", "info"):
            (place / folder).mkdir()
        (place / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
        (place / "info" / "attributes").write_text(UNCONVERTED, encoding="utf-8")
        if sha256:
            config = "[core]\nrepositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n"
            (place / "config").write_text(config, encoding="utf-8")
        yield {**UNCONFIGURED, "HOME": made, "XDG_CONFIG_HOME": made, "GIT_DIR": made} | {
            "GIT_CONFIG_COUNT": "0",
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_OBJECT_DIRECTORY": str(root.resolve() / objects),
        }


def committed_at(path: str, commit: str, folder: Path) -> float:
    """Return when a file was committed last, in seconds of Unix time; 0 if it was not, or where that cannot be told."""
    try:
        done = run("log", "-1", "--format=%ct", commit, "--", path, folder=folder)
    except OSError:
        return 0
    return float(done.stdout.strip() or 0) if done.returncode == 0 else 0


def is_tracked(path: Path) -> bool:
    """True if the repository around `path` has committed or added it; False where that cannot be told.

    In any case of letters: on macOS a committed `.AWSDEPLOY` is `.awsdeploy`.
    """
    try:
        done = run("ls-files", "-z", folder=path.absolute().parent)
    except OSError:
        return False
    wanted = os.fsencode(path.name).lower()
    names = (name.partition(b"/")[0].lower() for name in done.stdout.split(b"\0"))
    return done.returncode == 0 and wanted in names


def _unfiltered(folder: Path) -> dict[str, str]:
    """Settings that turn off every filter which is configured: `status` would run them."""
    done = run("config", "-z", "--name-only", "--get-regexp", _FILTERS, folder=folder)
    keys = {key for key in done.stdout.decode(errors="surrogateescape").split("\0") if key}
    return {key: "false" if key.endswith(".required") else "" for key in sorted(keys)}
