"""Any file becomes settings or a refusal, never anything else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from awsdeploy.config import (
    DatabaseSettings,
    NetworkSettings,
    ScalingSettings,
    Service,
    Settings,
    WaitsSettings,
    from_mapping,
    loads,
)
from awsdeploy.config.locate import lines
from awsdeploy.errors import ConfigInvalid

GOOD: dict[str, Any] = {
    "name": "shop",
    "environment": "prod",
    "preset": "prod",
    "region": "ap-northeast-2",
    "domain": "example.com",
    "aliases": ["www"],
    "create_zone": True,
    "platform": "supported",
    "timezone": "Asia/Seoul",
    "network": {
        "cidr": "10.0.0.0/16",
        "zones": ["a", "c"],
        "public": ["10.0.1.0/24", "10.0.2.0/24"],
        "private": ["10.0.3.0/24", "10.0.4.0/24"],
        "nat": False,
        "ssh_from": ["203.0.113.7/32"],
    },
    "services": {
        "frontend": {"port": 3000, "paths": ["/*"], "health": "/", "instances": 1},
        "backend": {"port": 9999, "paths": ["/api"], "instance_type": "t3.small", "volume_gb": 30},
        "worker": {},
        "jobs": {"scaling": {"min": 2, "max": 3, "target_cpu": 50, "health": "ec2"}},
    },
    "database": {"engine_version": "8.4", "storage_gb": 20, "max_storage_gb": 40, "username": "app"},
    "waits": {"settle": 1.5, "poll_floor": 0.1, "poll_ceiling": 2, "silence": 30},
}
KEYS = sorted(
    {
        key
        for model in (Settings, NetworkSettings, Service, ScalingSettings, DatabaseSettings, WaitsSettings)
        for key in model.model_fields
    }
)

scalars = st.one_of(
    st.text(max_size=30),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.sampled_from(["", "10.0.0.0/16", "255.255.255.255/24", "0.0.0.0/0", "::/0", "example.com", "*", "/*", "/", "a"]),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=12), st.sampled_from(["frontend", "backend", "web"]))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


def judged(tree: dict[str, Any]) -> None:
    try:
        found = from_mapping(tree, environ={})
    except ConfigInvalid as error:
        refusal = error
    else:
        assert isinstance(found, Settings)
        assert len(found.network.public) == len(found.network.private) == len(found.zone_names)
        return
    assert refusal.message.strip()
    assert all(char.isprintable() or char == "\n" for char in refusal.message)


@given(st.dictionaries(keys, values, max_size=8))
@example({"services": {"\ud7fc": {"name": ""}}})
@settings(max_examples=200, deadline=None)
@pytest.mark.slow
def test_any_tables_become_settings_or_a_refusal(tree: dict[str, Any]) -> None:
    judged(tree)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_good_config_changed_anywhere_becomes_settings_or_a_refusal(data: st.DataObject) -> None:
    tree = copy.deepcopy(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        table = tree
        while True:
            key = data.draw(st.sampled_from(sorted(table)) if table else keys)
            if not isinstance(table.get(key), dict) or data.draw(st.booleans()):
                break
            table = table[key]
        change = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            table.pop(key, None)
        else:
            table[key if change == "replace" else data.draw(keys)] = data.draw(values)
    judged(tree)


@given(st.text(max_size=200))
@example("a = [1, {b = 2}, '''x\n''']\n[t]\n\"k\\u00e9\".c = 1 # c\n[[arr]]\nx = 1\n[[arr]]\n[arr.sub]\ny = 2")
@settings(max_examples=200, deadline=None)
def test_any_text_is_located_without_complaint_and_read_or_refused(text: str) -> None:
    lines(text)
    with pytest.raises(ConfigInvalid):  # nothing this short is a whole config
        loads(text[:15])


def test_every_kind_of_key_is_found_on_its_line() -> None:
    text = (
        'plain = 1\r\n"quoted key" = """\nmore\n"""  # comment = 3\ndotted . key = [\n  1, # one\n  "]", # two\n]\n'
        "inline = { a = 1, b = { c = 'x}' } }\n[table.sub]\nkey = 2\n"
        "[[many]]\nx = 1\n[[many]]\nx = 2\n[many.in]\ny = 3\n"
    )
    found = lines(text)
    assert found["plain",] == 1
    assert found["quoted key",] == 2
    assert found["dotted", "key"] == 5
    assert (found["dotted", "key", 0], found["dotted", "key", 1]) == (6, 7)
    assert found["inline", "b", "c"] == 9
    assert found["table", "sub"] == 10
    assert found["table", "sub", "key"] == 11
    assert (found["many", 0, "x"], found["many", 1, "x"]) == (13, 15)
    assert found["many", 1, "in", "y"] == 17
