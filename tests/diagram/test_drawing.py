"""SVG and page in a real browser: nothing overlaps or is cut off, nothing is loaded, all text can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from awsdeploy.diagram import layout, pages, picture, theme
from awsdeploy.diagram.model import Area, Picture
from tests.chromium import Browser, browser, needs_chromium
from tests.diagram.samples import SAMPLES, new_plan

TEXTS_OUTSIDE = """
[...document.querySelectorAll('g.part')].flatMap(part => {
  const box = part.querySelector('rect').getBBox()
  return [...part.querySelectorAll('text')].filter(text => {
    const at = text.getBBox()
    return at.x < box.x || at.x + at.width > box.x + box.width || at.y < box.y || at.y + at.height > box.y + box.height
  }).map(text => text.textContent)
})
"""
TEXTS_OVER_OTHERS = """
(() => {
  const texts = [...document.querySelectorAll('text')].filter(text => text.textContent.trim())
  const beside = (a, b) => a.x >= b.x + b.width || b.x >= a.x + a.width
  const meets = (a, b) => !beside(a, b) && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height
  return texts.flatMap((one, place) => texts.slice(place + 1).filter(other => meets(one.getBBox(), other.getBBox()))
    .map(other => `${one.textContent} / ${other.textContent}`))
})()
"""
A4 = {(595, 842), (842, 595)}  # points


def made(name: str, language: str = "en") -> Picture:
    return picture.of(SAMPLES[name], new_plan(SAMPLES[name]), "123456789012", language)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_boxes_overlap_and_each_stands_in_its_frame(name: str) -> None:
    placed = layout.of(made(name))
    assert layout.overlapping([one.at for one in placed.boxes]) == []
    whole = layout.Rectangle(0, 0, placed.width, placed.height)
    frames = {(one.group.area, one.group.column): one.at for one in placed.groups}
    for one in placed.boxes:
        assert contains(whole, one.at), one.box.key
        if one.box.area in (Area.VPC, Area.PUBLIC, Area.PRIVATE):
            assert contains(frames[Area.VPC, 0], one.at), one.box.key
        if len(one.box.columns) == 1:
            assert contains(frames[one.box.area, one.box.columns[0]], one.at), one.box.key


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "three zones"])
def test_no_line_crosses_a_box(name: str) -> None:
    placed = layout.of(made(name))
    for arrow in placed.arrows:
        for (x1, y1), (x2, y2) in zip(arrow.points, arrow.points[1:], strict=False):
            line = layout.Rectangle(min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2))
            crossed = [one.box.key for one in placed.boxes if one.at.overlaps(line)]
            assert crossed == [], arrow.arrow


def contains(outer: layout.Rectangle, inner: layout.Rectangle) -> bool:
    across = outer.x <= inner.x and inner.right <= outer.right
    return across and outer.y <= inner.y and inner.bottom <= outer.bottom


def test_colours_have_enough_contrast() -> None:
    """Text needs 4.5, lines and signs 3 (WCAG 2, level AA)."""
    for colours in (theme.LIGHT, theme.DARK):
        for name in ("text", "muted", *theme.CLASSES.values()):
            for ground in ("page", "box"):
                assert theme.contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        assert min(theme.contrast(colours[name], colours["page"]) for name in ("line", "data")) >= 3
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_file_needs_nothing_else_and_every_box_has_a_title_with_its_facts() -> None:
    for text in (pages.svg(made("documented")), pages.html(made("documented"))):
        assert "<script" not in text
        assert re.findall(r"(?:src|href)=\"(?!#|data:|https://[\w.-]*console\.aws\.amazon\.com/)[^\"]*", text) == []
        assert "url(http" not in text
        assert "@import" not in text
    root = ElementTree.fromstring(pages.svg(made("documented")))
    titles = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any("frontend" in one and "t3.medium" in one and "$43.43 a month" in one for one in titles)
    assert "Load balancer → backend: 9999 (security/backend)" in titles


def test_what_comes_from_elsewhere_is_escaped() -> None:
    found = made("documented")
    hostile = type(found)(**{**vars(found), "stack": "<script>alert(1)</script>"})
    assert "<script>" not in pages.svg(hostile) + pages.html(hostile)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_browser_shows_all_texts_inside_their_boxes(page: Browser, tmp_path: Path, name: str, language: str) -> None:
    file = tmp_path / "diagram.svg"
    file.write_text(pages.svg(made(name, language), language))
    page.logged.clear()
    page.requested.clear()
    page.open(file)
    assert page.value("document.querySelectorAll('g.part').length") == len(made(name).boxes)
    assert page.value(TEXTS_OUTSIDE) == []
    assert page.value(TEXTS_OVER_OTHERS) == []
    assert (page.logged, page.requested) == ([], [file.as_uri()])


@needs_chromium
@pytest.mark.slow
def test_a_browser_opens_and_prints_the_page_without_a_request(page: Browser, tmp_path: Path) -> None:
    file = tmp_path / "diagram.html"
    file.write_text(pages.html(made("eight")))
    page.logged.clear()
    page.requested.clear()
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(15, 23, 42)")):
        page.open(file, scheme)
        assert page.value("getComputedStyle(document.body).backgroundColor") == ground
        assert page.value("document.documentElement.scrollWidth <= innerWidth")
    assert {one for one in page.requested if not one.startswith("data:")} == {file.as_uri()}
    assert page.logged == []
    assert sizes(page.pdf()) <= A4


def sizes(pdf: bytes) -> set[tuple[int, int]]:
    """Page sizes of a PDF in points."""
    found: list[Any] = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert found
    return {(round(float(width)), round(float(height))) for width, height in found}
