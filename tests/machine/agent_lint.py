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
    # Both look again only at what has changed since, by its content.
    seen = ["--cache", "--cache-strategy=content", f"--cache-location={npm.PLACE / 'prettier'}"]
    known = ["--incremental", "--tsBuildInfoFile", str(npm.PLACE / "tsc")]
    checks = (
        [str(npm.MODULES / "prettier/bin/prettier.cjs"), "--check", "--log-level=warn", *seen, *SOURCES],
        [str(npm.MODULES / "typescript/bin/tsc"), "--project", str(npm.ROOT / "tsconfig.json"), *known],
    )
    node = str(npm.node())
    return max(subprocess.run([node, *words], cwd=npm.ROOT, check=False).returncode for words in checks)


if __name__ == "__main__":
    sys.exit(main())
