"""The simulated load balancer answers for real: over sockets, from little servers that stand for the application."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.sample_application import PORT, SampleApplication, a_target_group, refused

pytestmark = pytest.mark.slow

SPEED = 600.0
NOTHING = "nothing deployed yet"


class Application(ThreadingHTTPServer):
    """Program on a machine. `status`: of its answers; `says`: their body; `also`: more headers."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], says: str) -> None:
        super().__init__(address, TargetHandler)
        self.says, self.status = says, 200
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.act: Callable[[TargetHandler], bool] = lambda _: False
        self.deaf = False
        self.also: dict[str, str] = {}
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def stop(self) -> None:
        """Stop like a process that is killed: its connections end with it."""
        self.shutdown()
        self.server_close()
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class TargetHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Application

    def do_GET(self) -> None:
        if self.headers.get("User-Agent") != "ELB-HealthChecker/2.0":
            self.server.seen.append((self.path, dict(self.headers)))
            if self.server.act(self):
                return
        elif self.server.deaf:
            time.sleep(3)
            return
        body = self.server.says.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.server.also.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None: ...


@dataclass
class Site:
    """The sample application, whose world moves, its load balancer, and what runs on its machines."""

    sample: SampleApplication
    address: str
    running: list[Application] = field(default_factory=list)

    def run(self, says: str, machine: str = "", port: int = PORT) -> Application:
        """Let something listen on a machine."""
        assert self.sample.world is not None
        found = self.sample.world.control("POST", "machine", {"instance": machine or self.sample.machine, "port": port})
        server = Application((found["address"], found["port"]), says)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.running.append(server)
        return server

    def second(self) -> str:
        """One more machine in the same group; its id."""
        id = self.sample.run()
        self.sample.pass_time(300)
        self.sample.elbv2.register_targets(TargetGroupArn=self.sample.group, Targets=[{"Id": id}])
        self.sample.pass_time(300)
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
            assert time.monotonic() < deadline, self.sample.elbv2.describe_target_health(
                TargetGroupArn=self.sample.group
            )
            time.sleep(0.02)

    def answers(self, text: str) -> bool:
        return self.get()[1] == text

    def release(self, machine: str = "") -> None:
        """Say that a release was put on a machine."""
        tag = {"Key": "awsdeploy:release", "Value": "r1"}
        self.sample.ec2.create_tags(Resources=[machine or self.sample.machine], Tags=[tag])


@pytest.fixture
def site(sample: SampleApplication) -> Iterator[Site]:
    assert sample.world is not None
    sample.world.control("POST", "speed", {"speed": SPEED})
    (address,) = sample.world.control("GET", "balancers").values()
    made = Site(sample, address)
    yield made
    for server in made.running:
        server.stop()


