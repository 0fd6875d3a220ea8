"""The pictures of the documents: all of them are made by `make pictures`, and they look like what is drawn today."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests import pictures
from tests.chromium import Browser, needs_chromium
from tests.pictures import IMAGES, PICTURES, ROOT
from tests.simulated import SUPPORTED, World

CONFIG = SUPPORTED + '[monitoring]\nemails = ["ops@example.com"]\n'
NAMED = re.compile(r"!\[([^\]]*)\]\((?:docs/)?images/([^)]+)\)")
PNG = b"\x89PNG\r\n"


def runner(world: World) -> pictures.Run:
    return lambda *words: world.awsdeploy(*words).stdout


def test_documents_show_the_pictures_that_are_made_and_describe_them() -> None:
    texts = [path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))]
    shown = [one for text in texts for one in NAMED.findall(text)]
    assert {name for _, name in shown} == set(PICTURES)
    assert {path.name for path in IMAGES.iterdir()} == set(PICTURES)
    assert [name for said, name in shown if len(said.split()) < 8] == []
    assert sum(text.count("images/") for text in texts) == len(shown)
    assert max(path.stat().st_size for path in IMAGES.iterdir()) < 100_000


@pytest.mark.slow
@pytest.mark.parametrize(("name", "language"), [("diagram.svg", "en"), ("diagram.ko.svg", "ko")])
def test_the_diagram_of_the_documents_is_the_one_of_today(stack_copy: World, name: str, language: str) -> None:
    today = pictures.diagram(runner(stack_copy), language)
    assert names(today) == names((IMAGES / name).read_bytes()), "run `make pictures`"


def names(drawing: bytes) -> list[str]:
    root = ElementTree.fromstring(drawing)
    return [str(one.text) for one in root.iter("{http://www.w3.org/2000/svg}text") if one.get("class") == "name"]


@needs_chromium
@pytest.mark.slow
def test_the_picture_of_the_report_is_made(stack_copy: World, page: Browser) -> None:
    assert pictures.report(runner(stack_copy), page).startswith(PNG)


def test_the_board_is_taken_from_its_fullest_frame_and_loads_nothing() -> None:
    begun = "6 of 82 so far\r\n    network/vpc creating\r\n"
    middle = "\x1b[32m40 of 82 so far\x1b[0m\r\n    database/mysql creating\r\n    web/alb provisioning\r\n"
    ended = "80 of 82 so far\r\n    database/mysql creating\r\n"
    said = "\x1b[1A\x1b[2K".join([begun, middle, ended, "Done in 12 min\r\n"])
    drawing = pictures.terminal(pictures.frame(said))
    text = "".join(ElementTree.fromstring(drawing).itertext()).replace("\xa0", " ")
    assert "web/alb provisioning" in text
    assert "80 of 82" not in text
    assert "http" not in drawing.replace("http://www.w3.org/2000/svg", "")
