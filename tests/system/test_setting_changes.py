"""Changes of one setting: the plan names the resources and the impact, `up` makes these writes alone, and no more.

The table is setting_changes.toml: every setting of the schema has an entry. A seeded sample runs in `make test`;
`make torture` makes every change and takes it back.
"""

from __future__ import annotations

import copy
import json
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy import architecture, config
from awsdeploy.architecture import database_transport, https_readiness
from awsdeploy.config.schema import json_schema
from awsdeploy.engine import danger, plan, up
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import Danger, Gate
from awsdeploy.errors import AwsdeployError
from awsdeploy.resources.dns.records import Record
from tests.simulated import World

pytestmark = pytest.mark.slow

TABLE = tomllib.loads(Path(__file__).with_name("setting_changes.toml").read_text())
BASES: dict[str, str] = TABLE["bases"]
Entry = dict[str, Any]
ENTRIES: list[Entry] = TABLE.get("change", [])
CONVERGING = [place for place, entry in enumerate(ENTRIES) if "up" in entry]
SAMPLE = random.Random(20261128).sample(CONVERGING, min(3, len(CONVERGING)))
SIGNS = {"create": "+", "change": "~", "replace": "-/+"}
IMPACTS = {Danger.REPLACEMENT: "replacement", Danger.DATA_LOSS: "data loss"}
OF_THE_RUN = Counter({"ssm:PutParameter": 2, "ssm:DeleteParameter": 1})
"""Writes of every run that changes something: it holds the stack lock, and is recorded in the account."""
TOGETHER = {
    "route53:ChangeResourceRecordSets": "route53:ChangeResourceRecordSets",
    "cloudwatch:DeleteAlarms": "cloudwatch:DeleteAlarms",
    "ssm:DeleteParameter": "ssm:DeleteParameters",
    "ssm:DeleteParameters": "ssm:DeleteParameters",
}
"""Calls that are sent as one if they are made at once: their number depends on the moment."""
ANYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


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


def with_values(entry: Entry, *, changed: bool) -> config.Settings:
    """Settings of the entry's base, before or after the change. "unset" takes a value away."""
    tree = tomllib.loads(BASES[entry.get("base", "shop")])
    values = {entry["setting"]: entry["to"], **entry.get("with", {})} if changed else {}
    for name, value in values.items():
        *path, last = name.split(".")
        table = tree
        for part in path:
            table = table.setdefault(part, {})
        if value == "unset":
            table.pop(last, None)
        else:
            table[last] = copy.deepcopy(value)
    return config.from_mapping(tree)


def planned(world: World, settings: config.Settings) -> tuple[Any, plan.Plan]:
    """The plan as the commands make it, and its run."""
    run, _ = world.run(settings)
    if settings.dns.mode == "external":
        run.unmanaged.add(Record)

    def steps(ready: https_readiness.HttpsReadiness, transport: Any = None) -> list[plan.Step]:
        return architecture.steps(settings, False, "", ready.https, ready.public, transport)

    def seen() -> tuple[list[plan.Step], list[str]]:
        ready = https_readiness.readiness(run, settings)
        return steps(ready, database_transport.transport(run, settings)), []

    return run, plan.make(run, steps(https_readiness.HttpsReadiness(True)), (), seen)


def lines(found: plan.Plan) -> list[str]:
    """The plan as lines of the table: sign, keys of one folder, and impact."""
    items = [item for item in found.items.values() if item.writes and not isinstance(item.resource, Gate)]
    changes = [
        (SIGNS[one.action], one.resource.key, _impact(danger.of_item(found, one), danger.outage_of(one)))
        for one in items
    ]
    changes += [("-", one.key, _impact(danger.of_removal(found, one))) for one in found.removals]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for sign, key, impact in changes:
        folder, _, name = key.rpartition("/")
        groups.setdefault((sign, folder, impact), []).append(name)
    return sorted(f"{sign} {folder}/{_together(names)}{impact}" for (sign, folder, impact), names in groups.items())


def _together(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{{{', '.join(sorted(names))}}}"


def _impact(level: Danger, seconds: float = 0) -> str:
    if level is Danger.OUTAGE:
        return f": outage of {seconds:.0f} s" if seconds else ": outage"
    return f": {IMPACTS[level]}" if level in IMPACTS else ""


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
    world.control("DELETE", "calls")
    up.apply(run, found)
    log = writes_in_log(world)
    assert touched - named - gates - {one.key for one in found.removals} == set(), "changed, but not in the plan"
    _, again = planned(world, settings)
    assert lines(again) == [], "the next plan is not empty"
    return [*shown, *filter(None, [log])]


CASES = [
    pytest.param(
        entry,
        id=f"{entry['setting']}={json.dumps(entry['to'])[:40]}",
        marks=[] if place in SAMPLE else [pytest.mark.torture],
    )
    for place, entry in enumerate(ENTRIES)
]


@pytest.mark.parametrize("entry", CASES)
def test_a_change_of_one_setting(entry: Entry, brought_up: Callable[[str], World]) -> None:
    world = brought_up(BASES[entry.get("base", "shop")])
    world.settle = 60  # on a busy computer nothing is sent twice
    if "policy" in entry:
        world.client("iam").create_policy(PolicyName=entry["policy"], PolicyDocument=ANYTHING)
    if "key_pair" in entry:
        world.client("ec2").create_key_pair(KeyName=entry["key_pair"])
    after, before = with_values(entry, changed=True), with_values(entry, changed=False)
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
