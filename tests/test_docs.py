"""Documents that cannot rot: the commands, keys and prices they name are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from awsdeploy.cli.app import COMMANDS
from awsdeploy.config import Settings, from_mapping
from awsdeploy.cost import estimate

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TESTS = re.compile(r"\b(tests/[\w/]+\.py)::(\w+)")
WORDS = re.compile(r"\bawsdeploy (?:--?[a-z-]+ )*([a-z][a-z-]+)")


def documented(path: Path) -> set[str]:
    """The commands that a document names in code."""
    text = path.read_text()
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, re.MULTILINE)
    return {word for line in code for word in WORDS.findall(line)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_commands_that_exist(path: Path) -> None:
    assert documented(path) <= set(COMMANDS)


def test_the_readmes_name_every_command_people_start_with() -> None:
    for readme in DOCUMENTS[:2]:
        assert {"init", "plan", "up", "status", "destroy", "cost"} <= documented(readme)


def test_every_command_is_in_some_document() -> None:
    assert set(COMMANDS) <= {name for path in DOCUMENTS for name in documented(path)}


def test_the_index_lists_every_page() -> None:
    text = (ROOT / "docs" / "README.md").read_text()
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= set(
        re.findall(r"\w[\w.-]+\.md", text)
    )


@pytest.mark.parametrize("path", DOCUMENTS[:2], ids=lambda path: path.name)
def test_a_readme_fits_three_screens(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_heading_that_a_link_names_exists(path: Path) -> None:
    for link, heading in re.findall(r"\]\(([^)#]*\.md|)#([^)]+)\)", path.read_text()):
        lines = (path.parent / link if link else path).read_text().splitlines()
        titles = [line.lstrip("# ").lower() for line in lines if line.startswith("#")]
        assert heading in [re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles], f"{link}#{heading}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert link.startswith("https://") or (path.parent / link).exists(), link


IMAGES = sorted((ROOT / "docs" / "images").iterdir())


def test_every_picture_is_shown_with_a_text_for_those_who_do_not_see_it() -> None:
    shown = [
        (text, Path(link).name)
        for path in DOCUMENTS
        for text, link in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", path.read_text())
    ]
    assert {name for _, name in shown} == {path.name for path in IMAGES}
    assert [name for text, name in shown if len(text) < 40] == []


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_a_picture_is_small_and_loads_nothing(path: Path) -> None:
    assert path.stat().st_size < 150_000
    if path.suffix == ".svg":
        text = path.read_text()
        assert re.findall(r"<script|@import|url\(http|<image|src=", text) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_test_that_a_document_names_exists(path: Path) -> None:
    for file, name in sorted(set(TESTS.findall(path.read_text()))):
        assert (ROOT / file).exists(), file
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"


def settings(preset: str) -> Settings:
    return from_mapping({"name": "shop", "domain": "example.com", "platform": "supported", "environment": preset})


@pytest.mark.parametrize("path", [*DOCUMENTS[:2], ROOT / "docs" / "costs.md"], ids=lambda path: path.name)
def test_a_document_states_the_costs_of_the_estimate(path: Path) -> None:
    text = path.read_text()
    for preset in ("dev", "prod"):
        assert f"{estimate.total(estimate.lines(settings(preset))):.2f}" in text
    assert "175.20" in text
    assert "350.40" in text


def test_the_example_shows_every_setting() -> None:
    """Users find only settings that the example shows."""
    text = (ROOT / "config.example.toml").read_text()
    shown = set(re.findall(r"^#? ?([a-z_]+) = ", text, re.MULTILINE))
    shown |= set(re.findall(r"^# \[+services\.\w+\.(\w+)\]+", text, re.MULTILINE))
    one = settings("prod")
    tables = {
        "network",
        "services",
        "web",
        "release",
        "dns",
        "database",
        "uploads",
        "logs",
        "monitoring",
        "backup",
        "ci",
        "iam",
        "drift",
        "waits",
    }
    keys = set(Settings.model_fields) - tables - {"tags"}  # whose keys are the owner's
    assert "# [tags]" in text
    for table in tables - {"services"}:
        keys |= set(type(getattr(one, table)).model_fields)
    keys |= set(type(one.services["frontend"]).model_fields) - {"name"}
    assert keys - shown == set()
