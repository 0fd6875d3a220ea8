"""The table of setting changes, setting_changes.toml: a config before and after each, and plans as its lines."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from awsdeploy import architecture, config
from awsdeploy.architecture import database_transport, https_readiness
from awsdeploy.engine import danger, plan
from awsdeploy.engine.resource import Danger, Gate
from awsdeploy.resources.dns.records import Record
from tests.simulated import World

TABLE = tomllib.loads(Path(__file__).with_name("setting_changes.toml").read_text())
BASES: dict[str, str] = TABLE["bases"]
Entry = dict[str, Any]
ENTRIES: list[Entry] = TABLE["change"]
SIGNS = {"create": "+", "change": "~", "replace": "-/+"}
IMPACTS = {Danger.REPLACEMENT: "replacement", Danger.DATA_LOSS: "data loss"}
ANYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def name_of(entry: Entry) -> str:
    """Name of a change as a test's."""
    return f"{entry['setting']}={json.dumps(entry['to'])[:40]}"


def prepare(world: World, entry: Entry) -> None:
    """Make what the account has before the change."""
    if "policy" in entry:
        world.client("iam").create_policy(PolicyName=entry["policy"], PolicyDocument=ANYTHING)
    if "key_pair" in entry:
        world.client("ec2").create_key_pair(KeyName=entry["key_pair"])


def base_of(entry: Entry) -> str:
    """Config before the change."""
    return BASES[entry.get("base", "shop")]


def text_after(entry: Entry) -> str:
    """Config after the change."""
    return "\n".join(_toml(_tree_after(entry)))


def _toml(tree: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in tree.items():
        dotted = f"{path}{name}"
        if isinstance(value, dict) and value:
            yield from _toml(value, f"{dotted}.")
        else:
            yield f"{dotted} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_value(inner)}' for name, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def settings_of(entry: Entry, *, changed: bool) -> config.Settings:
    """Settings before or after the change."""
    return config.from_mapping(_tree_after(entry) if changed else tomllib.loads(base_of(entry)))


def _tree_after(entry: Entry) -> dict[str, Any]:
    """Config after the change. "unset" takes a value away."""
    tree = tomllib.loads(base_of(entry))
    values = {entry["setting"]: entry["to"], **entry.get("with", {})}
    for name, value in values.items():
        *path, last = name.split(".")
        table = tree
        for part in path:
            table = table.setdefault(part, {})
        if value == "unset":
            table.pop(last, None)
        else:
            table[last] = copy.deepcopy(value)
    return tree


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
