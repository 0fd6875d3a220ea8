"""`make bench`: every figure the project states about itself, measured now, on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from awsdeploy import architecture, config
from awsdeploy.aws.session import AwsSession
from awsdeploy.engine import plan
from awsdeploy.engine.resource import Stack
from awsdeploy.engine.run import Run
from awsdeploy.preflight import checks
from awsdeploy.preflight.finding import Question
from awsdeploy.sandbox import control
from awsdeploy.state.record import State
from benchmarks import chain
from benchmarks.measure import SCRIPT, Cost, awsdeploy, client_of, median, process

CONFIG = """\
name = "bench"
environment = "prod"
domain = "example.com"
platform = "supported"
"""
UP = ("up", "--yes")
DESTROY = ("destroy", "--confirm", "bench-prod")
SPEED = 10.0
FAST = 600.0
VCPUS = "L-1216C47A"
"""Quota of vCPUs of an account: 64 at first, which is not enough for 40 machines."""


def many(services: int) -> str:
    """The documented two services, or that many, each with a port and a path of its own."""
    if services == 2:
        return CONFIG
    tables = ['[services.frontend]\nport = 3000\npaths = ["/*"]\n']
    tables += [f'[services.api{n}]\nport = {4000 + n}\npaths = ["/api{n}/*"]\n' for n in range(1, services)]
    return CONFIG + "\n" + "\n".join(tables)


def startup(times: int) -> None:
    """Start-up against the imports it cannot do without; `status` looks for a stack that is not there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG)
        server = control.start(folder / "sandbox", speed=FAST, idle=900)
        environment = client_of(server)

        def wall(*words: str) -> float:
            return median(times, lambda: process(words, folder, environment)[0])

        try:
            click = wall(sys.executable, "-c", "import click")
            boto3 = wall(sys.executable, "-c", "import boto3")
            helped = wall(str(SCRIPT), "--help")
            status = wall(str(SCRIPT), "status")
        finally:
            control.stop(folder / "sandbox")
        print(f"import click                 {click:7.3f} s")
        print(f"import boto3                 {boto3:7.3f} s")
        print(f"awsdeploy --help             {helped:7.3f} s   {helped / click:.2f} × import click")
        print(f"awsdeploy status             {status:7.3f} s   {status / boto3:.2f} × import boto3")


def against_the_chain(rounds: int) -> None:
    """Wall of up and destroy against AWS's own longest chain, the sandbox warm."""
    ups, downs = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG)
        server = control.start(folder / "sandbox", speed=FAST, idle=900)
        try:
            awsdeploy(server, folder, *UP)
            awsdeploy(server, folder, *DESTROY, "--delete-data", "--delete-zone")
            server = control.start(folder / "sandbox", speed=SPEED)
            for _ in range(rounds):
                ups.append(awsdeploy(server, folder, *UP).wall)
                downs.append(awsdeploy(server, folder, *DESTROY).wall)
        finally:
            control.stop(folder / "sandbox")
    for word, walls, seconds, rest in (("up", ups, chain.up(), 6), ("destroy", downs, chain.destroy(), 8)):
        real = seconds / SPEED
        middle = sorted(walls)[len(walls) // 2]
        bound = 1.05 * real + rest
        all_of_them = ", ".join(f"{wall:.1f}" for wall in walls)
        print(
            f"{word:8} at --speed {SPEED:g}: {middle:6.1f} s of {all_of_them}; longest chain {real:.1f} s; "
            f"bound 1.05 × chain + {rest} s = {bound:.1f} s: {'met' if middle <= bound else 'MISSED'}"
        )


def calls(services: int) -> None:
    """API calls and memory of each command, and a no-op up with 150 ms a call."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(many(services))
        server = control.start(folder / "sandbox", speed=FAST, idle=900)
        control.call(server, "POST", "limits", {"quotas": {VCPUS: 400}})
        try:
            costs = {"first up": awsdeploy(server, folder, *UP)}
            costs["no-op up"] = awsdeploy(server, folder, *UP)
            costs["status"] = awsdeploy(server, folder, "status")
            control.call(server, "POST", "latency", {"ms": 150})
            slow = median(3, lambda: awsdeploy(server, folder, *UP).wall)
            control.call(server, "POST", "latency", {"ms": 0})
            costs["destroy"] = awsdeploy(server, folder, *DESTROY)
        finally:
            control.stop(folder / "sandbox")
    print(f"\n{services} services")
    for word, cost in costs.items():
        print(f"  {word:9} {cost.wall:6.2f} s  {cost.memory:5.0f} MB  {cost.reads:4} reads  {cost.writes:4} writes")
    print(f"  no-op up with 150 ms a call: {slow:.2f} s")
    if services == 2:
        for word, cost in costs.items():
            print(f"\n  {word} by operation:\n{listed(cost)}")


def preflight(times: int) -> None:
    """What the preflight adds to a first up, each call taking 150 ms: after the plan, as `up` makes it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG)
        server = control.start(folder / "sandbox", speed=FAST, idle=900)
        os.environ.update(client_of(server))
        settings = config.load(folder / "config.toml", {})
        stack = Stack(settings.name, settings.environment)

        def once() -> float:
            session = AwsSession()
            run = Run(session, stack, settings.region, State.load(folder / "state.json", stack.tag))
            plan.make(run, architecture.steps(settings))
            begun = time.monotonic()
            checks.findings(Question(settings, session), checks.BEYOND_A_PLAN)
            return time.monotonic() - begun

        try:
            once()
            control.call(server, "POST", "latency", {"ms": 150})
            seconds = median(times, once)
        finally:
            control.stop(folder / "sandbox")
    print(f"\npreflight with 150 ms a call: {seconds:.2f} s; bound 1 s: {'met' if seconds <= 1 else 'MISSED'}")


def listed(cost: Cost) -> str:
    rows = sorted(Counter(cost.calls).items(), key=lambda row: (-row[1], row[0]))
    return "\n".join(f"    {count:4} {name}" for name, count in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of up and destroy against the chain")
    parser.add_argument("--services", type=int, nargs="*", default=[2, 10, 40])
    parser.add_argument("--only", choices=["startup", "chain", "calls", "preflight"])
    options = parser.parse_args()
    if options.only in (None, "startup"):
        startup(times=11)
    if options.only in (None, "chain"):
        against_the_chain(options.rounds)
    if options.only in (None, "preflight"):
        preflight(times=5)
    if options.only in (None, "calls"):
        for services in options.services:
            calls(services)


if __name__ == "__main__":
    main()
