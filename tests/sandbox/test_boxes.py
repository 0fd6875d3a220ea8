"""The sandbox's machines are real: what is sent to one runs here, in a folder and at an address of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from awsdeploy.sandbox import control
from tests.conftest import forked
from tests.simulated import World

CONFIG = """\
name = "box"
environment = "dev"
platform = "supported"

[services.worker]
instances = 2
"""
DONE = {"Success", "Failed", "TimedOut", "Cancelled"}
until = retry(
    stop=stop_after_delay(90),
    wait=wait_fixed(0.05),
    retry=retry_if_result(lambda found: not found) | retry_if_exception_type((OSError, AssertionError)),
)


@pytest.fixture(scope="module")
def stack(sandbox: control.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with forked(sandbox, tmp_path_factory.mktemp("boxes")) as world:
        world.up(world.settings(CONFIG))
        yield world


@dataclasses.dataclass
class Sent:
    """A command on one machine."""

    world: World
    id: str
    machine: str

    def look(self) -> dict[str, Any]:
        ssm = self.world.client("ssm")
        found: dict[str, Any] = ssm.get_command_invocation(CommandId=self.id, InstanceId=self.machine)
        return found

    def result(self) -> dict[str, Any]:
        """How it ended."""

        @until
        def ended() -> dict[str, Any]:
            found = self.look()
            return found if found["Status"] in DONE else {}

        return ended()


def machines(world: World) -> list[str]:
    found = world.client("ssm").describe_instance_information()["InstanceInformationList"]
    return sorted(one["InstanceId"] for one in found if one["PingStatus"] == "Online")


def send(world: World, machine: str, *lines: str, timeout: int = 120, **more: Any) -> Sent:
    sent = world.client("ssm").send_command(
        InstanceIds=[machine],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["#!/bin/bash", "set -euo pipefail", *lines], "executionTimeout": [str(timeout)]},
        **more,
    )
    world.pass_time(5)
    return Sent(world, sent["Command"]["CommandId"], machine)


def test_a_command_runs_for_real_and_its_output_is_read_back(stack: World) -> None:
    machine = machines(stack)[0]
    result = send(stack, machine, "echo hello from $INSTANCE_ID", "echo careful >&2").result()
    assert (result["Status"], result["ResponseCode"]) == ("Success", 0)
    assert result["StandardOutputContent"] == f"hello from {machine}\n"
    assert result["StandardErrorContent"] == "careful\n"
