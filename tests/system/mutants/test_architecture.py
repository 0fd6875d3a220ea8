"""docs/architecture.md: every row of the documented architecture, where it is declared and what proves it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from awsdeploy import architecture
from awsdeploy.config import from_mapping
from awsdeploy.engine.resource import Gate

ROOT = Path(__file__).parents[3]
ROWS = (
    "A B1 B2 B3 B4 C1 C2 C3 C4 D1 D2 D3 E1 E2 E3 E4 F1 F2 F3 F4 F5 F6 G1 G2 G3 "
    "H1 H2 H3 H4 I1 I2 I3 I4 J1 J2 K1 K2 L1 L2 L3 L4 L5 L6"
).split()
VARIANTS: list[dict[str, object]] = [
    {},
    {"domain": "example.com"},
    {"domain": "example.com", "create_zone": True},
    {"domain": "example.com", "dns": {"mode": "external"}},
    {"services": {"frontend": {"scaling": {}}, "backend": {}, "worker": {}}, "ci": {"github": "a/b"}},
]


class Entry(NamedTuple):
    """One line of the table."""

    row: str
    what: str
    where: str
    tests: list[str]


def table() -> dict[str, Entry]:
    found = {}
    for line in (ROOT / "docs" / "architecture.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch("[A-L][0-9]?", cells[0]):
            assert cells[0] not in found, f"{cells[0]} twice"
            found[cells[0]] = Entry(cells[0], cells[1], cells[2], re.findall(r"`(tests/[^`]+::[^`]+)`", cells[3]))
    return found


def test_every_row_has_an_entry() -> None:
    assert list(table()) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_every_row_names_where_it_is_declared_and_a_test_that_exists(row: str) -> None:
    entry = table()[row]
    assert entry.what
    places = re.findall(r"`([^`]+)`", entry.where)
    assert places
    for place in places:
        assert (ROOT / "src" / "awsdeploy" / place).exists(), place
    assert entry.tests
    for test in entry.tests:
        file, _, function = test.partition("::")
        functions = {
            node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)
        }
        assert function in functions, test


@pytest.mark.parametrize("https", [True, False])
@pytest.mark.parametrize("more", VARIANTS, ids=str)
def test_a_resource_is_in_the_same_step_when_it_is_made_and_when_it_is_deleted(
    more: dict[str, object], https: bool
) -> None:
    settings = from_mapping({"name": "shop", "platform": "supported", **more}, source="", environ={})
    for step in architecture.steps(settings, https=https):
        for resource in step.resources:
            if not isinstance(resource, Gate):  # a gate is never deleted
                assert architecture.title_of(resource.key) == step.title, resource.key
