"""A scan of the documented stack in the sandbox by Prowler. `make scan` runs it.

Every finding needs a decision in docs/security.md; the scan fails where one has none. It builds the stack of
config.example.toml in a folder of its own and gives Prowler the sandbox's keys and nothing else of the environment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DECISIONS = ROOT / "docs" / "security.md"
ROW = re.compile(
    r"^\| (?P<checks>`[^|]+`) \| (?P<severity>\w+) \| (?P<where>[^|]+) \| (?P<decision>[^|]+) \|$", re.MULTILINE
)
REGION = "ap-northeast-2"
SERVICES = "acm autoscaling cloudwatch dlm ec2 elbv2 iam rds route53 s3 sns ssm vpc".split()
"""Prowler's names of the services that the stack uses and the sandbox simulates."""
AWSDEPLOY = [sys.executable, "-m", "awsdeploy"]
SPEED = "600"
TIMEOUT = 900.0  # seconds
FAILED = 3
"""How Prowler ends where it has found something."""


def main(prowler: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text((ROOT / "config.example.toml").read_text())
        try:
            print("Creating the documented stack in a sandbox …", flush=True)
            subprocess.run([*AWSDEPLOY, "up", "--sandbox", "--speed", SPEED, "--yes"], cwd=folder, check=True)
            print("Scanning it …", flush=True)
            found = scanned(prowler, folder)
        finally:
            subprocess.run([*AWSDEPLOY, "sandbox", "stop"], cwd=folder, check=False)
    return report(found, decisions())


def scanned(prowler: str, folder: Path) -> Sequence[Mapping[str, Any]]:
    """Prowler's report of the sandbox in this folder, a row for each check of each resource."""
    printed = subprocess.run([*AWSDEPLOY, "sandbox", "env"], cwd=folder, check=True, capture_output=True, text=True)
    keys = dict(re.findall(r"^export (\w+)=(.*)$", printed.stdout, re.MULTILINE))
    clean = {"HOME": str(folder), "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **keys}
    words = [prowler, "aws", "--region", REGION, "--service", *SERVICES, "--output-formats", "json-ocsf"]
    words += ["--output-directory", str(folder / "report"), "--no-banner", "--no-color"]
    log = folder / "prowler.log"
    with log.open("wb") as output:
        done = subprocess.run(words, cwd=folder, env=clean, stdout=output, stderr=output, timeout=TIMEOUT, check=False)
    written = list((folder / "report").glob("*.ocsf.json"))
    if done.returncode not in (0, FAILED) or not written:
        raise SystemExit(f"Prowler ended with {done.returncode}:\n{log.read_text(errors='replace')[-2000:]}")
    rows: Sequence[Mapping[str, Any]] = json.loads(written[0].read_text())
    return rows


def decisions(text: str | None = None) -> dict[str, str]:
    """Each check that docs/security.md names, and what was decided about it."""
    return dict(_decided(DECISIONS.read_text() if text is None else text))


def _decided(text: str) -> Iterator[tuple[str, str]]:
    for row in ROW.finditer(text):
        for check in re.findall(r"`(\w+)`", row["checks"]):
            yield check, row["decision"].strip()


def report(rows: Sequence[Mapping[str, Any]], decided: Mapping[str, str]) -> int:
    """Print each finding; 1 if one of them has no decision."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["status_code"] == "FAIL":
            found[row["metadata"]["event_code"], row["severity"]].append(row["status_detail"])
    for (check, severity), details in sorted(found.items()):
        print(f"{severity:8} {check}: {len(details)}, {decided.get(check) or 'NO DECISION in docs/security.md'}")
        if not decided.get(check):
            print(*(f"         {detail}" for detail in details), sep="\n")
    undecided = {check for check, _ in found if not decided.get(check)}
    gone = sorted(set(decided) - {check for check, _ in found})
    print(f"{len(rows)} results, {len(found)} checks with findings, {len(undecided)} without a decision.")
    if gone:
        print(f"Decided, but not found this time: {', '.join(gone)}.")
    return 1 if undecided else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
