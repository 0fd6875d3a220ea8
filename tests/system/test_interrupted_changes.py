"""Changes of one setting that a kill interrupts: the same command goes on, and nothing is twice or left.

A seeded sample in `make test`; `make torture` interrupts every change of setting_changes.toml once.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from awsdeploy.engine import up
from tests.account import how_many
from tests.conftest import Stacks
from tests.sampling import sampled
from tests.simulated import World
from tests.system.setting_table import (
    ENTRIES,
    Entry,
    base_of,
    lines,
    name_of,
    planned,
    prepare,
    settings_of,
    text_after,
)
from tests.system.test_crashes import KILLED, Record, no_twins, without_backups

pytestmark = pytest.mark.slow

SEED = 20261128
FAULTS = ("kill-before", "kill-after")


def number_of_writes(entry: Entry) -> int:
    """Number of writes that the change makes, without those of the run itself."""
    calls = entry["up"].splitlines()[-1]
    return sum(int(many or 1) for many in re.findall(r"\w+:\w+(?: × (\d+))?", calls)) if ":" in calls else 0


EVERY = {name_of(entry): entry for entry in ENTRIES if "up" in entry and number_of_writes(entry)}
QUICK = [name for name, entry in EVERY.items() if 3 <= number_of_writes(entry) <= 12 and "base" not in entry]
SAMPLE = random.Random(SEED).sample(QUICK, 2)


@pytest.mark.parametrize("name", sampled(EVERY, SAMPLE))
def test_an_interrupted_change_converges(stacks: Stacks, tmp_path: Path, name: str, record_property: Record) -> None:
    entry = EVERY[name]
    with stacks.copy(base_of(entry), tmp_path / "undisturbed") as world:
        prepare(world, entry)
        run, found = planned(world, settings_of(entry, changed=True))
        up.apply(run, found)
        wanted = without_backups(how_many(world))
    words = ["up", "--yes"]
    for key in sorted({one.key for one in found.lost_data}):
        words += ["--delete-data", key]
    with stacks.copy(base_of(entry), tmp_path / "killed") as world:
        prepare(world, entry)
        interrupt(world, entry, words)
        again = world.awsdeploy(*words, AWSDEPLOY_SETTLE="0.3")
        assert again.returncode == 0, again.stderr
        assert "Traceback" not in again.stderr
        declared = [one for one in world.everything(settings_of(entry, changed=True)) if "-template/" not in one.key]
        no_twins(declared, record_property)  # the machines of an Auto Scaling group have one key
        assert lines(planned(world, settings_of(entry, changed=True))[1]) == []
        assert Counter(without_backups(how_many(world))) == Counter(wanted)


def interrupt(world: World, entry: Entry, words: list[str]) -> None:
    """Begin the change, and be killed at one of its writes. The first write of the run is its lock."""
    chance = random.Random(f"{SEED} {entry['setting']} {entry['to']}")
    fault = {"kind": chance.choice(FAULTS), "write": 1 + chance.randint(1, number_of_writes(entry))}
    world.settings(text_after(entry))
    world.control("POST", "fault", fault)
    killed = world.awsdeploy(*words)
    world.control("DELETE", "fault")
    assert killed.returncode == KILLED, (fault, killed.stderr)
