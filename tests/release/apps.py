"""Applications of a few lines without dependencies, and ways in which they do not work."""

from __future__ import annotations

from tests.release.repository import BACK, FRONT, package, placed

SERVER = """\
const http = require('http');

const HEALTH = '/api/health';
const server = http.createServer((request, response) => {
  if (request.url === HEALTH || request.url === '/') {
    const { RELEASE_ID, NEXT_PUBLIC_BASE_URL, DB_HOST, GREETING } = process.env;
    response.end(JSON.stringify({ release: RELEASE_ID, base: NEXT_PUBLIC_BASE_URL, db: DB_HOST, greeting: GREETING }));
  } else {
    response.writeHead(404).end('not found');
  }
});
server.keepAliveTimeout = 65000;
server.headersTimeout = 66000;
let ending = false;
server.prependListener('request', (_request, response) => { if (ending) response.setHeader('Connection', 'close'); });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    ending = true;
    setTimeout(() => { server.close(() => process.exit(0)); server.closeIdleConnections(); }, 500);
  });
}
server.listen(process.env.PORT);
"""

ECOSYSTEM = """\
module.exports = {
  apps: [{ name: 'x', script: 'server.js', exec_mode: 'cluster', instances: 1, kill_timeout: 10000 }],
};
"""


def application(server: str = SERVER, build: str = "", **more: str | bytes) -> dict[str, str | bytes]:
    """Both services as one commit's files: the same small server in each."""
    scripts = {"start": "node server.js", **({"build": build} if build else {})}
    one = {**package(main="server.js", scripts=scripts), "server.js": server, "ecosystem.config.js": ECOSYSTEM}
    return {**placed(BACK, one), **placed(FRONT, one), **more}


PATIENT = SERVER.replace("}, 500);", "}, 5000);")
"""Ends as docs/your-application.md asks for it: what the load balancer keeps open is let alone for 5 s."""

BROKEN = {
    "build fails": {"build": "echo compiling && echo 'TS2304: Cannot find name x' >&2 && exit 2"},
    "crashes at start": {"server": "throw new Error('no such config')"},
    "opens no port": {"server": "setInterval(() => {}, 1000)"},
    "answers 500": {"server": SERVER.replace("response.end(JSON", "response.writeHead(500); response.end(JSON")},
}
PROXIED = "  if (request.headers['x-forwarded-for']) return response.writeHead(503).end('behind a proxy');\n"
BEHIND = SERVER.replace("  if (request.url", f"{PROXIED}  if (request.url")
"""Well by itself, and not behind a load balancer."""
