"""A stack of two services on which a first release runs, and how it is asked and released on."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.release.apps import SERVER, application
from tests.release.repository import commit, git
from tests.simulated import World
from tests.warm import SCRIPT

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.frontend]

[services.backend]
instances = 2
"""
HEALTH = "/api/health"


def founded(world: World, config: str = CONFIG, server: str = SERVER) -> World:
    """Up, with a repository in which nothing is released yet."""
    world.up(world.settings(config))
    git(world.folder, "init", "-q", "-b", "main")
    commit(world.folder, {**application(server), ".gitignore": ".awsdeploy/\n"})
    return world


def begin(world: World, config: str = CONFIG, server: str = SERVER) -> World:
    """Up, with a repository, and its first release served."""
    deploy(founded(world, config, server))
    return world


def deploy(world: World, *words: str, code: int = 0) -> str:
    done = world.awsdeploy("deploy", *words, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def begun(world: World, *words: str) -> subprocess.Popen[str]:
    """A deploy in a process of its own, for a test to read its lines and to kill it."""
    return subprocess.Popen(
        [str(SCRIPT), "deploy", *words],
        cwd=world.folder,
        env={**os.environ, **world.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address(world: World) -> str:
    (one,) = world.control("GET", "balancers").values()
    return str(one)


def asked(world: World, path: str = HEALTH) -> dict[str, Any]:
    with urllib.request.urlopen(address(world) + path, timeout=10) as answer:
        value: dict[str, Any] = json.loads(answer.read())
        return value


def current(world: World, path: str = HEALTH) -> str:
    return str(asked(world, path)["release"])


def machines(world: World, service: str = "backend") -> list[dict[str, Any]]:
    filters = [
        {"Name": "tag:awsdeploy:service", "Values": [service]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    reservations = world.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [one for reservation in reservations for one in reservation["Instances"]]


def sent(world: World) -> list[dict[str, Any]]:
    commands: list[dict[str, Any]] = world.client("ssm").list_commands()["Commands"]
    return commands


@contextmanager
def asking(world: World, path: str, rate: float) -> Iterator[list[str]]:
    """A client that asks `rate` times a second; what it was not answered is in the list."""
    failures: list[str] = []
    over = threading.Event()
    url = address(world) + path

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                answer.read()
        except (OSError, urllib.error.URLError) as error:
            failures.append(f"{error}")

    def run() -> None:
        begun, number = time.monotonic(), 0
        threads: list[threading.Thread] = []
        while not over.wait(max(0.0, begun + number / rate - time.monotonic())):
            number += 1
            threads.append(threading.Thread(target=ask))
            threads[-1].start()
        for thread in threads:
            thread.join()

    client = threading.Thread(target=run)
    client.start()
    try:
        yield failures
    finally:
        over.set()
        client.join()
