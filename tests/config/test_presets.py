"""The presets are what the document says of sizes, and every value of them gives way to a written one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from awsdeploy.config import Settings, from_mapping
from awsdeploy.config.defaults import PRESETS

DOCUMENTED: dict[str, dict[str, Any]] = {
    "dev": {
        "network.nat": False,
        "services.frontend.instance_type": "t3.micro",
        "services.backend.instance_type": "t3.micro",
        "database.instance_class": "db.t3.micro",
        "database.multi_az": False,
        "database.deletion_protection": False,
        "uploads.replicate": False,
    },
    "prod": {
        "network.nat": True,
        "services.frontend.instance_type": "t3.medium",
        "services.backend.instance_type": "t3.medium",
        "database.instance_class": "db.t3.small",
        "database.multi_az": True,
        "database.deletion_protection": True,
        "uploads.replicate": True,
    },
}
OTHER = {"instance_type": "t3.small", "instance_class": "db.t3.medium"}


def settings(preset: str, **tables: Any) -> Settings:
    base = {"name": "shop", "environment": "stage", "preset": preset, "platform": "documented"}
    return from_mapping(base | tables, source="", environ={})


def value(of: Settings, key: str) -> Any:
    found: Any = of
    for part in key.split("."):
        found = found[part] if isinstance(found, dict) or hasattr(found, "keys") else getattr(found, part)
    return found


def values() -> Iterator[tuple[str, str]]:
    """Every preset with the dotted key of every value it sets."""
    for preset, tables in PRESETS.items():
        for table, keys in tables.items():
            for key in keys:
                places = ("services.frontend", "services.backend") if table == "service" else (table,)
                yield from ((preset, f"{place}.{key}") for place in places)


def test_the_presets_set_exactly_this() -> None:
    found: dict[str, dict[str, Any]] = {}
    for preset, key in values():
        found.setdefault(preset, {})[key] = value(settings(preset), key)
    assert found == DOCUMENTED


@pytest.mark.parametrize(("preset", "key"), list(values()))
def test_a_written_value_wins_over_the_preset(preset: str, key: str) -> None:
    present = value(settings(preset), key)
    other = not present if isinstance(present, bool) else OTHER[key.rpartition(".")[2]]
    assert other != present
    if key.startswith("services."):
        _, service, name = key.split(".")
        services: dict[str, dict[str, Any]] = {"frontend": {}, "backend": {}}
        services[service][name] = other
        written = settings(preset, services=services)
    else:
        table, name = key.split(".")
        written = settings(preset, **{table: {name: other}})
    assert value(written, key) == other
    for _, rest in values():
        if rest != key:
            assert value(written, rest) == value(settings(preset), rest), "and nothing else"
