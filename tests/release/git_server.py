"""A git server on loopback, as the big ones are: git's own http-backend behind basic auth."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.release.repository import git

TOKEN = "glpat-4f9a1c77b2d0"
USER = "x-access-token"


@dataclass
class GitServer:
    """`folder` holds bare repositories; with a `token` nobody reads them without it."""

    folder: Path
    token: str = TOKEN
    url: str = ""
    old: bool = False
    """Speaks the first protocol only, in which a commit that no branch ends with is not handed out by its name."""
    elsewhere: str = ""
    """Address to which every request is redirected."""
    told: set[str] = field(default_factory=set)
    """Credentials that were sent."""

    def holds(self, name: str, source: Path) -> str:
        """A copy of a repository with its branches, for whoever has the token; returns its address."""
        subprocess.run(
            ["git", "clone", "-q", "--bare", str(source), str(self.folder / f"{name}.git")],
            check=True,
            capture_output=True,
        )
        return f"{self.url}/{name}.git"

    def push(self, name: str, source: Path) -> None:
        git(source, "push", "-q", str(self.folder / f"{name}.git"), "HEAD:refs/heads/main")

    def configure(self, name: str, key: str, value: str) -> None:
        git(self.folder / f"{name}.git", "config", key, value)

    def lets_in(self, authorization: str | None) -> bool:
        wanted = base64.b64encode(f"{USER}:{self.token}".encode()).decode()
        return not self.token or authorization == f"Basic {wanted}"


@contextmanager
def serving(folder: Path, token: str = TOKEN) -> Iterator[GitServer]:
    folder.mkdir(parents=True, exist_ok=True)
    place = GitServer(folder, token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if given := self.headers.get("Authorization"):
                place.told.add(given)
            if place.elsewhere:
                self.send_response(302)
                self.send_header("Location", place.elsewhere + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if not place.lets_in(self.headers.get("Authorization")):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            _backend(self, place.folder, place.old)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _backend(request: BaseHTTPRequestHandler, folder: Path, old: bool) -> None:
    """One request, as CGI."""
    path, _, query = request.path.partition("?")
    body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    encoding = {"HTTP_CONTENT_ENCODING": "gzip"} if request.headers.get("Content-Encoding") == "gzip" else {}
    done = subprocess.run(
        ["git", "http-backend"],
        env={
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": "" if old else request.headers.get("Git-Protocol", ""),
            **encoding,
        },
        input=body,
        capture_output=True,
        check=False,
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    request.send_response(int(fields.pop("Status", "200").split()[0]))
    for name, value in fields.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)