def test_a_request_reaches_the_machine_whose_path_it_names(site: Site) -> None:
    sample = site.sample
    api = a_target_group(sample.elbv2, "api", sample.vpc)
    machine = sample.run()
    sample.pass_time(300)
    sample.elbv2.register_targets(TargetGroupArn=api, Targets=[{"Id": machine}])
    sample.elbv2.create_rule(
        ListenerArn=sample.listener,
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


def test_a_rewrite_changes_what_the_machine_is_asked_and_nothing_else(site: Site) -> None:
    rewrite = {"Rewrites": [{"Regex": "^(/api)/?(.*)$", "Replace": "/$2"}]}
    rule = {
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api", "/api/*", "/else"]}}],
        "Actions": [{"Type": "forward", "TargetGroupArn": site.sample.group}],
    }
    transforms = [{"Type": "url-rewrite", "UrlRewriteConfig": rewrite}]
    elbv2, listener = site.sample.elbv2, site.sample.listener
    (made,) = elbv2.create_rule(ListenerArn=listener, Priority=10, Transforms=transforms, **rule)["Rules"]
    assert made["Transforms"] == transforms
    application = site.run("api")
    site.until(lambda: site.answers("api"))
    application.seen.clear()
    for path in ("/api", "/api/users?page=/2", "/api?x=1", "/else?x=1"):
        site.get(path)
    assert [path for path, _ in application.seen] == ["/", "/users?page=/2", "/?x=1", "/else?x=1"]
    elbv2.modify_rule(RuleArn=made["RuleArn"], Actions=rule["Actions"])
    shown = {one["RuleArn"]: one["Transforms"] for one in elbv2.describe_rules(ListenerArn=listener)["Rules"]}
    assert shown.pop(made["RuleArn"]) == transforms
    assert list(shown.values()) == [[]]
    elbv2.modify_rule(RuleArn=made["RuleArn"], ResetTransforms=True)
    site.get("/api/users")
    assert application.seen[-1][0] == "/api/users"


@pytest.mark.parametrize(
    ("expressions", "default", "code"),
    [
        (["^/api(?=/)(.*)$"], False, "ValidationError"),
        (["("], False, "ValidationError"),
        (["^/api", "^/v1"], False, "ValidationError"),
        (["^/api"], True, "OperationNotPermitted"),
    ],
)
def test_what_aws_takes_no_rewrite_for(site: Site, expressions: list[str], default: bool, code: str) -> None:
    elbv2, listener = site.sample.elbv2, site.sample.listener
    transforms = [
        {"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": one, "Replace": "/"}]}}
        for one in expressions
    ]
    (rule,) = [one["RuleArn"] for one in elbv2.describe_rules(ListenerArn=listener)["Rules"]]
    conditions = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api"]}}]
    actions = [{"Type": "forward", "TargetGroupArn": site.sample.group}]
    with refused(code):
        if default:
            elbv2.modify_rule(RuleArn=rule, Transforms=transforms)
        else:
            elbv2.create_rule(
                ListenerArn=listener, Priority=5, Conditions=conditions, Actions=actions, Transforms=transforms
            )


def test_a_host_rule_counts_for_who_sends_that_host(site: Site) -> None:
    elbv2 = site.sample.elbv2
    fixed = {"StatusCode": "404", "MessageBody": "not here", "ContentType": "text/plain"}
    elbv2.create_rule(
        ListenerArn=site.sample.listener,
        Priority=1,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["*.Example.com"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
    )
    assert NOTHING in site.get()[1]
    assert site.get(Host="shop.example.com") == (404, "not here")
    assert site.get(Host="SHOP.example.com:80") == (404, "not here")
    assert NOTHING in site.get(Host="example.com")[1]


def test_rules_are_tried_by_priority_and_a_question_mark_is_one_character(site: Site) -> None:
    sample = site.sample
    for priority, pattern, text in ((20, "/a*", "second"), (10, "/a?c", "first")):
        fixed = {"StatusCode": "200", "MessageBody": text, "ContentType": "text/plain"}
        sample.elbv2.create_rule(
            ListenerArn=sample.listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [pattern]}}],
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
        )
    assert [site.get(path)[1] for path in ("/abc", "/abbc", "/ac", "/a")] == ["first", "second", "second", "second"]


def test_the_port_serves_what_https_would(site: Site) -> None:
    sample = site.sample
    sample.change("UPSERT", sample.proof(sample.certificate))
    sample.pass_time(600)
    certificate = {"CertificateArn": sample.certificate}
    forward = [{"Type": "forward", "TargetGroupArn": sample.group}]
    to = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    application = site.run("page")
    site.until(lambda: site.answers("page"))
    site.ask(X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="ftp")
    sample.elbv2.modify_listener(
        ListenerArn=sample.listener, DefaultActions=[{"Type": "redirect", "RedirectConfig": to}]
    )
    status, headers, _ = site.ask("/a/b?c=d", Host="example.com")
    assert (status, headers["location"]) == (301, "https://example.com:443/a/b?c=d")
    sample.elbv2.create_listener(
        LoadBalancerArn=sample.balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[certificate],
        DefaultActions=forward,
    )
    assert site.get() == (200, "page")
    (_, plain), (_, secure) = application.seen[-2:]
    assert (plain["X-Forwarded-Proto"], plain["X-Forwarded-Port"]) == ("http", "80")
    assert (secure["X-Forwarded-Proto"], secure["X-Forwarded-Port"]) == ("https", "443")
    assert plain["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert secure["X-Forwarded-For"] == "127.0.0.1"
    assert secure["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert "Connection" not in secure


def test_a_listener_adds_its_headers_to_every_answer(site: Site) -> None:
    sample = site.sample
    key = "routing.http.response.strict_transport_security.header_value"
    site.run("page").also = {"Strict-Transport-Security": "max-age=1"}
    site.until(lambda: site.answers("page"))
    assert site.ask()[1]["strict-transport-security"] == "max-age=1"
    for value, shown in (("max-age=300", "max-age=300"), ("", "max-age=1")):
        sample.elbv2.modify_listener_attributes(ListenerArn=sample.listener, Attributes=[{"Key": key, "Value": value}])
        assert site.ask()[1]["strict-transport-security"] == shown
    with refused("ValidationError", "not recognized"):
        sample.elbv2.modify_listener_attributes(
            ListenerArn=sample.listener, Attributes=[{"Key": key.replace("strict", "stric"), "Value": "max-age=300"}]
        )


def test_header_names_that_are_not_plain_are_dropped_only_where_the_load_balancer_says_so(site: Site) -> None:
    application = site.run("page")
    site.until(lambda: site.answers("page"))
    connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=10)
    for dropped in (False, True):
        value = {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": str(dropped).lower()}
        site.sample.elbv2.modify_load_balancer_attributes(LoadBalancerArn=site.sample.balancer, Attributes=[value])
        connection.request("GET", "/", headers={"under_score": "1", "X-Plain": "2", "Keep-Alive": "3"})
        connection.getresponse().read()
        headers = application.seen[-1][1]
        assert ("under_score" in headers) is not dropped
        assert headers["X-Plain"] == "2"
        assert "Keep-Alive" not in headers
    connection.close()


def test_a_machine_on_which_nothing_runs_shows_the_placeholder(site: Site) -> None:
    status, headers, body = site.ask("/any/path")
    assert (status, headers["x-robots-tag"]) == (200, "noindex")
    assert NOTHING in body.decode()
    assert site.get(method="POST")[0] == 501
    assert site.sample.health() == ("healthy", "")


def test_healthy_targets_are_asked_in_turn_and_an_unhealthy_one_is_not(site: Site) -> None:
    second = site.second()
    one, two = site.run("one"), site.run("two", second)
    site.until(lambda: {site.get()[1] for _ in range(2)} == {"one", "two"})
    assert sorted(site.get()[1] for _ in range(10)) == ["one"] * 5 + ["two"] * 5
    two.status = 500
    site.until(lambda: health(site)[second][0] == "unhealthy")
    two.seen.clear()
    assert {site.get() for _ in range(10)} == {(200, "one")}
    assert two.seen == []
    one.status = 404
    site.until(lambda: health(site)[site.sample.machine][0] == "unhealthy")
    assert {site.get()[0] for _ in range(4)} == {404, 500}, "where none is healthy all are asked"


def health(site: Site) -> dict[str, tuple[str, str, str]]:
    """State, reason and description by machine."""
    shown = site.sample.elbv2.describe_target_health(TargetGroupArn=site.sample.group)["TargetHealthDescriptions"]
    return {
        one["Target"]["Id"]: (
            one["TargetHealth"]["State"],
            one["TargetHealth"].get("Reason", ""),
            one["TargetHealth"].get("Description", ""),
        )
        for one in shown
    }


def test_a_real_target_is_as_well_as_it_answers(site: Site) -> None:
    application, machine = site.run("page"), site.sample.machine
    site.until(lambda: site.answers("page"))
    assert health(site)[machine] == ("healthy", "", "")
    for status in (404, 500):
        application.status = status
        site.until(lambda: health(site)[machine][0] == "unhealthy")
        site.until(
            lambda status=status: (
                health(site)[machine][1:]  # type: ignore[misc]
                == ("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")
            )
        )
        application.status = 200
        site.until(lambda: health(site)[machine][0] == "healthy")
    application.status = 404
    site.until(lambda: health(site)[machine][0] == "unhealthy")
    site.sample.elbv2.modify_target_group(TargetGroupArn=site.sample.group, Matcher={"HttpCode": "200-299,404"})
    site.until(lambda: health(site)[machine][0] == "healthy")


def test_a_release_that_no_longer_listens_is_unhealthy_and_a_502(site: Site) -> None:
    application, machine = site.run("page"), site.sample.machine
    site.until(lambda: site.answers("page"))
    site.release()
    application.stop()
    site.until(lambda: site.get()[0] == 502)
    status, headers, body = site.ask()
    assert (status, headers["server"]) == (502, "awselb/2.0")
    assert "<center><h1>502 Bad Gateway</h1></center>" in body.decode()
    site.until(lambda: health(site)[machine][0] == "unhealthy")
    assert health(site)[machine][1:] == ("Target.FailedHealthChecks", "Health checks failed")
    site.run("again")
    site.until(lambda: health(site)[machine][0] == "healthy")
    assert site.get() == (200, "again")


def test_a_released_machine_that_is_put_back_is_asked_before_it_is_believed(site: Site) -> None:
    application, targets = site.run("page"), [{"Id": site.sample.machine}]
    site.until(lambda: site.answers("page"))
    site.release()
    elbv2, group = site.sample.elbv2, site.sample.group
    elbv2.deregister_targets(TargetGroupArn=group, Targets=targets)
    application.deaf = True
    elbv2.register_targets(TargetGroupArn=group, Targets=targets)
    site.sample.pass_time(600)
    assert site.sample.health() == ("initial", "Elb.InitialHealthChecking")
    application.deaf = False
    site.until(lambda: site.sample.health() == ("healthy", ""))


def test_an_application_that_goes_before_it_was_released_leaves_the_placeholder(site: Site) -> None:
    application = site.run("page")
    site.until(lambda: site.answers("page"))
    application.stop()
    assert NOTHING in site.get()[1]
    assert site.sample.health() == ("healthy", "")


def test_a_machine_that_does_not_answer_in_time_is_unhealthy_and_a_504(site: Site) -> None:
    site.sample.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=site.sample.balancer, Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}]
    )
    application = site.run("page")
    site.until(lambda: site.answers("page"))

    def dawdle(_: TargetHandler) -> bool:
        time.sleep(2)
        return False

    application.act = dawdle
    begun = time.monotonic()
    status, _, body = site.ask()
    assert status == 504
    assert "504 Gateway Time-out" in body.decode()
    assert 1 <= time.monotonic() - begun < 2
    application.deaf = True
    site.until(lambda: site.sample.health() == ("unhealthy", "Target.Timeout"), 20)


def test_a_shut_security_group_lets_no_request_through(site: Site) -> None:
    application = site.run("page")
    site.until(lambda: site.answers("page"))
    permissions = site.sample.ec2.describe_security_groups(GroupIds=[site.sample.app])["SecurityGroups"][0]
    site.sample.ec2.revoke_security_group_ingress(GroupId=site.sample.app, IpPermissions=permissions["IpPermissions"])
    application.seen.clear()
    assert site.get()[0] == 504
    site.sample.pass_time(60)
    assert site.sample.health() == ("unhealthy", "Target.Timeout")
    assert application.seen == []


def test_an_empty_group_is_a_503(site: Site) -> None:
    targets = [{"Id": site.sample.machine}]
    site.sample.elbv2.deregister_targets(TargetGroupArn=site.sample.group, Targets=targets)
    status, _, body = site.ask(method="POST", body=b"x" * 100_000)
    assert status == 503
    assert "503 Service Temporarily Unavailable" in body.decode()


def test_a_target_that_hangs_up_without_an_answer_is_a_502_and_is_not_asked_twice(site: Site) -> None:
    application = site.run("page")
    site.until(lambda: site.answers("page"))

    def hang_up(handler: TargetHandler) -> bool:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    application.act = hang_up
    application.seen.clear()
    assert site.get()[0] == 502
    assert len(application.seen) == 1
    assert site.ask(method="POST", body=b"x" * 3_000_000)[0] == 502


def test_a_request_under_way_is_finished_while_its_target_drains(site: Site) -> None:
    second, entered, go_on = site.second(), threading.Event(), threading.Event()
    one = site.run("one")
    site.run("two", second)
    site.until(lambda: {site.get()[1] for _ in range(2)} == {"one", "two"})

    def wait(handler: TargetHandler) -> bool:
        if handler.path == "/slow":
            entered.set()
            go_on.wait(10)
        return False

    one.act = wait
    answers: list[tuple[int, str]] = []
    clients = [threading.Thread(target=lambda: answers.append(site.get("/slow"))) for _ in range(2)]
    for client in clients:
        client.start()
    assert entered.wait(10)
    targets = [{"Id": site.sample.machine}]
    site.sample.elbv2.deregister_targets(TargetGroupArn=site.sample.group, Targets=targets)
    site.sample.pass_time(400)
    assert health(site)[site.sample.machine][:2] == ("draining", "Target.DeregistrationInProgress")
    one.seen.clear()
    assert {site.get() for _ in range(6)} == {(200, "two")}
    assert one.seen == []
    go_on.set()
    for client in clients:
        client.join()
    assert sorted(answers) == [(200, "one"), (200, "two")]
    site.until(lambda: site.sample.machine not in health(site))


BIG = bytes(range(256)) * 20_480  # 5 MB


def test_five_megabytes_go_up_and_come_down_piece_by_piece(site: Site) -> None:
    application = site.run("page")
    site.until(lambda: site.answers("page"))
    received: list[bytes] = []

    def take_and_give(handler: TargetHandler) -> bool:
        if handler.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(handler.rfile.readline(), 16):
                body += handler.rfile.read(size)
                handler.rfile.readline()
            handler.rfile.readline()
        else:
            body = handler.rfile.read(int(handler.headers["Content-Length"]))
        received.append(body)
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(BIG), 100_000):
            piece = BIG[start : start + 100_000]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")
        return True

    application.act = take_and_give
    for body in (BIG, (BIG[start : start + 70_000] for start in range(0, len(BIG), 70_000))):
        status, _, answer = site.ask("/upload", "POST", body)
        assert status == 200
        assert answer == BIG
        assert received.pop() == BIG


def test_an_answer_reaches_the_client_while_it_is_still_being_written(site: Site) -> None:
    application, go_on = site.run("page"), threading.Event()
    site.until(lambda: site.answers("page"))

    def in_two_halves(handler: TargetHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"first")
        assert go_on.wait(10)
        handler.wfile.write(b" second")
        handler.close_connection = True
        return True

    application.act = in_two_halves
    connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=10)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.read1(5) == b"first"
    go_on.set()
    assert answer.read() == b" second"
    connection.close()


def test_a_web_socket_is_passed_through(site: Site) -> None:
    application = site.run("page")
    site.until(lambda: site.answers("page"))

    def echo(handler: TargetHandler) -> bool:
        assert handler.headers["Upgrade"] == "websocket"
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while said := handler.connection.recv(100):
            handler.connection.sendall(said.upper())
        handler.close_connection = True
        return True

    application.act = echo
    host, _, port = site.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        for word in (b"one", b"two"):
            client.sendall(word)
            assert client.recv(100) == word.upper()


def test_connections_to_clients_and_to_targets_are_kept(site: Site) -> None:
    application, sources = site.run("page"), set()
    site.until(lambda: site.answers("page"))

    def note(handler: TargetHandler) -> bool:
        sources.add(handler.client_address)
        return False

    application.act = note
    connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=10)
    connection.connect()
    client = connection.sock
    for path, method in (("/", "GET"), ("/", "HEAD"), ("/next", "GET")) * 3:
        connection.request(method, path)
        assert connection.getresponse().read() == (b"page" if method == "GET" else b"")
    assert connection.sock is client
    assert len(sources) == 1
    connection.close()


def test_what_is_no_http_is_a_400(site: Site) -> None:
    host, _, port = site.address.removeprefix("http://").partition(":")
    for words in (
        b"what?\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent Length: 3\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(words)
            assert client.recv(1000).startswith(b"HTTP/1.1 400 Bad Request")


def test_a_load_balancer_answers_until_it_is_deleted_and_a_fork_has_a_router_of_its_own(site: Site) -> None:
    world = site.sample.world
    assert world is not None
    child = world.control("POST", "fork")
    try:
        fork = dataclasses.replace(world, url=f"http://127.0.0.1:{child['port']}")
        (other,) = fork.control("GET", "balancers").values()
        assert other != site.address
        site.sample.elbv2.delete_load_balancer(LoadBalancerArn=site.sample.balancer)
        assert world.control("GET", "balancers") == {}
        with pytest.raises(OSError, match="refused"):
            site.get()
        with urllib.request.urlopen(other, timeout=20) as answer:
            assert NOTHING in answer.read().decode()
    finally:
        os.kill(child["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(other, timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("the router of a world that has ended still answers")


def test_the_link_of_a_load_balancer_is_plain_text(site: Site) -> None:
    assert site.sample.world is not None
    links = site.sample.world.environment["AWSDEPLOY_LINKS"]
    with urllib.request.urlopen(f"{links}?name=main", timeout=10) as answer:
        assert answer.read().decode().strip() == site.address
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{links}?name=other", timeout=10)


def test_fifty_requests_a_second_lose_none_while_aws_is_busy(site: Site) -> None:
    """Ten clients ask five times a second each, for four seconds."""
    second, over = site.second(), threading.Event()
    site.run("one")
    site.run("two", second)
    site.until(lambda: {site.get()[1] for _ in range(2)} == {"one", "two"})

    def make_calls() -> None:
        while not over.is_set():
            site.sample.ec2.describe_instances()
            site.sample.elbv2.describe_target_health(TargetGroupArn=site.sample.group)
            site.sample.ec2.create_tags(Resources=[second], Tags=[{"Key": "n", "Value": str(time.monotonic())}])

    busy, answers, begun = threading.Thread(target=make_calls), [], time.monotonic()

    def ask() -> None:
        connection = http.client.HTTPConnection(site.address.removeprefix("http://"), timeout=10)
        for _ in range(20):
            connection.request("GET", "/")
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
            time.sleep(0.2)
        connection.close()

    busy.start()
    clients = [threading.Thread(target=ask) for _ in range(10)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    over.set()
    busy.join()
    assert len(answers) == 200
    assert set(answers) == {(200, b"one"), (200, b"two")}
    assert time.monotonic() - begun < 20
