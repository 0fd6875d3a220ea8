"""A run that is killed: what served serves on, or what was to serve does; and the next run works."""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.release_host import ReleaseHost, application, until
from tests.sampling import sampled

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST = "20260101T000000Z-aaaaaaa"
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def serving_host(tools: Path) -> Iterator[ReleaseHost]:
    host = ReleaseHost(tools)
    assert host.deploy(FIRST).code == 0
    yield host
    host.close()


def another(host: ReleaseHost) -> str:
    files = application(scripts={"build": "sleep 0.3", "migrate": "sleep 0.3"})
    return host.publish(f"20260102T{next(NUMBERS):06}Z-bbbbbbb", files, migrate="npm run migrate")


STEPS = ("fetch", "environment", "install", "build", "migrate", "check", "switch", "verify", "tidy")


EVERY = list(itertools.product(STEPS, (0.0, 0.4, 1.0)))
"""Moments at which a run is killed: a step, and seconds after it has begun."""
SAMPLE = random.Random(3).sample(EVERY, 1)


@pytest.mark.parametrize(("step", "after"), sampled(EVERY, SAMPLE))
def test_a_run_killed_at_any_step_leaves_a_release_serving_and_the_next_works(
    serving_host: ReleaseHost, step: str, after: float
) -> None:
    if after and step in ("fetch", "environment", "tidy"):
        after /= 10  # they are over sooner
    before, killed, next = serving_host.serving, another(serving_host), another(serving_host)
    serving_host.killed(step, "deploy", killed, after=after)
    assert serving_host.serving in (before, killed)
    done = serving_host.run("deploy", next)
    assert done.code == 0, done.output
    assert (serving_host.serving, serving_host.current) == (next, next)
    assert [one["pm2_env"]["pm_cwd"].rpartition("/")[2] for one in serving_host.processes] == [next]


@pytest.mark.torture
def test_a_killed_build_does_not_go_on_beside_the_next(serving_host: ReleaseHost) -> None:
    before = serving_host.serving
    mark = serving_host.place / "mark"
    script = f"trap '' HUP; touch {mark}; sleep 30; echo more >{mark}"
    killed = serving_host.publish(
        "20260103T000000Z-ccccccc", {**application(scripts={"build": "bash b.sh"}), "b.sh": script}
    )
    process = serving_host.start("deploy", killed)
    until(mark.exists)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert serving_host.serving == before
    done = serving_host.deploy(
        "20260103T000001Z-ccccccc", application(scripts={"build": f"! pgrep -f 'sleep 3[0]'; rm {mark}"})
    )
    assert done.code == 0, done.output
    assert not mark.exists()


@pytest.mark.parametrize("step", ["build", "switch"])
def test_a_run_that_is_cancelled_says_so_and_cleans_up(serving_host: ReleaseHost, step: str) -> None:
    before = serving_host.serving
    process = serving_host.start("deploy", another(serving_host))
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.strip() == f"@step {step}":
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
    assert process.wait() == 1, lines
    assert '"diagnosis": "The release was interrupted."' in lines[-1]
    assert serving_host.serving == before
    assert [one["pm2_env"]["pm_cwd"].rpartition("/")[2] for one in serving_host.processes] == [before]


def test_what_runs_already_is_not_interrupted(serving_host: ReleaseHost) -> None:
    """While the machine's tag is set the new release runs: the outcome must not say that the previous one does."""
    played, mark = serving_host.tools / "aws", serving_host.place / "tagging"
    text, id = played.read_text(), another(serving_host)
    waits = f"if words[:2] == ['ec2', 'create-tags']: open('{mark}', 'w').close(); import time; time.sleep(2)\n"
    serving_host.tool("aws", text.replace("if words[:2]", f"{waits}if words[:2]", 1))
    try:
        process = serving_host.start("deploy", id)
        until(mark.exists)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate()
    finally:
        serving_host.tool("aws", text)
    assert process.returncode == 0, output
    assert '"outcome": "ok"' in output
    assert (serving_host.serving, serving_host.current) == (id, id)


def test_what_was_interrupted_before_the_first_release_does_not_hinder_it(tools: Path) -> None:
    host = ReleaseHost(tools)
    try:
        host.killed("check", "deploy", another(host), after=0.5)
        records = host.root / "var/lib/awsdeploy"
        left = [records / "build/build.json", records / "release/masks.json"]  # of an older version: variables
        for path in left:
            path.parent.mkdir(exist_ok=True)
            path.write_text("{}")
        done = host.deploy(FIRST)
        assert not any(path.exists() for path in left)
        assert done.code == 0, done.output
        assert host.serving == FIRST
    finally:
        host.close()
