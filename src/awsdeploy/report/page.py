"""The report as one page that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awsdeploy.diagram import pages, theme
from awsdeploy.diagram.model import Health, Picture
from awsdeploy.diagram.words import words


def html(picture: Picture, report: Mapping[str, Any], language: str = "en", timeline: str = "", style: str = "") -> str:
    """The page of a report. `timeline` is HTML of the last run, and `style` its style sheet."""
    template = pages.environment("awsdeploy.report").get_template("report.html")
    most = max((line["monthly"] or 0.0 for line in report["bill"]["lines"]), default=0.0)
    return template.render(
        picture=picture,
        report=report,
        language=language,
        t=words(language),
        svg=pages.svg(picture, language),
        colours=theme.css(),
        style=pages.style() + style,
        timeline=timeline,
        most=most or 1.0,
        class_of={one.value: theme.CLASSES[one] for one in Health} | {"off": "muted"},
    )
