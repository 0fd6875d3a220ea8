"""nginx before the program, where the manifest says so: it has the port, and the program behind it 127.0.0.1 alone.

What nginx itself has a part in is tried with the real one where root may start it, else with the sandbox's;
`make torture` tries both.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.sandbox.machines.hosts import SHIMS
from tests.machine.release_host import PROGRAM, ReleaseHost, Run, application, until
from tests.ports import free_port
from tests.sampling import sampled

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST, SECOND, THIRD = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb", "20260103T000000Z-ccccccc"
PLAYED = f'#!/bin/sh\nexec node {SHIMS / "nginx.js"} "$@"\n'
REAL = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

INSIDE = PROGRAM.replace("process.env.PORT", "process.env.PORT, process.env.HOSTNAME")
"""Listens where it is told to."""

EVERYTHING = (
    INSIDE.replace("JSON.stringify(process.env)", "JSON.stringify(request.headers)").replace(
        "const health =",
        """let size = 0;
  if (request.method === 'POST') {
    request.on('data', (part) => (size += part.length));
    return request.on('end', () => response.end(String(size)));
  }
  if (request.url === '/stream') {
    response.write('first');
    return request.socket.setTimeout(0), globalThis.streams.push(response);
  }
  const health =""",
    )
    + """
globalThis.streams = [];
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\n');
  socket.pipe(socket);
});
"""
)
"""Says what it was sent, counts uploads, begins answers that it does not end, echoes on web sockets."""


class Fronted(ReleaseHost):
    """A machine whose releases are to have nginx before them."""

    def __init__(self, toolchain: Path) -> None:
        super().__init__(toolchain)
        self.inside = free_port()

    def put(self, id: str, program: str = INSIDE, **manifest: Any) -> Run:
        environment = {"PORT": str(self.inside), "HOSTNAME": "127.0.0.1", "RELEASE_ID": id}
        return self.deploy(id, application(program), **{"behind": self.inside, "environment": environment, **manifest})

    @property
    def fronted(self) -> bool:
        """Does nginx have the port?"""
        try:
            pid = (self.root / "run/nginx.pid").read_text().strip()
        except FileNotFoundError:  # an nginx that ends removes it at any moment
            return False
        return pid != "" and Path(f"/proc/{pid}").exists()

    def log(self, name: str) -> str:
        path = self.root / "var/log/nginx" / name
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        config = self.root / "etc/nginx/awsdeploy.conf"
        if self.fronted:
            words = ["nginx", "-s", "stop", "-c", str(config)]
            path = {**self.environment, "PATH": self.environment["PATH"] + ":/usr/sbin"}
            subprocess.run(words, env=path, check=True)
            until(lambda: not self.fronted)
        super().close()


def need(nginx: str) -> None:
    """Skips, with the reason, what needs a real nginx where none can be started."""
    if nginx == "real" and not REAL:
        pytest.skip("nginx is not installed here")
    if nginx == "real" and os.geteuid() != 0:
        pytest.skip("only root may start nginx: its own folders are root's")


@pytest.fixture
def host(tools: Path, request: pytest.FixtureRequest) -> Iterator[Fronted]:
    nginx = getattr(request, "param", "played")
    need(nginx)
    made = Fronted(tools)
    if nginx == "played":
        made.tool("nginx", PLAYED)
    yield made
    made.close()


NGINX = ["real", "played"] if REAL and os.geteuid() == 0 else ["played", "real"]
both = pytest.mark.parametrize("host", sampled(NGINX), indirect=True)


@pytest.fixture(scope="module", params=sampled(NGINX))
def serving_host(tools: Path, request: pytest.FixtureRequest) -> Iterator[Fronted]:
    """A machine on which a program answers whatever may come through nginx."""
    need(request.param)
    made = Fronted(tools)
    if request.param == "played":
        made.tool("nginx", PLAYED)
    done = made.put(FIRST, EVERYTHING)
    assert done.code == 0, done.output
    yield made
    made.close()


@contextmanager
def asking(host: ReleaseHost) -> Iterator[list[str]]:
    """A client that asks again and again; what it was answered, or not, is in the list."""
    ended, answers = threading.Event(), list[str]()

    def ask() -> None:
        while not ended.is_set():
            try:
                answers.append(host.ask())
            except OSError as error:
                answers.append(repr(error))
            time.sleep(0.01)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield answers
    finally:
        ended.set()
        client.join()


def listeners(port: int) -> set[str]:
    """The addresses on which somebody listens, of every address and 127.0.0.1."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, state = line.split()[1], line.split()[3]
        listening, number = address.split(":")
        if state == "0A" and int(number, 16) == port:
            found.add(socket.inet_ntoa(bytes.fromhex(listening)[::-1]))
    for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]:
        if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port:
            found.add("::")
    return found


