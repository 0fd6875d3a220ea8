"""A simulated database is a real one where this machine has a server: the machines reach it by its name in AWS."""

from __future__ import annotations

from typing import Any

import pytest
import tenacity

from awsdeploy.sandbox import mysql
from tests.simulated import World

CONFIG = """\
name = "data"
environment = "dev"
platform = "supported"
"""
GREETING = """\
const net = require('net')
const socket = net.connect({ host: process.argv[1], port: 3306 })
socket.once('data', (said) => { console.log(`greeted: ${said.length > 10}`); socket.end() })
socket.on('error', (error) => console.log(error.code))
"""


def ran(world: World, id: str, command: str) -> str:
    ssm = world.client("ssm")
    parameters: Any = {"commands": [command]}
    sent = ssm.send_command(InstanceIds=[id], DocumentName="AWS-RunShellScript", Parameters=parameters)
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda one: one is None),
        wait=tenacity.wait_fixed(0.1),
        stop=tenacity.stop_after_delay(60),
    )

    def look() -> str | None:
        try:
            told = ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=id)
        except ssm.exceptions.InvocationDoesNotExist:
            return None
        return str(told["StandardOutputContent"]) if told["Status"] in ("Success", "Failed") else None

    return str(waiting(look))


@pytest.mark.slow
@pytest.mark.npm
def test_a_machine_reaches_the_database_by_its_endpoint(world: World) -> None:
    world.up(world.settings(CONFIG))
    (database,) = world.client("rds").describe_db_instances()["DBInstances"]
    host = database["Endpoint"]["Address"]
    reservations = world.client("ec2").describe_instances()["Reservations"]
    id = reservations[0]["Instances"][0]["InstanceId"]
    said = ran(world, id, f"node -e \"$(cat <<'JS'\n{GREETING}JS\n)\" {host}")
    if mysql.program() is None:
        assert said.strip() in ("ENOTFOUND", "EAI_AGAIN")
    else:
        assert said.strip() == "greeted: true"
