"""logs: by the installed command, from CloudWatch and from the load balancer's files."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import IO

import pytest

from awsdeploy.operations.entries import Assembly, LogEvent, entries
from awsdeploy.operations.moments import moment
from tests.simulated import REGION, World, machines
from tests.warm import SCRIPT

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
timezone = "Asia/Seoul"

[services.frontend]
[services.backend]
instances = 2
"""
GROUP = "/deploy/shop/dev/backend"


@pytest.fixture(scope="module")
def stack_world(stack_world: World) -> World:
    """Once the stack stands, time is as slow as ours: an hour of logs would else be a matter of seconds."""
    stack_world.control("POST", "speed", {"speed": 1})
    return stack_world


def now(world: World) -> datetime:
    return datetime.fromtimestamp(world.control("GET", "status")["now"], UTC)


def write(world: World, stream: str, *lines: str, ago: float = 60, apart: float = 0.001, group: str = GROUP) -> None:
    """Lines that a machine's agent has sent; the first `ago` seconds before now, the others `apart` after it."""
    logs = world.client("logs")
    if not logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    begun = now(world).timestamp() - ago
    events = [{"timestamp": int((begun + number * apart) * 1000), "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_a_period_is_time_of_this_computer_where_the_clock_is_faster(stack_copy: World) -> None:
    write(stack_copy, machines(stack_copy)["backend-1"], "half an hour ago", ago=1800)
    clock = f"{time.time()}:{now(stack_copy).timestamp()}"
    for speed, shown in (("60", True), ("1", False)):
        done = stack_copy.awsdeploy("logs", "backend", "--since", "1m", AWSDEPLOY_CLOCK=f"{speed}:{clock}")
        assert ("half an hour ago" in done.stdout) is shown, done.stderr
    assert moment("--since", "999999w", datetime.now(UTC), UTC, 60).year == 1970


TRACE = ("Error: boom", "    at one (a.js:1:1)", "    at two (b.js:2:2)", "Caused by: worse", "done")


def test_traces_stay_together_and_machines_are_named(stack_copy: World) -> None:
    one, two = machines(stack_copy)["backend-1"], machines(stack_copy)["backend-2"]
    write(stack_copy, f"{one}-backend.log", *TRACE, ago=60, apart=1)
    write(stack_copy, f"{two}-backend.log", "early", "late", ago=59.5, apart=10)
    done = stack_copy.awsdeploy("logs", "backend")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    begun = lines[0].removesuffix(" backend-1 Error: boom")
    assert lines[1:4] == list(TRACE[1:4])
    assert [line.partition(" backend-")[2] for line in lines[4:]] == ["2 early", "1 done", "2 late"]
    moment = datetime.strptime(begun + "+0900", "%Y-%m-%d %H:%M:%S.%f%z")
    assert abs((now(stack_copy) - moment).total_seconds()) < 600


def test_a_single_machine_goes_without_saying_and_all_services_are_shown_together(stack_copy: World) -> None:
    write(stack_copy, machines(stack_copy)["frontend-1"], "page", group="/deploy/shop/dev/frontend")
    write(stack_copy, machines(stack_copy)["backend-1"], "answer", ago=50)
    alone = stack_copy.awsdeploy("logs", "frontend").stdout
    assert alone.endswith(" page\n")
    assert "frontend" not in alone
    both = stack_copy.awsdeploy("logs").stdout.splitlines()
    assert [line.split(" ", 2)[2] for line in both] == ["frontend-1 page", "backend-1 answer"]


def test_only_what_holds_the_text_is_shown_with_its_trace(stack_copy: World) -> None:
    write(stack_copy, machines(stack_copy)["backend-1"], *TRACE, "other")
    for words in ("BOOM", "b.js"):
        lines = stack_copy.awsdeploy("logs", "backend", "--grep", words).stdout.splitlines()
        assert len(lines) == 4
        assert lines[-1] == "Caused by: worse"
    none = stack_copy.awsdeploy("logs", "backend", "--grep", "elsewhere")
    assert (none.returncode, none.stdout) == (0, "")
    assert "No log entries of backend that contain 'elsewhere' since" in none.stderr


def test_how_far_back_is_asked(stack_copy: World) -> None:
    stream = machines(stack_copy)["backend-1"]
    write(stack_copy, stream, "old", ago=7200)
    write(stack_copy, stream, "new", ago=600)
    assert "old" not in stack_copy.awsdeploy("logs", "backend").stdout
    assert "old" in stack_copy.awsdeploy("logs", "backend", "--since", "3h").stdout
    moment = (now(stack_copy) - timedelta(hours=1)).astimezone(stack_copy.settings(CONFIG).tz)
    shown = stack_copy.awsdeploy("logs", "backend", "--since", f"{moment:%Y-%m-%dT%H:%M}").stdout
    assert "old" not in shown
    assert "new" in shown
    wrong = stack_copy.awsdeploy("logs", "backend", "--since", "yesterday")
    assert wrong.returncode == 64
    assert "30m" in wrong.stderr


def test_json_is_one_object_a_line(stack_copy: World) -> None:
    stream = f"{machines(stack_copy)['backend-1']}-backend.log"
    write(stack_copy, stream, *TRACE)
    first, second = [json.loads(line) for line in stack_copy.awsdeploy("logs", "backend", "--json").stdout.splitlines()]
    assert first["message"] == "\n".join(TRACE[:4])
    assert (first["source"], first["machine"], first["stream"]) == ("backend", "backend-1", stream)
    assert datetime.fromisoformat(first["time"]).utcoffset() == timedelta(hours=9)
    assert second["message"] == "done"


def test_before_the_first_release_it_is_said_why_there_is_nothing(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("logs", "backend")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "nothing has been released yet" in done.stderr
    assert "awsdeploy logs bootstrap" in done.stderr

    def says(value: str) -> None:
        for id in machines(stack_copy).values():
            stack_copy.client("ec2").create_tags(Resources=[id], Tags=[{"Key": "awsdeploy:release", "Value": value}])

    says("failed x build")
    said = stack_copy.awsdeploy("logs", "backend").stderr
    assert "nothing has been released yet" not in said
    assert f"backend: release failed at `build` on {machines(stack_copy)['backend-1']}: x" in said
    says("x")
    assert "released" not in stack_copy.awsdeploy("logs", "backend").stderr


def test_the_database_the_bootstrap_and_nginx_have_logs_too(stack_copy: World) -> None:
    (database,) = stack_copy.client("rds").describe_db_instances()["DBInstances"]
    name = database["DBInstanceIdentifier"]
    write(stack_copy, name, "slow one", group=f"/aws/rds/instance/{name}/slowquery")
    write(stack_copy, machines(stack_copy)["frontend-1"], "installing", group="/deploy/shop/dev/bootstrap")
    assert stack_copy.awsdeploy("logs", "rds").stdout.endswith(" rds slowquery slow one\n")
    assert stack_copy.awsdeploy("logs", "bootstrap").stdout.endswith(" frontend-1 installing\n")
    assert "nginx writes to this log" in stack_copy.awsdeploy("logs", "nginx").stderr
    unknown = stack_copy.awsdeploy("logs", "redis")
    assert unknown.returncode == 64
    assert "frontend, backend, rds, alb, bootstrap, nginx" in unknown.stderr


def request(moment: datetime, path: str) -> str:
    return (
        f"https {moment:%Y-%m-%dT%H:%M:%S.%fZ} app/shop/1 203.0.113.9:4711 10.0.1.5:9999 0.001 0.012 0.000 200 200 "
        f'34 366 "GET https://example.com:443{path} HTTP/2.0" "curl/8 \\x22x\\x22" TLS TLS arn "Root=1-2" "-" "-" 0'
    )


def deliver(world: World, moment: datetime, *lines: str) -> None:
    """A file as the load balancer delivers it."""
    s3 = world.client("s3")
    (bucket,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith("shop-dev-logs-")]
    place = f"AWSLogs/123456789012/elasticloadbalancing/{REGION}/{moment:%Y/%m/%d}"
    key = f"{place}/123456789012_elasticloadbalancing_{REGION}_app.shop.1_{moment:%Y%m%dT%H%MZ}_203.0.113.1_x.log.gz"
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress("\n".join([*lines, "nonsense", ""]).encode()))


def test_requests_are_read_from_the_load_balancers_files(stack_copy: World) -> None:
    moment = now(stack_copy) - timedelta(minutes=10)
    deliver(stack_copy, moment, request(moment, "/api/b"), request(moment - timedelta(seconds=5), "/api/a"))
    deliver(stack_copy, moment - timedelta(minutes=5), request(moment - timedelta(hours=2), "/api/old"))
    done = stack_copy.awsdeploy("logs", "alb")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert '203.0.113.9 "GET https://example.com:443/api/a HTTP/2.0" 200, 366 bytes in 0.012 s' in first
    assert "/api/b" in second
    assert "/api/old" in stack_copy.awsdeploy("logs", "alb", "--since", "3h", "--grep", "/OLD").stdout
    assert stack_copy.awsdeploy("logs", "alb", "-f").returncode == 64


def test_without_requests_it_is_said_when_they_come(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("logs", "alb")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "every five minutes" in done.stderr


def test_of_nothing_there_are_no_logs(world: World) -> None:
    (world.folder / "config.toml").write_text(CONFIG)
    for source in ("backend", "rds", "alb"):
        assert world.awsdeploy("logs", source).returncode == 6


def until(stream: IO[str], words: str) -> str:
    """Output until these words come."""
    said = ""
    while words not in said:
        line = stream.readline()
        assert line, said
        said += line
    return said


def test_following_shows_what_comes_once_and_ends_with_ctrl_c(stack_copy: World) -> None:
    stream = machines(stack_copy)["backend-1"]
    write(stack_copy, stream, "before", ago=5)
    child = subprocess.Popen(
        [str(SCRIPT), "logs", "backend", "-f"],
        cwd=stack_copy.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **stack_copy.environment, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert child.stdout is not None
    assert child.stderr is not None
    patience = threading.Timer(60, child.kill)
    patience.start()
    said = until(child.stdout, "before")
    write(stack_copy, stream, "Error: boom", "    at one (a.js:1:1)", ago=1)
    write(stack_copy, stream, "late", ago=3)
    said += until(child.stdout, "a.js")
    os.kill(child.pid, signal.SIGINT)
    said += child.stdout.read()
    patience.cancel()
    assert child.wait(30) == 130, child.stderr.read()
    for words in ("before", "late", "Error: boom", "a.js"):
        assert said.count(words) == 1
    lines = said.splitlines()
    assert lines[lines.index("    at one (a.js:1:1)") - 1].endswith("Error: boom")


def event(stream: str, at: int, text: str) -> LogEvent:
    return LogEvent("backend", stream, at, text)


def test_a_trace_that_comes_in_pieces_is_put_together() -> None:
    assembly = Assembly()
    assert assembly.take([event("a", 1, "Error"), event("a", 2, "  at x")]) == []
    assert assembly.take([event("a", 3, "  at y"), event("b", 2, "other")]) == []
    assert [one.text for one in assembly.take([])] == ["Error\n  at x\n  at y", "other"]
    assert assembly.rest() == []


def test_what_begins_with_a_continuation_stands_alone() -> None:
    found = list(entries([event("a", 1, "  at x"), event("a", 2, "next"), event("b", 1, "at noon")]))
    assert [one.text for one in found] == ["  at x", "at noon", "next"]
