"""The network goes up, shows no drift, survives the loss of its state file, and comes down, on any endpoint."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from awsdeploy.aws import Door
from awsdeploy.engine import plan, teardown, up
from awsdeploy.engine.plan import Step
from awsdeploy.engine.run import Run
from awsdeploy.resource import Parting, Stack
from awsdeploy.resources.network import ElasticIp, InternetGateway, NatGateway, RouteTable, Subnet, Vpc
from awsdeploy.state import State
from awsdeploy.stop import Pace

STACK = Stack("shop", "prod")
READS = ("Describe", "Get", "List")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    yield
    server.stop()


def steps() -> list[Step]:
    vpc = Vpc(key="network/vpc", cidr="10.0.0.0/16")
    subnet = Subnet(key="network/public-a", vpc=vpc, cidr="10.0.1.0/24", zone="ap-northeast-2a", public=True)
    gateway = InternetGateway(key="network/internet-gateway", vpc=vpc)
    routes = RouteTable(key="network/public-routes", vpc=vpc, subnets=(subnet,), default=gateway)
    address = ElasticIp(key="network/nat-address")
    nat = NatGateway(key="network/nat", subnet=subnet, address=address, after=(routes,))
    return [Step("VPC and subnets", (vpc, subnet, gateway, routes, address, nat))]


def run(folder: Path) -> tuple[Run, Counter[str]]:
    calls: Counter[str] = Counter()
    door = Door(on_call=lambda call: calls.update([call.operation]))
    state = State.load(folder / "shop-prod.json", STACK.tag)
    return Run(door, STACK, "ap-northeast-2", state, pace=Pace(0.01, 0.1), settle=0.1), calls


def writes(calls: Counter[str]) -> list[str]:
    return [name for name in calls if not name.startswith(READS)]


@pytest.mark.usefixtures("endpoint")
def test_network_goes_up_and_comes_down(tmp_path: Path) -> None:
    first, calls = run(tmp_path)
    proposed = plan.make(first, steps())
    assert {item.action for item in proposed.items.values()} == {"create"}
    up.apply(first, proposed)
    assert calls["CreateVpc"] == 1

    again, calls = run(tmp_path)
    proposed = plan.make(again, steps())
    assert proposed.quiet
    up.apply(again, proposed)
    assert writes(calls) == []

    (tmp_path / "shop-prod.json").unlink()
    rebuilt, calls = run(tmp_path)
    up.apply(rebuilt, plan.make(rebuilt, steps()))
    assert writes(calls) == []
    assert set(rebuilt.state.entries) == {resource.key for step in steps() for resource in step.resources}

    down, _ = run(tmp_path)
    teardown.destroy(down, teardown.survey(down, Parting()))
    assert not (tmp_path / "shop-prod.json").exists()
    assert [live for live in run(tmp_path)[0].look_everywhere() if live.kind in {Vpc, Subnet, NatGateway}] == []
