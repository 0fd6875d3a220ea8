"""Formatting and types of the release agent's JavaScript, as prettier and TypeScript find them. `make lint` runs it.

Exit codes: 0 no finding, or not checked; 1 a finding.
"""

from __future__ import annotations

import subprocess
import sys

from tests import npm

SOURCES = ("src/awsdeploy/machine/agent/*.js", "tests/machine/agent/*.js", "package.json", "tsconfig.json")


def main() -> int:
    if problem := npm.installed():
        print(f"JavaScript: formatting and types NOT checked: {problem}.")
        return 0
    checks = (
        [str(npm.MODULES / "prettier/bin/prettier.cjs"), "--check", "--log-level=warn", *SOURCES],
        [str(npm.MODULES / "typescript/bin/tsc"), "--project", str(npm.ROOT / "tsconfig.json")],
    )
    node = str(npm.node())
    return max(subprocess.run([node, *words], cwd=npm.ROOT, check=False).returncode for words in checks)


if __name__ == "__main__":
    sys.exit(main())
