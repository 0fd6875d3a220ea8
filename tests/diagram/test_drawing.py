"""SVG and page in a real browser: nothing overlaps or is cut off, nothing is loaded, all text can be read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from awsdeploy.diagram import layout, pages, theme
from awsdeploy.diagram.model import Area
from tests.chromium import Browser, needs_chromium
from tests.diagram.samples import SAMPLES, drawn, in_every_state
from tests.page_checks import A4, LABELS_OVER_BOXES, TEXTS_OUTSIDE, TEXTS_OVER_OTHERS, inaccessible, low_contrast, sizes


@pytest.mark.parametrize("name", SAMPLES)
def test_no_boxes_overlap_and_each_stands_in_its_frame(name: str) -> None:
    placed = layout.of(drawn(name))
    assert layout.overlapping([one.at for one in placed.boxes]) == []
    whole = layout.Rectangle(0, 0, placed.width, placed.height)
    frames = {(one.group.area, one.group.column): one.at for one in placed.groups}
    for one in placed.boxes:
        assert contains(whole, one.at), one.box.key
        if one.box.area in (Area.VPC, Area.PUBLIC, Area.PRIVATE):
            assert contains(frames[Area.VPC, 0], one.at), one.box.key
        if len(one.box.columns) == 1:
            assert contains(frames[one.box.area, one.box.columns[0]], one.at), one.box.key


@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_crosses_a_box(name: str) -> None:
    placed = layout.of(drawn(name))
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
                assert min(theme.contrast(colours[line], colours[ground]) for line in ("line", "data")) >= 3
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_file_needs_nothing_else_and_every_box_has_a_title_with_its_facts() -> None:
    for text in (pages.svg(drawn("documented")), pages.html(drawn("documented"))):
        assert "<script" not in text
        assert re.findall(r"(?:src|href)=\"(?!#|data:|https://[\w.-]*console\.aws\.amazon\.com/)[^\"]*", text) == []
        assert "url(http" not in text
        assert "@import" not in text
    root = ElementTree.fromstring(pages.svg(drawn("documented")))
    titles = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any("frontend" in one and "t3.medium" in one and "$43.43 a month" in one for one in titles)
    assert "Load balancer → backend: 9999 (security/backend)" in titles


def test_what_comes_from_elsewhere_is_escaped() -> None:
    hostile = replace(drawn("documented"), stack="<script>alert(1)</script>")
    assert "<script>" not in pages.svg(hostile) + pages.html(hostile)


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_browser_shows_all_texts_inside_their_boxes(page: Browser, tmp_path: Path, name: str, language: str) -> None:
    file = tmp_path / "diagram.svg"
    for made in (drawn(name, language), in_every_state(drawn(name, language))):
        file.write_text(pages.svg(made, language))
        page.open(file)
        assert page.value("document.querySelectorAll('g.part').length") == len(made.boxes)
        assert page.value(TEXTS_OUTSIDE) == []
        assert page.value(TEXTS_OVER_OTHERS) == []
        assert page.value(LABELS_OVER_BOXES) == []
        assert (page.logged, page.requested) == ([], [file.as_uri()])


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_browser_opens_and_prints_the_page_without_a_request(page: Browser, tmp_path: Path, language: str) -> None:
    file = tmp_path / "diagram.html"
    file.write_text(pages.html(in_every_state(drawn("eight", language)), language))
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(15, 23, 42)")):
        page.open(file, scheme)
        assert page.value("getComputedStyle(document.body).backgroundColor") == ground
        assert page.value("document.documentElement.scrollWidth <= innerWidth")
        assert (low_contrast(page), inaccessible(page)) == ([], [])
        assert {one for one in page.requested if not one.startswith("data:")} == {file.as_uri()}
        assert page.logged == []
    assert sizes(page.pdf()) <= A4


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "name"), [("light", "muted"), ("dark", "unhealthy"), ("dark", "text")])
def test_the_check_of_contrast_finds_a_bad_colour(page: Browser, tmp_path: Path, scheme: str, name: str) -> None:
    file = tmp_path / "diagram.svg"
    good = {"light": theme.LIGHT, "dark": theme.DARK}[scheme]
    drawing = pages.svg(in_every_state(drawn("documented")))
    file.write_text(drawing)
    page.open(file, scheme)
    assert low_contrast(page) == []
    file.write_text(drawing.replace(f"--{name}: {good[name]};", f"--{name}: {good['box']}"[:-1] + "0;"))
    page.open(file, scheme)
    assert low_contrast(page) != []
