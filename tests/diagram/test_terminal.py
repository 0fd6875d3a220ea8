"""The picture on a terminal: 80 columns, straight edges, Korean widths, every part with its state as a word."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from awsdeploy import diagram, report, timeline
from awsdeploy.cost import estimate
from awsdeploy.diagram import terminal, text
from awsdeploy.diagram.model import Health
from awsdeploy.diagram.words import KOREAN, words
from awsdeploy.progress import streams
from awsdeploy.report import rows
from awsdeploy.timeline.critical_path import UNFINISHED
from awsdeploy.timeline.history import NEVER_ENDED, OUTCOMES
from tests.diagram.samples import SAMPLES, drawn, in_every_state


def lines(name: str, language: str = "en", columns: int = 80) -> list[str]:
    return list(terminal.lines(drawn(name, language), words(language), columns=columns))


@pytest.mark.parametrize("columns", [80, 200, 40])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", SAMPLES)
def test_it_fits_the_terminal_and_its_edges_are_straight(name: str, language: str, columns: int) -> None:
    made = in_every_state(drawn(name, language))
    shown = list(terminal.lines(made, words(language), columns=columns))
    framed = [line for line in shown if line.startswith(("┌", "│", "└"))]
    assert len(framed) > 20
    assert {cell_len(line.rstrip()) for line in framed if line.endswith(("┐", "│", "┘"))} == {min(columns, 80) - 1}
    assert max(map(cell_len, shown[1:])) < columns
    assert "\n".join(shown).count("┌") == "\n".join(shown).count("┘")
    assert [box.name for box in made.boxes if box.name[:9] not in "\n".join(shown)] == []


def test_without_box_drawing_in_the_encoding_edges_are_straight_too() -> None:
    text = "\n".join(lines("documented")).translate(terminal.PLAIN)
    codecs.register_error(streams._replaced.__name__, streams._replaced)
    plain = text.encode("ascii", streams._replaced.__name__).decode()
    assert "\\u" not in plain
    assert list(map(len, plain.splitlines())) == list(map(len, text.splitlines()))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_box_has_its_name_and_its_state_as_sign_and_word(name: str) -> None:
    made = drawn(name)
    shown = "\n".join(terminal.lines(made, words("en")))
    assert shown.count("+ planned") == len(made.boxes) - 1 + len(made.groups) + 1  # the internet has no state
    assert [box.name for box in made.boxes if box.name not in shown] == []


def test_ports_stand_beside_what_they_lead_to() -> None:
    shown = "\n".join(lines("documented"))
    for said in ("▼ 80, 443", "← Load balancer 3000", "← Load balancer 9999", "→ Database 3306"):
        assert said in shown


def test_without_a_domain_a_nat_gateway_and_a_standby_there_are_no_boxes_for_them() -> None:
    shown = "\n".join(lines("small"))
    assert "▼ 80\n" in shown
    for absent in ("Route 53", "ACM", "NAT", "Standby", "health check", "Copy of"):
        assert absent not in shown


def test_a_worker_has_no_port_and_a_group_says_how_many_machines() -> None:
    shown = "\n".join(lines("eight"))
    assert "worker, no port" in shown
    assert "service2 (Auto Scaling)" in shown
    assert "2 to 6 machines" in shown
    assert "Load balancer" not in "\n".join(lines("workers alone"))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_costs_of_the_boxes_are_those_of_the_estimate(name: str) -> None:
    wanted = SAMPLES[name]
    made = drawn(name).monthly
    assert made == pytest.approx(estimate.total(estimate.lines(wanted)))


def test_every_resource_belongs_to_a_box() -> None:
    rest = drawn("documented").box("others")
    assert rest is not None
    assert rest.lines == ("4 resources",)  # the bucket of releases, and what machines fetch from it


def test_texts_of_pictures_have_a_korean_translation() -> None:
    folders = (Path(next(iter(room.__path__))) for room in (diagram, report, timeline))
    files = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".py", ".svg", ".html")]
    used = set(re.findall(r"\bt\(\s*[\"']([^\"']+)[\"']", "".join(path.read_text() for path in files)))
    used |= {row.what for row in rows.ROWS} | {state.value for state in Health} | {rows.OFF}
    used |= {*OUTCOMES, NEVER_ENDED, UNFINISHED}
    assert len(used) > 90
    assert used - set(KOREAN) == set()


@pytest.mark.parametrize("said", ["frontend", "로드 밸런서", "✓ 정상", "ㅁ…−"])
def test_the_width_of_a_text_is_that_of_a_terminal(said: str) -> None:
    assert [cell_len(text.fitted(said, width)) for width in range(2, 30)] == list(range(2, 30))
    assert text.fitted(said, 20).rstrip() == said
