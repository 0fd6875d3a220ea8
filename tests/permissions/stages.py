"""The life of one stack with everything that a config can have, in stages: what is typed in each, and what it calls."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from awsdeploy.sandbox.control import RunningSandbox
from tests.conftest import SPEED, forked
from tests.release.apps import SERVER, application
from tests.release.repository import commit, git
from tests.sandbox.sample_application import STILL
from tests.simulated import World
from tests.system.drift.tables import HANDS

EVERYTHING = """\
name = "drift"
environment = "dev"
domain = "example.com"
platform = "supported"

[network]
nat = true
key_pair = "ops"

[services.frontend]
policies = ["arn:aws:iam::123456789012:policy/mail"]

[services.backend]

[services.admin]
port = 4000
paths = ["/admin/*"]

[services.admin.scaling]

[services.worker]

[uploads]
replicate = true

[monitoring]
emails = ["ops@example.com"]

[ci]
github = "acme/site"

[tags]
CostCenter = "42"
"""
LESS = """\
name = "drift"
environment = "dev"
domain = "example.com"
platform = "supported"

[services.frontend]
instance_type = "t3.small"

[services.backend]

[services.admin]
port = 4000
paths = ["/admin/*"]

[uploads]
access = "private"
tls_only = false

[logs]
days = 7

[monitoring]
health_check = false
request_metrics = false

[backup]
keep_images = 3

[ci]
github = "acme/other"
"""
"""The same stack after much has been changed and taken out."""

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:SendEmail","Resource":"*"}]}'
USE = (
    "deploy backend",
    "restart backend",
    "releases",
    "status",
    "env list",
    "env set backend FEATURE=on",
    "env unset backend FEATURE",
    "exec backend -- true",
    "logs backend",
    "logs alb",
    "backup now",
    "backups",
    "cost --actual",
    "history",
    "list",
    "up --yes",
)
STAGES = ("up", "use", "mend", "change", "destroy")


@dataclass
class Life:
    """A world at the beginning of each stage, to be copied, and the calls that awsdeploy then made."""

    before: dict[str, World] = field(default_factory=dict)
    calls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def stage_of(self, action: str) -> str:
        """The first that needs this IAM action; empty for one that none needs."""
        return next((name for name, made in self.calls.items() if action in needed(made)), "")


def typed(stage: str) -> Sequence[str]:
    """The commands of a stage, and nothing that anybody else does in it."""
    others = {
        "use": USE,
        "change": ("up --yes --delete-data storage/replica",),
        "destroy": ("destroy --confirm drift-dev --everything",),
    }
    return others.get(stage, ("up --yes",))


def needed(calls: Sequence[dict[str, Any]]) -> set[str]:
    return {action for call in calls for action in call["actions"]}


def set_the_scene(world: World, stage: str) -> None:
    """Actions of others before a stage begins."""
    if stage == "up":
        (world.folder / "config.toml").write_text(EVERYTHING)
        world.client("ec2").create_key_pair(KeyName="ops")
        world.client("iam").create_policy(PolicyName="mail", PolicyDocument=POLICY)
    elif stage == "use":
        world.control("POST", "confirm", {"email": "ops@example.com"})
        git(world.folder, "init", "-q", "-b", "main")
        commit(world.folder, {**application(SERVER), ".gitignore": ".awsdeploy/\n"})
    elif stage == "mend":
        objects = {observed.key: observed for observed in world.everything(world.settings(EVERYTHING))}
        for key, hand in HANDS.values():
            # One hand may have taken away what the next would change.
            with contextlib.suppress(ClientError, KeyError, ValueError, IndexError, StopIteration):
                if key in objects:
                    hand(world, objects)
    elif stage == "change":
        (world.folder / "config.toml").write_text(LESS)
    elif stage == "destroy":
        world.pass_time(86_400)  # a day's images


@contextmanager
def lived(world: World, homes: Path) -> Iterator[Life]:
    """Live through all of it in `world`."""
    life = Life()
    with ExitStack() as kept:
        for stage in STAGES:
            set_the_scene(world, stage)
            life.before[stage] = kept.enter_context(copied(world, homes / stage))
            life.before[stage].control("POST", "speed", {"speed": STILL})
            world.control("DELETE", "calls")
            for words in typed(stage):
                done = world.awsdeploy(*words.split(), timeout=300)
                assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
            life.calls[stage] = world.control("GET", "calls")["calls"]
        yield life


@contextmanager
def copied(world: World, folder: Path) -> Iterator[World]:
    """A copy of a world and its folder, to be changed, in which time goes on."""
    shutil.copytree(world.folder, folder, symlinks=True, dirs_exist_ok=True)
    with forked(RunningSandbox(**world.control("GET", "status") | {"speed": SPEED}), folder) as made:
        made.control("POST", "speed", {"speed": SPEED})
        yield dataclasses.replace(made, folder=folder)
