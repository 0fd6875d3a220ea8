"""The pictures of the READMEs and pages, made from real runs in the sandbox: `make pictures`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chromium import Browser, browser
from tests.simulated import SUPPORTED
from tests.terminal import talk

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PICTURES = ("board.svg", "diagram.svg", "diagram.ko.svg", "report.png", "shop.png")
COLUMNS, LINES = 98, 30
SPEED = "60"
FROM = 3
"""Number of the section of the report from which on its picture shows it."""
ITEM = """
(async () => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 320, height: 240})
  const context = canvas.getContext('2d')
  const sea = context.createLinearGradient(0, 0, 320, 240)
  sea.addColorStop(0, '#0000a0'); sea.addColorStop(0.5, '#00a0a0'); sea.addColorStop(1, '#a0f0a0')
  context.fillStyle = sea
  context.fillRect(0, 0, 320, 240)
  const picture = await new Promise(done => canvas.toBlob(done, 'image/png'))
  const post = async (path, type, body) =>
    (await fetch(path, {method: 'POST', headers: {'Content-Type': type}, body})).json()
  const {key} = await post('/api/uploads', 'image/png', picture)
  await post('/api/items', 'application/json', JSON.stringify({title: 'A picture of the sea', picture: key}))
})()
"""
"""Adds an item with a picture to the example application."""
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


Run = Callable[..., str]
"""Runs awsdeploy with some words in the current folder and returns what it prints; raises if it fails."""


def main() -> None:
    """Bring stacks up in sandboxes, and write all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, browser(Path(name) / "browser") as page:
        folder = Path(name)
        with _sandbox(folder / "shop") as run:
            Path("config.toml").write_text(SUPPORTED + '[monitoring]\nemails = ["ops@example.com"]\n')
            _write("board.svg", board(["up", "--sandbox", "--speed", SPEED, "--yes"]))
            _write("diagram.svg", diagram(run))
            _write("diagram.ko.svg", diagram(run, "ko"))
            run("backup", "now")
            _write("report.png", report(run, page))
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "example")], check=True)
        with _sandbox(folder / "example", "--config", "examples/shop/config.toml") as run:
            _write("shop.png", example(run, page))
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


@contextmanager
def _sandbox(folder: Path, *flags: str) -> Iterator[Run]:
    """A sandbox of its own for commands in a folder."""
    before = Path.cwd()
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    try:
        yield lambda *words: _run(words, "--sandbox", *flags)
    finally:
        _run(["sandbox", "stop"])
        os.chdir(before)


def board(words: list[str]) -> bytes:
    """The live board of a run, in its middle."""
    os.environ.update({"COLUMNS": str(COLUMNS), "LINES": str(LINES), "TERM": "xterm-256color"})
    said, code = talk(words, [])
    if code:
        sys.exit(said)
    return _tidy(terminal(frame(said)))


def diagram(run: Run, language: str = "en") -> bytes:
    """The diagram of the stack."""
    run("diagram", "--output", "diagram.svg", "--lang", language)
    return _tidy(Path("diagram.svg").read_text())


def report(run: Run, page: Browser) -> bytes:
    """Releases and costs in the report."""
    run("report", "--output", "report.html")
    page.open(Path("report.html").absolute(), width=1100)
    top = page.value(f"document.querySelectorAll('h2')[{FROM}].getBoundingClientRect().y")
    return page.screenshot(top, 612)


def example(run: Run, page: Browser) -> bytes:
    """The example application, deployed, with one item. It needs npm packages, and MariaDB for its database."""
    run("up", "--yes")
    run("deploy")
    run("exec", "backend", "--", "npm", "run", "migrate")
    url = json.loads(run("status", "--json"))["facts"]["url"]
    page.open(url, width=800)
    page.value(ITEM)
    page.open(url, width=800)
    page.value("Promise.all([...document.images].map(one => one.decode()))")
    return page.screenshot(0, 400)


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


def _run(words: Iterable[str], *flags: str) -> str:
    command = [sys.executable, "-P", "-m", "awsdeploy", *_flagged(list(words), flags)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _flagged(words: list[str], flags: tuple[str, ...]) -> list[str]:
    """The words with flags before `--`."""
    place = words.index("--") if "--" in words else len(words)
    return [*words[:place], *flags, *words[place:]]


def _tidy(text: str) -> bytes:
    """A text without spaces at the ends of its lines and without empty lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip()).encode()


def _write(name: str, content: bytes) -> None:
    assert name in PICTURES, name
    (IMAGES / name).write_bytes(content)


if __name__ == "__main__":
    main()