@both
def test_a_first_release_answers_through_nginx_and_listens_on_the_machine_itself_alone(host: Fronted) -> None:
    done = host.put(FIRST)
    assert done.code == 0, done.output
    assert done.steps == ["fetch", "environment", "nginx", "install", "check", "switch", "verify", "tidy"]
    assert host.fronted
    assert host.serving == FIRST
    assert host.variables["PORT"] == str(host.inside)
    assert listeners(host.inside) == {"127.0.0.1"}
    until(lambda: "/environment" in host.log("access.log"))
    assert "note:" not in done.output


@pytest.mark.torture
@both
def test_a_client_that_never_stops_asking_loses_nothing_in_a_deploy_and_a_rollback(host: Fronted) -> None:
    host.put(FIRST)
    with asking(host) as answers:
        forth = host.put(SECOND)
        back = host.run("rollback", FIRST)
    assert (forth.code, back.code) == (0, 0), forth.output + back.output
    assert set(answers) == {FIRST, SECOND}
    assert answers[-1] == FIRST


def test_a_release_that_does_not_work_leaves_the_old_one_serving(host: Fronted) -> None:
    host.put(FIRST)
    late = INSIDE.replace(
        "const health =", "if (!process.execArgv.length) return response.destroy();\n  const health ="
    )
    with asking(host) as answers:
        crashed = host.put(SECOND, "throw new Error('no')")
    assert (crashed.code, crashed.outcome["step"]) == (1, "check"), crashed.output
    assert set(answers) == {FIRST}
    refused = host.put(THIRD, late)
    assert (refused.code, refused.outcome["step"]) == (1, "verify"), refused.output
    assert (host.serving, host.current, host.fronted) == (FIRST, FIRST, True)


@both
def test_nginx_comes_before_a_program_that_had_the_port_itself_and_goes_again_with_a_rollback(host: Fronted) -> None:
    host.deploy(FIRST)
    assert not host.fronted
    with asking(host) as answers:
        forth = host.put(SECOND)
    assert forth.code == 0, forth.output
    assert (host.serving, host.fronted) == (SECOND, True)
    lost = [one for one in answers if one not in (FIRST, SECOND)]
    assert len(lost) < 50, f"{len(lost)} requests, half a second of them"
    back = host.run("rollback", FIRST)
    assert back.code == 0, back.output
    assert (host.serving, host.fronted) == (FIRST, False)


@pytest.mark.torture
@pytest.mark.parametrize("before", [True, False])
def test_what_stood_before_the_program_stands_there_again_if_nothing_comes_of_the_change(
    host: Fronted, before: bool
) -> None:
    late = INSIDE.replace(
        "response.statusCode = health", "response.statusCode = !process.execArgv.length ? 503 : health"
    )
    plain = {"behind": None, "environment": {"PORT": str(host.port), "RELEASE_ID": SECOND}}
    if before:
        host.put(FIRST)
        done = host.put(SECOND, late, **plain)
    else:
        host.deploy(FIRST)
        done = host.put(SECOND, late)
    assert (done.code, done.outcome["step"]) == (1, "verify"), done.output
    assert f"Went back to {FIRST}." in done.output
    assert (host.serving, host.current, host.fronted) == (FIRST, FIRST, before)


@pytest.mark.torture
def test_a_change_that_is_killed_in_the_middle_still_comes_to_its_end(host: Fronted) -> None:
    host.deploy(FIRST)
    environment = {"PORT": str(host.inside), "HOSTNAME": "127.0.0.1", "RELEASE_ID": SECOND}
    host.publish(SECOND, application(INSIDE), behind=host.inside, environment=environment)
    host.killed("switch", "deploy", SECOND, after=0.3)
    until(lambda: host.serving in (FIRST, SECOND))
    done = host.put(THIRD)
    assert done.code == 0, done.output
    assert (host.serving, host.fronted) == (THIRD, True)


def test_restart_starts_an_nginx_that_is_gone(host: Fronted) -> None:
    host.put(FIRST)
    os.kill(int((host.root / "run/nginx.pid").read_text()), 15)
    until(lambda: not host.fronted)
    done = host.run("restart")
    assert done.code == 0, done.output
    assert (host.serving, host.fronted) == (FIRST, True)


