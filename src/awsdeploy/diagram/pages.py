"""Pictures as SVG and as a page: one file each, without scripts and without anything to load."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from awsdeploy.diagram import layout, text, theme
from awsdeploy.diagram.model import Picture
from awsdeploy.diagram.words import words


@cache
def environment(*packages: str) -> Environment:
    """Templates of pictures, and those of more packages. Values are escaped: names and statuses come from AWS."""
    loader = ChoiceLoader([PackageLoader(one) for one in ("awsdeploy.diagram", *packages)])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.globals.update(classes=theme.CLASSES, font=theme.FONT, cut=text.cut, money=text.money)
    return made


def svg(picture: Picture, language: str = "en") -> str:
    """The picture as an SVG file."""
    return _drawn("drawing.svg", picture, language, layout=layout.of(picture), name=_names(picture))


def html(picture: Picture, language: str = "en") -> str:
    """The picture as a page, with a table of its parts."""
    return _drawn("diagram.html", picture, language, svg=svg(picture, language), style=style())


def style() -> str:
    """The style sheet of pages."""
    return environment().get_template("page.css").render()


def _names(picture: Picture) -> Callable[[str], str]:
    return {box.key: box.name for box in picture.boxes}.__getitem__


def _drawn(template: str, picture: Picture, language: str, **more: Any) -> str:
    about = {"picture": picture, "language": language, "t": words(language), "colours": theme.css()}
    return environment().get_template(template).render(**about, **more)
