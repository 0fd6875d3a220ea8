"""Two objects of one key, as an interrupted replacement leaves them: commands refuse and name both."""

from __future__ import annotations

import ast
import gzip
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from awsdeploy.cli.commands import ci
from awsdeploy.cli.commands import open as opening
from awsdeploy.cost import estimate, inventory
from awsdeploy.engine.observed import Observed
from awsdeploy.engine.resource import Resource
from awsdeploy.errors import Refused
from awsdeploy.operations import access_logs, sessions
from awsdeploy.release.machines import ReleaseMachine
from awsdeploy.release.target import release_target
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.identity.role import Role
from awsdeploy.resources.storage.bucket import Bucket
from awsdeploy.resources.storage.data_bucket import DataBucket
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup
from tests.simulated import World
from tests.test_house import MODULES, part

CONFIG = """\
name = "shop"
environment = "prod"
platform = "supported"
domain = "example.com"

[services.frontend]
[services.backend]
[services.backend.scaling]
health = "elb"

[ci]
github = "acme/shop"
"""
RAW: dict[str, Any] = {"LoadBalancerName": "shop", "DNSName": "shop.example.com", "HealthCheckType": "ELB"}
DATABASE = {"DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "EngineVersion": "8.4.3"}
SERVES = {"Endpoint": {"Address": "new.example.com", "Port": 3306}}
READ: dict[str, tuple[type[Resource], str, Callable[[Any, Any], object]]] = {
    "artifacts": (Bucket, "storage/artifacts", release_target),
    "uploads": (DataBucket, "storage/uploads", release_target),
    "target groups": (TargetGroup, "web/backend", release_target),
    "load balancers": (LoadBalancer, "web/alb", release_target),
    "groups": (AutoScalingGroup, "machines/backend-group", release_target),
    "address": (LoadBalancer, "web/alb", lambda run, settings: opening._address(_session(run, settings))),
    "databases": (Database, "database/mysql", sessions.database),
    "roles": (Role, "ci/github", lambda run, settings: ci._role(_session(run, settings))),
}


def _session(run: Any, settings: Any) -> Any:
    run.need_record = lambda: None
    return SimpleNamespace(run=run, settings=settings)


class Found:
    """Simulated AWS that has these objects, and a bucket for releases."""

    def __init__(self, *observations: Observed) -> None:
        self.observations = observations

    def all(self, kind: type[Resource], _region: str) -> Sequence[Observed]:
        found = [one for one in self.observations if one.kind is kind]
        return found or [Observed(kind, "storage/artifacts", "artifacts")] if kind is Bucket else found


@pytest.mark.parametrize("what", READ)
def test_whoever_reads_one_of_a_key_refuses_two_and_names_them(world: World, what: str) -> None:
    kind, key, read = READ[what]
    settings = world.settings(CONFIG)
    run, _ = world.run(settings)
    run.cache = Found(*(Observed(kind, key, id, id, raw={**RAW, **SERVES}) for id in ("old-1", "new-2")))  # type: ignore[assignment]
    with pytest.raises(Refused) as refused:
        read(run, settings)
    assert f"{key} exists 2 times: new-2 and old-1" in refused.value.message
    assert "awsdeploy up" in refused.value.hint


def test_one_that_is_being_deleted_does_not_count(world: World) -> None:
    settings = world.settings(CONFIG)
    run, _ = world.run(settings)
    old = Observed(
        Database, "database/mysql", "old", status="deleting", raw={"Endpoint": {"Address": "old.example.com"}}
    )
    run.cache = Found(old, Observed(Database, "database/mysql", "new", raw=SERVES))  # type: ignore[assignment]
    assert sessions.database(run, settings).host == "new.example.com"


def machine(id: str, name: str = "backend-1", state: str = "running") -> ReleaseMachine:
    return ReleaseMachine(id, name, "backend", state, "")


@pytest.mark.parametrize("asked", ["", "backend-1"])
def test_of_two_machines_of_one_name_neither_is_chosen(asked: str) -> None:
    several = [machine("i-old"), machine("i-new"), machine("i-other", "backend-2")]
    with pytest.raises(Refused, match="2 machines called backend-1: i-old and i-new") as refused:
        sessions.choose(several, ["backend"], asked)
    assert "awsdeploy up" in refused.value.hint
    assert sessions.choose(several, ["backend"], "i-new").id == "i-new"
    assert sessions.choose(several, ["backend"], "backend-2").id == "i-other"
    ending = [machine("i-old", state="shutting-down"), machine("i-new")]
    assert sessions.choose(ending, ["backend"], asked).id == "i-new"


def test_the_bill_has_both_databases_and_the_disk_of_the_machine_that_serves(world: World) -> None:
    run, _ = world.run(world.settings(CONFIG))
    two = [Observed(Database, "database/mysql", id, raw=DATABASE) for id in ("old", "new")]
    bill = estimate.of_parts(inventory.parts(two, run.region))
    assert [line.what for line in bill] == ["2 × db.t3.micro", "40 GB of database"]
    (one,) = (estimate.of_parts(inventory.parts(two[:1], run.region))[:1],)
    assert bill[0].monthly == 2 * (one[0].monthly or 0)


def test_requests_are_read_from_both_buckets(world: World) -> None:
    settings = world.settings(CONFIG)
    run, _ = world.run(settings)
    s3, now = world.client("s3"), datetime.now(UTC)
    place = f"AWSLogs/123456789012/elasticloadbalancing/{run.region}/{now:%Y/%m/%d}/x_{now:%Y%m%dT%H%MZ}_1.log.gz"
    line = f'h {now.isoformat()} app 1.2.3.4:5 - 0 0 0 200 200 1 2 "GET / HTTP/1.1" "agent"\n'
    for name in ("logs-old", "logs-new"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": run.region})
        s3.put_object(Bucket=name, Key=place, Body=gzip.compress(line.encode()))
    run.cache = Found(*(Observed(Bucket, "storage/logs", name) for name in ("logs-old", "logs-new")))  # type: ignore[assignment]
    assert len(access_logs.requests(run, now - timedelta(minutes=5), now)) == 2


LOOKS = ("all", "look", "latest")


def taken(tree: ast.Module) -> Iterator[str]:
    """Expressions that take one of several objects by anything but its id, or file objects under their keys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "next":
            made = node.args[0]
            if isinstance(made, ast.GeneratorExp):
                looked = made.generators[0].iter
                looks = isinstance(looked, ast.Call) and ast.unparse(looked.func).rpartition(".")[2] in LOOKS
                if looks and ".id ==" not in ast.unparse(made):
                    yield ast.unparse(node)
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
            if ast.unparse(node.value.func).rpartition(".")[2] in LOOKS:
                yield ast.unparse(node)
        elif isinstance(node, ast.DictComp) and ast.unparse(node.key) == "observed.key":
            yield ast.unparse(node)


def test_nothing_takes_the_first_of_what_may_share_a_key() -> None:
    trees = {module: ast.parse(path.read_text()) for module, path in MODULES.items() if part(module) != "sandbox"}
    assert [(module, one) for module, tree in trees.items() for one in taken(tree)] == []
