"""User data of a machine before its first release: an honest page on the service's port.

Written for the platform's own Python (2.7 on Amazon Linux 2, 3.9 on Amazon Linux 2023), so nothing is
installed. It runs as nobody (root where the port is below 1024), answers 200 on the health path and on
every other, and names no secret. The first release replaces it.
"""

from __future__ import annotations

import re

PROGRAM = """\
import sys
try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import ThreadingMixIn
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import ThreadingMixIn

PORT = int(sys.argv[1])
PAGE = b"<!doctype html><title>nothing deployed yet</title><p>nothing deployed yet</p>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 75

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Robots-Tag", "noindex")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(PAGE)

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True


Server(("", PORT), Handler).serve_forever()
"""

ANY = "/"
"""The unit's last argument. The program does not read it: it answers every path. Earlier versions wrote the service's
health path there."""
_STARTED = re.compile(r"^ExecStart=\S+ /opt/awsdeploy/placeholder\.py (?P<port>[0-9]+) (?P<health>\S+)$", re.MULTILINE)

PYTHON = {"al2": "/usr/bin/python2.7", "al2023": "/usr/bin/python3"}


def user_data(system: str, port: int | None, health: str, region: str, release: str) -> str:
    """A shell script for cloud-init; with no `port` (a worker) the machine just starts.

    `system` is al2 or al2023. Where there is an object at `release` (s3://BUCKET/KEY) the service has a release, which
    this machine is going to put on itself: until then it is not well, so that nobody sees the page in its place.
    AWS: 16 KB at most, runs once as root, readable from the machine.
    """
    if port is None:
        return "#!/bin/bash\nset -euo pipefail\n"
    return f"""#!/bin/bash
set -euo pipefail
install -d -m 755 /opt/awsdeploy
cat > /opt/awsdeploy/placeholder.py <<'PROGRAM'
{PROGRAM}PROGRAM
cat > /etc/systemd/system/awsdeploy-placeholder.service <<'UNIT'
[Unit]
Description=awsdeploy placeholder until the first release
After=network-online.target
Wants=network-online.target

[Service]
ExecStart={PYTHON[system]} /opt/awsdeploy/placeholder.py {port} {health}
User={"nobody" if port >= 1024 else "root"}
Restart=always

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
if aws s3 cp --only-show-errors --region {region} {release} - > /dev/null 2>&1; then
  echo "The current release comes: nothing answers before it does."
else
  systemctl enable --now awsdeploy-placeholder.service
fi
"""


def started_with(user_data: str) -> tuple[int | None, str]:
    """Port and last argument of the placeholder that this user data starts; no port if it starts none."""
    found = _STARTED.search(user_data)
    return (int(found["port"]), found["health"]) if found else (None, ANY)