def test_what_the_load_balancer_says_arrives_as_it_was_sent(serving_host: Fronted) -> None:
    sent = {"Host": "shop.example.com", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(f"http://127.0.0.1:{serving_host.port}/environment", headers=sent)
    with urllib.request.urlopen(request, timeout=5) as answer:
        found = json.loads(answer.read())
    assert {name: found[name.lower()] for name in sent} == sent


def test_a_web_socket_passes(serving_host: Fronted) -> None:
    with socket.create_connection(("127.0.0.1", serving_host.port), timeout=5) as client:
        client.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        said = b""
        while b"\r\n\r\n" not in said:
            said += client.recv(4096)
        assert said.startswith(b"HTTP/1.1 101"), said
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"


def test_an_upload_of_any_size_passes(serving_host: Fronted) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{serving_host.port}/", data=b"x" * 5_000_000, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.read() == b"5000000"


def test_an_answer_arrives_while_it_is_still_being_written(serving_host: Fronted) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{serving_host.port}/stream", timeout=5) as answer:
        assert answer.read1() == b"first"


@pytest.mark.parametrize("program", sampled(["amazon-linux-extras", "yum"]))
def test_the_first_release_that_wants_nginx_installs_it(host: Fronted, program: str) -> None:
    host.tool("nginx", "#!/bin/sh\nexit 127\n")
    host.tool("installed", PLAYED)
    host.tool(program, f'#!/bin/sh\necho "$*" >{host.place}/asked\nmv {host.tools}/installed {host.tools}/nginx\n')
    done = host.put(FIRST)
    assert done.code == 0, done.output
    wanted = {"amazon-linux-extras": "install -y nginx1", "yum": "install --assumeyes --quiet nginx"}
    assert (host.place / "asked").read_text().strip() == wanted[program]
    assert host.serving == FIRST


def test_the_placeholder_gives_way_when_the_program_answers_and_nginx_is_there_at_once(host: Fronted) -> None:
    said = host.place / "said"
    host.tool("systemctl", f'#!/bin/bash\necho "$*" >>{said}\nexec sh {SHIMS / "systemctl.sh"} "$@"\n')
    done = host.put(FIRST)
    assert done.code == 0, done.output
    lines = said.read_text().splitlines()
    gone = lines.index("stop awsdeploy-placeholder.service")
    assert lines[gone + 1] == "start awsdeploy-nginx.service"
    assert gone > lines.index("restart awsdeploy-application.service")
    assert "enable --quiet awsdeploy-nginx.service" in lines[gone:]
    unit = (host.root / "etc/systemd/system/awsdeploy-nginx.service").read_text()
    assert f"nginx -c {host.root}/etc/nginx/awsdeploy.conf\n" in unit
    assert host.serving == FIRST


def test_nothing_is_lost_where_something_else_has_nginxs_port(host: Fronted) -> None:
    with socket.create_server(("127.0.0.1", host.port)):
        done = host.put(FIRST)
    assert (done.code, done.outcome["step"]) == (1, "verify"), done.output
    assert done.outcome["diagnosis"] == f"Port {host.port} is taken by another program."
    assert not host.fronted
    assert host.processes == []


def test_a_program_that_listens_on_every_address_is_told_of_it(host: Fronted) -> None:
    done = host.put(FIRST, PROGRAM)
    assert done.code == 0, done.output
    assert "note: the program listens on every address" in done.output


def test_a_program_that_names_the_port_itself_is_refused(host: Fronted) -> None:
    host.deploy(FIRST)
    done = host.put(SECOND, PROGRAM.replace("process.env.PORT", str(host.port)))
    assert (done.code, done.outcome["step"]) == (1, "check"), done.output
    assert done.outcome["diagnosis"] == f"The program listens on {host.port}, the port of nginx."
    assert "process.env.PORT" in done.outcome["remedy"]
    assert host.serving == FIRST


@pytest.mark.parametrize("own", sampled([False, True]))
def test_next_js_is_told_where_to_listen(host: Fronted, own: bool) -> None:
    program = "node_modules/next/dist/bin/next"
    lines = f"process.env.ARGUMENTS = process.argv.slice(2).join(' ');\n{INSIDE}"
    files = {**application(), "package.json": json.dumps({"name": "x", "dependencies": {"next": "1"}})}
    del files["package-lock.json"]
    if own:
        app = {"name": "x", "script": program, "args": f"start -p {host.port}", "exec_mode": "cluster"}
        files["ecosystem.config.js"] = f"module.exports = {json.dumps({'apps': [app]})}"
    host.tool("npm", f'#!/bin/bash\nmkdir -p {program.rpartition("/")[0]}\nprintf %s "$NEXT" >{program}\n')
    environment = {"PORT": str(host.inside), "HOSTNAME": "127.0.0.1", "RELEASE_ID": FIRST}
    host.publish(FIRST, files, behind=host.inside, environment=environment)
    done = host.run("deploy", FIRST, NEXT=lines)
    assert done.code == 0, done.output
    told = f"start -p {host.inside}" if own else "start --keepAliveTimeout 65000"
    assert host.variables["ARGUMENTS"] == f"{told} --hostname 127.0.0.1"


def test_a_new_machine_catches_up_with_nginx_before_its_program(host: Fronted) -> None:
    environment = {"PORT": str(host.inside), "HOSTNAME": "127.0.0.1", "RELEASE_ID": FIRST}
    host.name_current(host.publish(FIRST, application(INSIDE), behind=host.inside, environment=environment))
    done = host.run("catchup")
    assert done.code == 0, done.output
    assert (host.serving, host.fronted) == (FIRST, True)
    assert host.run("catchup").outcome["outcome"] == "unchanged"
