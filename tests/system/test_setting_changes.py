"""Changes of one setting: the plan names the resources and the impact, `up` makes these writes alone, and no more.

Without the state file the plans are the same. The table is setting_changes.toml: every setting of the schema has an
entry. A seeded sample runs in `make test`; `make torture` makes every change and takes it back.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from awsdeploy import config
from awsdeploy.config.schema import json_schema
from awsdeploy.engine import up
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import Gate
from awsdeploy.errors import AwsdeployError
from tests.simulated import World
from tests.system.setting_table import ENTRIES, TABLE, Entry, base_of, lines, name_of, planned, prepare, settings_of

pytestmark = pytest.mark.slow

CONVERGING = [place for place, entry in enumerate(ENTRIES) if "up" in entry]
SAMPLE = random.Random(20261128).sample([place for place in CONVERGING if "base" not in ENTRIES[place]], 3)
OF_THE_RUN = Counter({"ssm:PutParameter": 2, "ssm:DeleteParameter": 1})
"""Writes of every run that changes something: it holds the stack lock, and is recorded in the account."""
TOGETHER = {
    "route53:ChangeResourceRecordSets": "route53:ChangeResourceRecordSets",
    "cloudwatch:DeleteAlarms": "cloudwatch:DeleteAlarms",
    "ssm:DeleteParameter": "ssm:DeleteParameters",
    "ssm:DeleteParameters": "ssm:DeleteParameters",
}
"""Calls that are sent as one if they are made at once: their number depends on the moment."""


def settings_of_schema() -> Iterator[str]:
    """Dotted names of all settings; `*` is the name of a service."""
    schema = json_schema()

    def walk(table: dict[str, Any], path: str) -> Iterator[str]:
        for name, value in table["properties"].items():
            more = value.get("additionalProperties")
            many = more if isinstance(more, dict) and "$ref" in more else {}
            inner = [value, *value.get("anyOf", ()), many]
            reference = next((one["$ref"] for one in inner if "$ref" in one), "")
            if reference:
                below = f"{path}{name}.*." if many else f"{path}{name}."
                yield from walk(schema["$defs"][reference.rpartition("/")[2]], below)
            else:
                yield path + name

    return walk(schema, "")


def test_every_setting_has_an_entry() -> None:
    named = {general(entry["setting"]) for entry in ENTRIES}
    untried = set(TABLE.get("untried", ()))
    assert [one for one in settings_of_schema() if one not in named | untried] == []
    assert named & untried == set()


def general(setting: str) -> str:
    """The setting's name in the schema: of a service, `*` is the service's name."""
    path = setting.split(".")
    return ".".join(["services", "*", *path[2:]]) if path[0] == "services" else setting


def test_the_table_has_sixty_changes() -> None:
    assert sum(("up" in entry) + ("back" in entry) for entry in ENTRIES) >= 60


def writes_in_log(world: World) -> str:
    """Writes that AWS has accepted since the log was emptied, with their numbers; not those of the run itself."""
    log = world.control("GET", "calls")["calls"]
    counted = Counter(row["call"] for row in log if row["write"] and row["outcome"] == "ok") - OF_THE_RUN
    counted.update({TOGETHER[call]: 0 for call in TOGETHER if counted.pop(call, 0)})
    return ", ".join(sorted(f"{call} × {count}" if count > 1 else call for call, count in counted.items()))


def made(world: World, settings: config.Settings) -> list[str]:
    """Plan a change, make it, and return both as lines of the table. Nothing is left to do then."""
    touched: set[str] = set()
    done = ("creating", "changing", "deleting")

    def on_event(event: ResourceEvent) -> None:
        if event.phase in done:
            touched.add(event.key)

    world.on_event = on_event
    run, found = planned(world, settings)
    assert found.conflicts == []
    named = {item.resource.key for item in found.items.values() if item.action != "none"}
    gates = {one.key for one in found.items if isinstance(one, Gate)}
    shown = lines(found)
    assert lines_elsewhere(world, settings) == shown
    world.control("DELETE", "calls")
    up.apply(run, found)
    log = writes_in_log(world)
    assert touched - named - gates - {one.key for one in found.removals} == set(), "changed, but not in the plan"
    _, again = planned(world, settings)
    assert lines(again) == [], "the next plan is not empty"
    assert lines_elsewhere(world, settings) == []
    return [*shown, *filter(None, [log])]


def lines_elsewhere(world: World, settings: config.Settings) -> list[str]:
    """The plan of another computer, or of this one after its state file was lost."""
    return lines(planned(dataclasses.replace(world, folder=world.folder / "elsewhere"), settings)[1])


CASES = [
    pytest.param(
        entry,
        id=name_of(entry),
        marks=[] if place in SAMPLE else [pytest.mark.torture],
    )
    for place, entry in enumerate(ENTRIES)
]


@pytest.mark.parametrize("entry", CASES)
def test_a_change_of_one_setting(entry: Entry, brought_up: Callable[[str], World]) -> None:
    world = brought_up(base_of(entry))
    world.settle = 60  # on a busy computer nothing is sent twice
    prepare(world, entry)
    after, before = settings_of(entry, changed=True), settings_of(entry, changed=False)
    if "refused" in entry:
        assert entry["refused"] in refusal(world, after)
    elif "unchanged" in entry:
        assert planned(world, after)[1].quiet
    elif "another_stack" in entry:
        assert world.everything(after) == []
    else:
        assert made(world, after) == entry["up"].splitlines()
        if "back_refused" in entry:
            assert entry["back_refused"] in refusal(world, before)
        else:
            assert made(world, before) == entry["back"].splitlines()


def refusal(world: World, settings: config.Settings) -> str:
    """Reason why the plan is refused."""
    try:
        _, found = planned(world, settings)
    except AwsdeployError as error:
        return error.message
    return "\n".join(found.conflicts)
