"""HTTP/1.1 on loopback with kept-alive connections: one thread a connection, no delay for small answers."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from awsdeploy.sandbox.server.call import Incoming, Outgoing

Application = Callable[[Incoming], "Outgoing | None"]
LOOPBACK = "127.0.0.1"
log = logging.getLogger(__name__)


class HttpServer(ThreadingHTTPServer):
    """Hands every request to `application`; no answer from it drops the connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, application: Application, listening: socket.socket) -> None:
        super().__init__(listening.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.application = application
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""
        if not isinstance(sys.exception(), OSError):
            log.exception("request from %s", client_address)

    def abandon(self) -> None:
        """Close the parent's sockets in a forked child, without a word to its clients."""
        self.socket.close()
        for connection in list(self.open):
            connection.close()
        self.open.clear()


def listening_sockets(port: int = 0) -> tuple[socket.socket, socket.socket]:
    """One port of loopback for both: TCP, listening, and UDP."""
    while True:
        listening = listening_socket(port)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(listening.getsockname())
            return listening, datagrams
        except OSError:
            listening.close()
            datagrams.close()
            if port:
                raise


def listening_socket(port: int = 0) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((LOOPBACK, port))
    listening.listen(128)
    return listening


class Handler(BaseHTTPRequestHandler):
    """Reads a whole request, writes a whole answer in one piece."""

    protocol_version = "HTTP/1.1"
    server_version = "AmazonEC2"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1

    server: HttpServer

    def answer(self) -> None:
        # The JavaScript SDK writes its headers in lower case.
        headers = {name.title(): value for name, value in self.headers.items()}
        incoming = Incoming(self.command, self.path, headers, self._body())
        outgoing = self.server.application(incoming)
        if outgoing is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(outgoing.status)
        for name, value in outgoing.headers.items():
            if name.lower() not in {"content-length", "connection", "date", "server", "transfer-encoding", "status"}:
                self.send_header(name, value)
        length = str(len(outgoing.body))
        if self.command == "HEAD":
            named = {name.lower(): value for name, value in outgoing.headers.items()}
            length = named.get("content-length", length)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(outgoing.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = answer

    def handle_expect_100(self) -> bool:
        """At once, or S3's clients wait a second before they send an object."""
        going = super().handle_expect_100()
        self.wfile.flush()
        return going

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are listed under /_sandbox/calls instead."""
