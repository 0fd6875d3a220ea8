"""Changes of a plan as text: the dangerous ones first, each once, and nothing left out."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from awsdeploy.cli.text import changes
from awsdeploy.engine import danger
from awsdeploy.engine.observed import Change, Danger, Observed
from awsdeploy.engine.plan import Item, Plan, Step
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.identity.role import InstanceProfile, Role
from awsdeploy.resources.monitoring.log_group import LogGroup
from awsdeploy.resources.network.vpc import Subnet, Vpc
from awsdeploy.resources.web.target_group import TargetGroup

LOGS, OTHER_LOGS = (LogGroup(key=f"monitoring/logs/{name}", days=7) for name in ("backend", "frontend"))
STEPS = {"network": "Network", "monitoring": "Logs"}
NETWORK, SECOND = (Vpc(key=f"network/{name}", cidr="10.0.0.0/16") for name in ("vpc", "second"))
UNDECLARED = "No longer in config.toml, will be deleted"


def change(danger: Danger, field: str = "") -> Change:
    return Change(field or danger.name, "old", "new", lambda: None, danger=danger)


def plan(*items: Item, removals: tuple[Observed, ...] = ()) -> Plan:
    steps = [Step("Network", (NETWORK, SECOND)), Step("Logs", (LOGS, OTHER_LOGS))]
    found = {item.resource: item for item in items}
    every = {one: found.get(one, Item(one, step.title)) for step in steps for one in step.resources}
    return Plan(steps, every, list(removals), [], False, [])


def action(resource: Resource, action: str, observed: Observed | None = None) -> Item:
    return Item(resource, STEPS[resource.key.partition("/")[0]], action, observed)


def changed(resource: Resource, *dangers: Danger) -> Item:
    made = action(resource, "change", Observed(type(resource), resource.key, "id"))
    made.changes = [change(one) for one in dangers]
    return made


def shown(made: Plan) -> list[str]:
    """Titles of the sections, and the keys and fields in them."""
    return [_named(line) if line.startswith(" ") else line.split(":")[0] for line in flat(made)]


def flat(made: Plan) -> list[str]:
    return [line for section in changes.sections(made) for line in section]


def _named(line: str) -> str:
    words = line.split()
    return words[0].rstrip(":") if line.startswith("        ") else words[1]


def test_what_loses_data_is_first_then_outages_then_replacements_then_the_rest() -> None:
    made = plan(
        changed(NETWORK, Danger.NONE),
        action(SECOND, "replace"),
        changed(LOGS, Danger.OUTAGE),
        changed(OTHER_LOGS, Danger.DATA_LOSS),
    )
    assert shown(made) == [
        "Data loss",
        OTHER_LOGS.key,
        "DATA_LOSS",
        "Outage",
        LOGS.key,
        "OUTAGE",
        "Replacement",
        SECOND.key,
        "Network",
        NETWORK.key,
        "NONE",
    ]


def test_the_worst_change_of_a_resource_decides_and_is_its_first_line() -> None:
    made = plan(changed(NETWORK, Danger.NONE, Danger.OUTAGE), changed(LOGS, Danger.OUTAGE, Danger.DATA_LOSS))
    assert shown(made) == [
        "Data loss",
        LOGS.key,
        "DATA_LOSS",
        "OUTAGE",
        "Outage",
        NETWORK.key,
        "OUTAGE",
        "NONE",
    ]


def test_in_a_section_the_order_is_the_documented_one() -> None:
    made = plan(changed(OTHER_LOGS, Danger.OUTAGE), changed(SECOND, Danger.OUTAGE), changed(NETWORK, Danger.OUTAGE))
    assert shown(made)[1::2] == [NETWORK.key, SECOND.key, OTHER_LOGS.key]


@pytest.mark.parametrize(
    ("kind", "title"),
    [(Database, "Data loss"), (Instance, "Outage"), (Vpc, UNDECLARED)],
    ids=["data", "serves", "harmless"],
)
def test_a_removal_is_as_dangerous_as_what_it_takes_away(kind: Any, title: str) -> None:
    gone = Observed(kind, "some/key", "id-1")
    made = plan(changed(NETWORK, Danger.NONE), removals=(gone,))
    said = shown(made)
    assert said[said.index("some/key") - 1] == title
    assert said.count("some/key") == 1
    assert said.index("some/key") == (4 if kind is Vpc else 1)


def test_a_replaced_object_is_an_outage_for_nobody_but_a_loss_if_it_holds_data() -> None:
    old = Observed(Vpc, SECOND.key, "vpc-1")
    assert shown(plan(action(SECOND, "replace", old), removals=(old,))) == [
        "Replacement",
        SECOND.key,
        "Replaced, will be deleted last",
        SECOND.key,
    ]


def test_the_replacement_of_what_holds_data_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Vpc, "data", True)
    old = Observed(Vpc, SECOND.key, "vpc-1")
    assert shown(plan(action(SECOND, "replace", old), removals=(old,))) == [
        "Data loss",
        SECOND.key,
        SECOND.key,
    ]
    assert flat(plan(removals=(old,)))[1].endswith("VPC (holds data) vpc-1")


def test_a_plan_without_danger_has_the_documented_steps_only() -> None:
    made = plan(action(NETWORK, "create"), action(LOGS, "create"))
    assert shown(made) == ["Network", NETWORK.key, "Logs", LOGS.key]


def test_the_last_line_names_what_loses_data_and_what_interrupts_requests() -> None:
    gone = tuple(Observed(Instance, f"machines/backend-{number}", f"i-{number}") for number in range(5))
    made = plan(changed(NETWORK, Danger.NONE), changed(LOGS, Danger.DATA_LOSS), removals=gone)
    assert list(changes.warning(made)) == [
        f"Data loss: {LOGS.key}",
        "Outage: machines/backend-0, machines/backend-1, machines/backend-2, +2 more",
    ]
    assert list(changes.warning(plan(changed(NETWORK, Danger.NONE), action(SECOND, "replace")))) == []


def test_an_outage_says_how_long_it_usually_is() -> None:
    item = changed(NETWORK, Danger.OUTAGE)
    item.changes = [dataclasses.replace(item.changes[0], impact="restarts", outage=180)]
    assert flat(plan(item))[-1] == "        OUTAGE: old → new    restarts, about 3 min"


def test_a_replacement_that_interrupts_requests_says_until_when() -> None:
    group = TargetGroup(key="web/api", vpc=NETWORK, port=4000, health="/", codes="200", targets=())
    old = Observed(TargetGroup, "web/api", "arn", raw={"Port": 3000})
    item = Item(group, "Network", "replace", replaced=(old,))
    made = Plan([Step("Network", (group,))], {group: item}, [old], [], False, [])
    assert shown(made)[:2] == ["Outage", "web/api"]
    assert "from port 3000 to 4000: requests fail until" in flat(made)[2]


def test_a_machine_beside_which_others_serve_goes_without_an_outage() -> None:
    role = Role(key="machines/api-role", service="ec2.amazonaws.com", statements=())
    subnet = Subnet(key="network/public-a", vpc=NETWORK, cidr="10.0.1.0/24", zone="ap-northeast-2a", public=True)
    stays = Instance(
        key="machines/api-1",
        subnet=subnet,
        service="api",
        bootstrap=(),
        security=(),
        profile=InstanceProfile(key="machines/api-profile", role=role),
        system="al2023",
        size="t3.micro",
        disk=20,
        port=3000,
    )
    gone = Observed(Instance, "machines/api-2", "i-2", tags={"awsdeploy:service": "api"})
    other = Observed(Instance, "machines/web-1", "i-3", tags={"awsdeploy:service": "web"})
    made = Plan([], {stays: Item(stays, "Machines")}, [gone, other], [], False, [])
    assert [danger.of_removal(made, one) for one in (gone, other)] == [Danger.NONE, Danger.OUTAGE]


def test_a_section_for_each_danger() -> None:
    assert [Danger[name] for name in changes.TITLES] == sorted(Danger, reverse=True)[:-1]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        ([], "nothing"),
        ("t3.micro", "t3.micro"),
        (False, "False"),
        (["a", "c"], "a, c"),
        ([{"Name": "InstanceId", "Value": "i-1"}, {"Name": "path", "Value": "/"}], "InstanceId=i-1, path=/"),
        ({"Key": "Owner", "Value": "shop"}, "Owner=shop"),
        ({"Days": 30, "Prefix": ""}, "Days=30, Prefix="),
    ],
)
def test_a_value_is_shown_without_python(value: object, words: str) -> None:
    assert changes.said(value) == words
