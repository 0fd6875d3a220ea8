"""Simulated AWS for tests: one server, plain boto3 clients that ask it, and awsdeploy run against it."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tomllib
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config as BotoConfig

from awsdeploy import architecture, config
from awsdeploy.aws.session import AwsSession
from awsdeploy.aws.waiting import Polling
from awsdeploy.engine import plan, teardown, up
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import DestroyOptions, Observed
from awsdeploy.engine.run import Run
from awsdeploy.sandbox.server.keys import HEADER
from awsdeploy.state.record import State
from tests.system.mutants import mutants
from tests.warm import Warm

warm = functools.cache(Warm)
REGION = "ap-northeast-2"
READS = ("Describe", "Get", "List", "Head")

DOCUMENTED = """\
name = "shop"
domain = "example.com"
platform = "documented"

[network]
ssh_from = ["203.0.113.7/32"]
"""

SUPPORTED = """\
name = "shop"
domain = "example.com"
platform = "supported"
environment = "prod"

"""
"""The documented stack on software that is still supported."""


@dataclass
class World:
    """One simulated AWS at `url`, and a folder to run awsdeploy in."""

    url: str
    environment: dict[str, str]
    folder: Path
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    used: dict[tuple[str, str], Any] = field(default_factory=dict)
    """The clients of earlier runs: making them takes longer than most runs have to ask."""
    settle: float = 0.2
    """Seconds AWS may take to show what it was told."""
    on_event: Callable[[ResourceEvent], None] = lambda _event: None

    def client(self, service: str, region: str = REGION) -> Any:
        """A plain boto3 client: how AWS is asked, not how awsdeploy asks it."""
        if (service, region) not in self.clients:
            self.clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
                config=BotoConfig(retries={"total_max_attempts": 1}),
            )
        return self.clients[service, region]

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the sandbox itself."""
        data = None if body is None else json.dumps(body).encode()
        secret = {HEADER: self.environment["AWS_SECRET_ACCESS_KEY"]}
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=data, method=method, headers=secret)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def pass_time(self, seconds: float) -> None:
        """Let AWS seconds pass without waiting for them."""
        self.control("POST", "advance", {"seconds": seconds})

    def until(self, hour: float) -> None:
        """Let time pass until that hour of AWS's day (UTC): the images of the day are made at half past 18."""
        now = self.control("GET", "status")["now"]
        self.pass_time((hour * 3600 - now) % 86400)

    def settings(self, text: str = DOCUMENTED) -> config.Settings:
        path = self.folder / "config.toml"
        path.write_text(text)
        if mutant := mutants.chosen():
            return config.from_mapping(mutants.written(tomllib.loads(text), mutant))
        return config.load(path, {})

    def run(self, settings: config.Settings) -> tuple[Run, Counter[str]]:
        """A fresh run, as a new process would make it, and the calls it goes on to make."""
        calls: Counter[str] = Counter()
        stack = settings.stack
        state = State.load(self.folder / ".awsdeploy" / f"{stack.slug}.json", stack.tag)
        session = AwsSession(
            on_call=lambda call: calls.update([f"{call.service}:{call.operation}"]), first_pause=0.02, made=self.used
        )
        made = Run(
            session,
            stack,
            settings.region,
            state,
            polling=Polling(0.05, 1.0),
            settle=self.settle,
            ignored=settings.drift.ignore,
        )
        made.listener = self.on_event
        return made, calls

    def plan(self, settings: config.Settings) -> plan.Plan:
        made, _ = self.run(settings)
        return plan.make(made, architecture.steps(settings))

    def up(self, settings: config.Settings, **options: Any) -> Counter[str]:
        made, calls = self.run(settings)
        up.apply(made, plan.make(made, architecture.steps(settings), **options))
        return calls

    def destroy(self, settings: config.Settings, options: DestroyOptions | None = None) -> list[Observed]:
        """Returns what was kept on purpose."""
        made, _ = self.run(settings)
        destroy_plan = teardown.survey(made, options or DestroyOptions(data=True, zone=True))
        teardown.destroy(made, destroy_plan)
        return [observed for observed, _ in destroy_plan.staying]

    def everything(self, settings: config.Settings) -> list[Observed]:
        """All that the stack has in AWS."""
        return self.run(settings)[0].look_everywhere()

    def awsdeploy(
        self, *words: str, stdin: str = "", timeout: float = 120, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """The command in a process of its own, whose number the sandbox knows, so that it can kill it."""
        return warm().run(words, self.folder, {**os.environ, **self.environment, **more}, stdin, timeout)


def writes(calls: Counter[str]) -> dict[str, int]:
    """The calls that change something."""
    return {name: count for name, count in calls.items() if not name.split(":")[1].startswith(READS)}


def tags(listed: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def machines(world: World) -> dict[str, str]:
    """The ids of the machines by their names."""
    found = world.client("ec2").describe_instances()["Reservations"]
    return {
        tags(one["Tags"])["awsdeploy:resource"].partition("/")[2]: one["InstanceId"]
        for reservation in found
        for one in reservation["Instances"]
    }
