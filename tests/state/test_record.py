"""State file of an earlier version: every line of it is read, and written again as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import awsdeploy.resources  # noqa: F401  # every kind enters by being defined
from awsdeploy.engine.resource import KINDS
from awsdeploy.state.record import State

SAMPLE = Path(__file__).with_name("shop-dev.json")
"""Written by the version before the source was put into rooms; ten of its resources, one of them interrupted."""


def test_a_state_file_of_an_earlier_version_is_read_and_loses_no_resource(tmp_path: Path) -> None:
    path = tmp_path / "shop-dev.json"
    shutil.copy(SAMPLE, path)
    before = json.loads(SAMPLE.read_text())
    state = State.load(path, "shop/dev")
    assert (state.account, state.region) == (before["account"], before["region"])
    assert {key: entry.id for key, entry in state.entries.items()} == {
        key: entry["id"] for key, entry in before["entries"].items()
    }
    assert state.entries["network/vpc"].phase == "creating"
    assert {entry.kind for entry in state.entries.values()} <= KINDS.keys()
    state.save()
    after = json.loads(path.read_text())
    assert after["entries"] == before["entries"]
    assert "runs" not in after  # their times are recorded elsewhere: docs/timeline.md
