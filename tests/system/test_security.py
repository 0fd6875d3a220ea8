"""The checks by others' tools: what they print is read right, and nothing passes by not having been looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from security import audit, scan

LOCK = "requirements-dev.lock"
FOUND = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.0"]}


def pip_audit(folder: Path, code: int, *packages: dict[str, Any]) -> str:
    """A program that answers as pip-audit does."""
    (folder / "answer").write_text(json.dumps({"dependencies": packages, "fixes": []}))
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat '{folder}/answer'\nexit {code}\n")
    program.chmod(0o755)
    return str(program)


def test_a_vulnerability_fails_unless_there_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = pip_audit(tmp_path, 1, {"name": "flask", "version": "1.0", "vulns": [FOUND]})
    assert audit.main(program) == 1
    assert "flask 1.0: PYSEC-2026-1, mended in 2.0." in capsys.readouterr().out
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-2026-1": "Only where the debugger is on."})
    assert audit.main(program) == 0


def test_what_was_not_checked_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """pip-audit itself calls it "No known vulnerabilities found" where no package was looked up."""
    unknown = {"name": "flask", "skip_reason": "Dependency not found on PyPI"}
    assert audit.main(pip_audit(tmp_path, 0, unknown)) == 0
    assert "NOT checked" in capsys.readouterr().out
    assert audit.main(pip_audit(tmp_path, 0, unknown, {"name": "click", "version": "8.1", "vulns": []})) == 0
    assert "1 packages checked, 1 not" in capsys.readouterr().out
    for missing in (str(tmp_path / "nowhere"), "/bin/false"):
        assert audit.main(missing) == 0
        assert "NOT checked" in capsys.readouterr().out


def test_a_finding_without_a_decision_fails(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "status_code": "FAIL",
        "severity": "High",
        "status_detail": "It is open.",
        "metadata": {"event_code": "open"},
    }
    assert scan.report([row], {"open": "Kept: it is a door."}) == 0
    assert scan.report([row], {"closed": "Kept."}) == 1
    said = capsys.readouterr().out
    assert "NO DECISION" in said
    assert "It is open." in said
    assert "Decided, but not found this time: closed." in said


def test_each_finding_of_the_last_scan_has_a_decision_with_a_reason() -> None:
    text = scan.DECISIONS.read_text()
    table = text[text.index("| check | severity") :].splitlines()[2:]
    assert len(scan.decisions()) >= len(table) > 30
    for line in table:
        assert scan.ROW.match(line), line
    for check, decision in scan.decisions().items():
        assert len(decision.partition(":")[2].split()) > 3, f"{check}: no reason"


def test_no_lock_file_names_a_registry() -> None:
    for lock in ("requirements.lock", LOCK):
        text = (scan.ROOT / lock).read_text()
        assert "://" not in text
        assert "--index" not in text
