"""Chromium without a window, driven through a pipe: what a page logs and requests, its rectangles, and its PDF."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Without these Chromium asks its maker's servers at each start.
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --disable-extensions --hide-scrollbars"
).split()
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


class Browser:
    """One page. `logged` are warnings and errors of its console, `requested` the addresses that it asked for."""

    def __init__(self, told: int, heard: int) -> None:
        self._told, self._heard, self._numbers, self._rest = told, heard, itertools.count(1), b""
        self._session = ""
        self.logged: list[str] = []
        self.requested: list[str] = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, path: Path | str, scheme: str = "light", width: int = 1200, media: str = "") -> None:
        """Open a file or an address and wait until it is loaded. `scheme`: light or dark; `media`: print or "".

        `logged` and `requested` begin anew.
        """
        self.logged.clear()
        self.requested.clear()
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", media=media, features=features)
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self._ask("Page.navigate", url=path.as_uri() if isinstance(path, Path) else path)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def value(self, script: str) -> Any:
        """Value of an expression in the page."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def pdf(self) -> bytes:
        """The page as it is printed, in the size that its style asks for."""
        return base64.b64decode(self._ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    def screenshot(self, top: float = 0, height: float = 0) -> bytes:
        """The page as PNG: `height` pixels from `top` on, or all of it."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "height": height or size["height"], "scale": 1}
        shot = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def _ask(self, method: str, **words: Any) -> dict[str, Any]:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        os.write(self._told, json.dumps({"id": number, "method": method, "params": words, **session}).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            pass
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._heard, 1 << 20)
            assert more, "Chromium has ended"
            self._rest += more
        one, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        match message:
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                self.requested.append(url)
            case {"method": "Log.entryAdded", "params": {"entry": entry}}:
                self.logged.append(entry["text"])
            case {"method": "Runtime.exceptionThrown" | "Runtime.consoleAPICalled", "params": said}:
                self.logged.append(str(said))
        return message


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in `folder`."""
    theirs_in, told = os.pipe()
    heard, theirs_out = os.pipe()
    assert CHROMIUM is not None
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe", "about:blank"]

    def connect() -> None:
        """Give it the pipes as 3 and 4, where it expects them."""
        both = os.dup(theirs_in), os.dup(theirs_out)
        os.dup2(both[0], 3)
        os.dup2(both[1], 4)

    process = subprocess.Popen(
        command,
        preexec_fn=connect,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)},
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(told, heard)
    finally:
        process.kill()
        process.wait()
        os.close(told)
        os.close(heard)
