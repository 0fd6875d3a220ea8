"""A small git repository of an application, made on the spot."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ABOUT = {"name": "x", "version": "1.0.0"}
BACK, FRONT = "back", "front"


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(folder: Path, files: dict[str, str | bytes]) -> str:
    """Write and commit; returns the commit."""
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "work")
    return git(folder, "rev-parse", "HEAD").strip()


def package(**more: object) -> dict[str, str | bytes]:
    """A package.json and its lock file."""
    named = more.get("dependencies")
    locked = {f"node_modules/{name}": {"version": "1.0.0"} for name in (named if isinstance(named, dict) else ())}
    return {
        "package.json": json.dumps({"name": "x", "version": "1.0.0", "private": True, **more}),
        "package-lock.json": json.dumps({**ABOUT, "lockfileVersion": 3, "packages": {"": ABOUT, **locked}}),
    }


def placed(directory: str, files: dict[str, str | bytes]) -> dict[str, str | bytes]:
    return {f"{directory}/{name}": content for name, content in files.items()}


def repository(folder: Path) -> Path:
    """A repository with both documented services and nothing wrong with it."""
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {**placed(BACK, package()), **placed(FRONT, package())})
    return folder
