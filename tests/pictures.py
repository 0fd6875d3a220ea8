"""The pictures of the READMEs and pages, made from a real run in the sandbox: `make pictures`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.chromium import browser
from tests.terminal import talk

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CONFIG = """\
name = "shop"
domain = "example.com"
platform = "supported"
environment = "prod"

[monitoring]
emails = ["ops@example.com"]
"""
COLUMNS, LINES = 92, 30
SPEED = "60"
FROM = 3
"""Number of the section of the report from which on its picture shows it."""
CURSOR = re.compile(r"(?:\x1b\[\d*[AK]|\x1b\[\?25[hl]|\x1b\[1?J|\r(?!\n))+")
"""Terminal codes by which a live display begins its next frame."""

TERMINAL = """\
<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
    font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
<rect width="100%" height="100%" rx="8" fill="#292929"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Frame of a terminal picture. rich's own loads a font."""


def main() -> None:
    """Bring a stack up in a sandbox, and write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("config.toml").write_text(CONFIG)
        size = {"COLUMNS": str(COLUMNS), "LINES": str(LINES), "TERM": "xterm-256color"}
        try:
            board = _recorded(["up", "--sandbox", "--speed", SPEED, "--yes"], size)
            _write("board.svg", terminal(frame(board)))
            for name, *more in (("diagram.svg",), ("diagram.ko.svg", "--lang", "ko")):
                _run("diagram", "--output", name, *more)
                _write(name, Path(name).read_text())
            _run("backup", "now")
            _run("report", "--output", "report.html")
            with browser(Path(folder)) as page:
                page.open(Path("report.html").absolute(), width=1100)
                top = page.value(f"document.querySelectorAll('h2')[{FROM}].getBoundingClientRect().y")
                (IMAGES / "report.png").write_bytes(page.screenshot(top, 612))
        finally:
            _run("sandbox", "stop", sandbox=())
            os.chdir(IMAGES)
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def _recorded(words: list[str], size: Mapping[str, str]) -> str:
    os.environ.update(size)
    said, code = talk(words, [])
    if code:
        sys.exit(said)
    return said


def frame(said: str) -> str:
    """The frame of a live display, in the middle of its run, in which the most resources are being made."""
    frames = [one for one in CURSOR.split(said) if "so far" in one and "database/mysql" in one]
    return max(frames, key=lambda one: one.count("\n    "))


def terminal(text: str) -> str:
    """A terminal's output as SVG."""
    from rich.console import Console
    from rich.text import Text

    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(text.replace("\r", "").strip("\n")))
        return console.export_svg(code_format=TERMINAL, title="", unique_id="board")


def _run(*words: str, sandbox: tuple[str, ...] = ("--sandbox",)) -> None:
    command = [sys.executable, "-P", "-m", "awsdeploy", *words, *sandbox]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _write(name: str, text: str) -> None:
    """Write a picture without spaces at the ends of its lines and without empty lines."""
    (IMAGES / name).write_text("".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip()))


if __name__ == "__main__":
    main()
