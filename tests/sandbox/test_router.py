"""The simulated load balancer answers for real: over sockets, from little servers that stand for the application."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.standing import PORT, Standing, a_target_group

SPEED = 600.0
NOTHING = "nothing deployed yet"


class Application(ThreadingHTTPServer):
    """What runs on a machine. `status`: what it answers; `says`: its body."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], says: str) -> None:
        super().__init__(address, Handler)
        self.says, self.status = says, 200
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.act: Callable[[Handler], bool] = lambda _: False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Application

    def do_GET(self) -> None:
        if self.headers.get("User-Agent") != "ELB-HealthChecker/2.0":
            self.server.seen.append((self.path, dict(self.headers)))
            if self.server.act(self):
                return
        body = self.server.says.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None: ...


@dataclass
class Site:
    """A standing application whose world moves, its load balancer, and what runs on its machines."""

    stands: Standing
    address: str
    running: list[Application] = field(default_factory=list)

    def run(self, says: str, machine: str = "", port: int = PORT) -> Application:
        """Let something listen on a machine."""
        assert self.stands.world is not None
        found = self.stands.world.control("POST", "machine", {"instance": machine or self.stands.machine, "port": port})
        server = Application((found["address"], found["port"]), says)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.running.append(server)
        return server

    def second(self) -> str:
        """One more machine in the same group; its id."""
        id = self.stands.run()
        self.stands.pass_time(300)
        self.stands.elbv2.register_targets(TargetGroupArn=self.stands.group, Targets=[{"Id": id}])
        self.stands.pass_time(300)
        return id

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, str]:
        status, _, body = self.ask(path, method, **headers)
        return status, body.decode()

    def ask(
        self, path: str = "/", method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def until(self, wanted: Callable[[], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not wanted():
            assert time.monotonic() < deadline, self.stands.elbv2.describe_target_health(
                TargetGroupArn=self.stands.group
            )
            time.sleep(0.02)

    def answers(self, text: str) -> bool:
        return self.get()[1] == text

    def release(self, machine: str = "") -> None:
        """Say that a release was put on a machine."""
        tag = {"Key": "awsdeploy:release", "Value": "r1"}
        self.stands.ec2.create_tags(Resources=[machine or self.stands.machine], Tags=[tag])


@pytest.fixture
def site(stands: Standing) -> Iterator[Site]:
    assert stands.world is not None
    stands.world.control("POST", "speed", {"speed": SPEED})
    (address,) = stands.world.control("GET", "balancers").values()
    made = Site(stands, address)
    yield made
    for server in made.running:
        server.shutdown()
        server.server_close()


def test_a_request_reaches_the_machine_whose_path_it_names(site: Site) -> None:
    stands = site.stands
    api = a_target_group(stands.elbv2, "api", stands.vpc)
    machine = stands.run()
    stands.pass_time(300)
    stands.elbv2.register_targets(TargetGroupArn=api, Targets=[{"Id": machine}])
    stands.elbv2.create_rule(
        ListenerArn=stands.listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api", "/api/*"]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": api}],
    )
    site.run("front")
    site.run("back", machine)
    site.until(lambda: site.answers("front"))
    site.until(lambda: site.get("/api")[1] == "back")
    assert site.get("/api/health?x=/y") == (200, "back")
    assert site.get("/API/health") == (200, "front")
    assert site.get("/apix") == (200, "front")
