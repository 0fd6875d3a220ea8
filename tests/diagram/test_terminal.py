"""The picture on a terminal: 80 columns, straight edges, Korean widths, every part with its state as a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from awsdeploy import diagram, report
from awsdeploy.cost import estimate
from awsdeploy.diagram import picture, terminal, text
from awsdeploy.diagram.model import Health
from awsdeploy.diagram.words import KOREAN, words
from awsdeploy.report import rows
from tests.diagram.samples import SAMPLES, new_plan, settings


def drawn(name: str, language: str = "en") -> list[str]:
    made = picture.of(SAMPLES[name], new_plan(SAMPLES[name]), language=language)
    return list(terminal.lines(made, words(language)))


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", SAMPLES)
def test_it_fits_80_columns_and_its_edges_are_straight(name: str, language: str) -> None:
    lines = drawn(name, language)
    assert max(map(cell_len, lines)) <= 80
    framed = [line for line in lines if line.startswith(("┌", "│", "└"))]
    assert len(framed) > 20
    assert {cell_len(line.rstrip()) for line in framed if line.endswith(("┐", "│", "┘"))} == {terminal.WIDTH}
    assert "\n".join(lines).count("┌") == "\n".join(lines).count("┘")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_box_has_its_name_and_its_state_as_sign_and_word(name: str) -> None:
    made = picture.of(SAMPLES[name], new_plan(SAMPLES[name]))
    shown = "\n".join(terminal.lines(made, words("en")))
    assert shown.count("+ planned") == len(made.boxes) - 1 + len(made.groups) + 1  # the internet has no state
    assert [box.name for box in made.boxes if box.name not in shown] == []


def test_ports_stand_beside_what_they_lead_to() -> None:
    shown = "\n".join(drawn("documented"))
    for said in ("▼ 80, 443", "← Load balancer 3000", "← Load balancer 9999", "→ Database MySQL 8.4 3306"):
        assert said in shown


def test_without_a_domain_a_nat_gateway_and_a_standby_there_are_no_boxes_for_them() -> None:
    shown = "\n".join(drawn("small"))
    assert "▼ 80\n" in shown
    for absent in ("Route 53", "ACM", "NAT", "Standby", "health check", "Copy of"):
        assert absent not in shown


def test_a_worker_has_no_port_and_a_group_says_how_many_machines() -> None:
    shown = "\n".join(drawn("eight"))
    assert "worker, no port" in shown
    assert "service2 (Auto Scaling)" in shown
    assert "2 to 6 machines" in shown
    assert "Load balancer" not in "\n".join(drawn("workers alone"))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_costs_of_the_boxes_are_those_of_the_estimate(name: str) -> None:
    wanted = SAMPLES[name]
    made = picture.of(wanted, new_plan(wanted)).monthly
    assert made == pytest.approx(estimate.total(estimate.lines(wanted)))


def test_every_resource_belongs_to_a_box() -> None:
    made = picture.of(settings(domain="example.com"), new_plan(settings(domain="example.com")))
    rest = made.box("others")
    assert rest is not None
    assert rest.lines == ("4 resources",)  # the bucket of releases, and what machines fetch from it


def test_texts_of_pictures_have_a_korean_translation() -> None:
    folders = (Path(next(iter(room.__path__))) for room in (diagram, report))
    files = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in (".py", ".svg", ".html")]
    used = set(re.findall(r"\bt\(\s*[\"']([^\"']+)[\"']", "".join(path.read_text() for path in files)))
    used |= {row.what for row in rows.ROWS} | {state.value for state in Health} | {rows.OFF}
    assert len(used) > 90
    assert used - set(KOREAN) == set()


@pytest.mark.parametrize("said", ["frontend", "로드 밸런서", "✓ 정상", "ㅁ…−"])
def test_the_width_of_a_text_is_that_of_a_terminal(said: str) -> None:
    assert text.cells(said) == cell_len(said)
    assert cell_len(text.fitted(said, 5)) == 5
