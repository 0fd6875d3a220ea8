"""Known vulnerabilities of the locked packages, as pip-audit finds them. `make audit` runs it.

pip-audit also ends well where it could check nothing: a registry without vulnerability reports "does not know" any
package. This counts what was checked, and says so where it was nothing. Exit codes: 0 no finding, or not checked; 1 a
finding that is not accepted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

LOCK = "requirements-dev.lock"  # everything in requirements.lock is in it
TIMEOUT = 120.0  # seconds
ACCEPTED: Mapping[str, str] = {}
"""Ids of vulnerabilities (`PYSEC-…`, `GHSA-…`, `CVE-…`) that do not concern us: the reason why."""


def main(pip_audit: str, lock: str = LOCK) -> int:
    words = [pip_audit, "--requirement", lock, "--disable-pip", "--format=json", "--progress-spinner=off"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except FileNotFoundError:
        return _unchecked(lock, "pip-audit is not installed")
    except subprocess.TimeoutExpired:
        return _unchecked(lock, f"no answer within {TIMEOUT:g} s")
    try:
        packages: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _unchecked(lock, (done.stderr.strip() or "no answer").splitlines()[-1])
    checked = [package for package in packages if "vulns" in package]
    if not checked:
        return _unchecked(lock, "the package registry in use has no vulnerability reports")
    skipped = len(packages) - len(checked)
    print(f"{lock}: {len(checked)} packages checked" + (f", {skipped} not: no report about them." if skipped else "."))
    return report(checked)


def report(packages: Sequence[Mapping[str, Any]]) -> int:
    """Print each vulnerability with the versions that mend it; 1 if one of them is not accepted."""
    code = 0
    for package in packages:
        for found in package["vulns"]:
            known = {found["id"], *found.get("aliases", ())}
            reason = next((ACCEPTED[id] for id in sorted(known & set(ACCEPTED))), "")
            mended = ", ".join(found.get("fix_versions", ())) or "no release yet"
            print(f"{package['name']} {package['version']}: {found['id']}, mended in {mended}. {reason}".rstrip())
            code = code if reason else 1
    return code


def _unchecked(lock: str, reason: str) -> int:
    print(f"{lock}: NOT checked for known vulnerabilities: {reason}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
