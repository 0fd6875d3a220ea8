"""The sandbox's machines are real: what is sent to one runs here, in a folder and at an address of its own."""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from awsdeploy.sandbox import control
from tests.conftest import SPEED, forked
from tests.sandbox.standing import STILL, refused
from tests.simulated import World, tags

CONFIG = """\
name = "box"
environment = "dev"
platform = "supported"

[services.worker]
instances = 2
"""
DONE = {"Success", "Failed", "TimedOut", "Cancelled"}
until = retry(
    stop=stop_after_delay(30),
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


def test_the_output_arrives_in_the_logs_while_the_script_runs(stack: World) -> None:
    machine, logs = machines(stack)[0], stack.client("logs")
    group = "/deploy/box/dev/worker"
    output = {"CloudWatchLogGroupName": group, "CloudWatchOutputEnabled": True}
    lines = ("echo first", "while [ ! -e $ROOT/go ]; do sleep 0.05; done", "echo second")
    sent = send(stack, machine, *lines, CloudWatchOutputConfig=output)
    stream = f"{sent.id}/{machine}/aws-runShellScript/stdout"

    @until
    def arrived(wanted: str) -> list[str]:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
        events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] if streams else []
        said = [event["message"] for event in events]
        return said if wanted in said else []

    assert arrived("first") == ["first"]
    shown = sent.look()
    assert (shown["Status"], shown["StandardOutputContent"]) == ("InProgress", "")
    send(stack, machine, "touch $ROOT/go").result()
    assert sent.result()["StandardOutputContent"] == "first\nsecond\n"
    assert arrived("second") == ["first", "second"]


def test_a_script_that_fails_says_with_what_and_only_the_beginning_of_its_output_is_kept(stack: World) -> None:
    machine = machines(stack)[0]
    result = send(stack, machine, "head -c 30000 /dev/zero | tr '\\0' x", "exit 7").result()
    assert (result["Status"], result["ResponseCode"]) == ("Failed", 7)
    assert result["StandardOutputContent"] == "x" * 24_000
    assert result["StandardErrorContent"] == "failed to run commands: exit status 7"


def test_a_script_is_ended_when_its_time_is_over_or_when_it_is_cancelled(stack: World) -> None:
    machine, ssm = machines(stack)[0], stack.client("ssm")
    late = send(stack, machine, "exec sleep 600", timeout=1).result()
    assert (late["Status"], late["StatusDetails"], late["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", 137)
    sent = send(stack, machine, "exec sleep 600")
    ssm.cancel_command(CommandId=sent.id)
    assert sent.result()["Status"] == "Cancelled"
    (row,) = ssm.list_command_invocations(CommandId=sent.id, Details=True)["CommandInvocations"]
    assert (row["Status"], row["CommandPlugins"][0]["ResponseCode"]) == ("Cancelled", 137)


SERVES = """\
const server = require('http').createServer((_, answer) => answer.end(process.env.INSTANCE_ID))
server.listen(...JSON.parse(process.argv[2]))
"""


def serve(world: World, machine: str, *arguments: object) -> None:
    """A small Node program in the background, listening as it is told."""
    program = shlex.quote(SERVES)
    told = shlex.quote(json.dumps(arguments))
    lines = (f"printf %s {program} > $ROOT/serve.js", f"nohup node $ROOT/serve.js {told} > $ROOT/serve.log 2>&1 &")
    assert send(world, machine, *lines).result()["Status"] == "Success"


def get(world: World, machine: str, port: int) -> str:
    """What is answered where the load balancer asks. Raises `OSError` where nobody answers."""
    place = world.control("POST", "machine", {"instance": machine, "port": port})
    with urllib.request.urlopen(f"http://{place['address']}:{place['port']}/", timeout=5) as answer:
        return str(answer.read().decode())


def test_two_machines_serve_on_one_port_each_at_its_own_address(stack: World) -> None:
    one, two = machines(stack)
    for machine in (one, two):
        serve(stack, machine, 4100)
    answered = until(get)
    assert [answered(stack, machine, 4100) for machine in (one, two)] == [one, two]
    serve(stack, one, {"port": 4101, "host": "0.0.0.0"})
    assert answered(stack, one, 4101) == one
    with pytest.raises(OSError, match="refused"):
        get(stack, two, 4101)


def test_what_listens_on_loopback_alone_answers_only_the_machine_itself(stack: World) -> None:
    one, two = machines(stack)
    serve(stack, one, 4200, "127.0.0.1")
    serve(stack, one, 4201, "::")
    ask = (
        "node -e \"fetch('http://localhost:%s').then(a => a.text()).then(console.log, e => console.log(e.cause.code))\""
    )
    await_it = "until node -e \"fetch('http://127.0.0.1:%s').catch(() => process.exit(1))\"; do sleep 0.1; done"
    lines = [await_it % 4200, await_it % 4201, ask % 4200, ask % 4201, ask % 4202]
    assert send(stack, one, *lines).result()["StandardOutputContent"].split() == [one, one, "ECONNREFUSED"]
    assert send(stack, two, ask % 4200).result()["StandardOutputContent"].split() == ["ECONNREFUSED"]
    with pytest.raises(OSError, match="refused"):
        get(stack, one, 4200)
    assert get(stack, one, 4201) == one


APP = """\
module.exports = {apps: [{name: 'app', script: 'serve.js', args: '[4300]', exec_mode: 'cluster', instances: 2}]}
"""


def start_app(world: World, machine: str) -> None:
    """The small program under PM2, in two processes, saved for the next boot."""
    files = (f"printf %s {shlex.quote(SERVES)} > serve.js", f"printf %s {shlex.quote(APP)} > ecosystem.config.js")
    lines = ("mkdir -p $ROOT/srv/app/current", "cd $ROOT/srv/app/current", *files, "pm2 start ecosystem.config.js")
    result = send(world, machine, *lines, "pm2 save").result()
    assert result["Status"] == "Success", result["StandardErrorContent"]
    assert until(get)(world, machine, 4300) == machine


def processes(world: World, machine: str) -> list[int]:
    found: list[int] = world.control("POST", "machine", {"instance": machine})["processes"]
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return shown.strip()[:1] not in ("", "Z")


def test_a_cluster_under_pm2_is_reached_at_its_machines_address_and_reloads_there(stack: World) -> None:
    one, two = machines(stack)
    start_app(stack, one)
    with pytest.raises(OSError, match="refused"):
        get(stack, two, 4300)
    assert send(stack, one, "pm2 reload app", "pm2 jlist | tail -1").result()["Status"] == "Success"
    assert get(stack, one, 4300) == one


def test_a_machine_that_reboots_or_stops_loses_what_runs_and_starts_what_was_saved(world: World) -> None:
    ec2 = world.client("ec2")
    world.up(world.settings(CONFIG))
    one, two = machines(world)
    start_app(world, one)
    before = processes(world, one)
    serve(world, one, 4301)
    assert until(get)(world, one, 4301) == one
    sent = send(world, one, "exec sleep 600")
    ec2.reboot_instances(InstanceIds=[one])
    assert processes(world, one) == []
    world.pass_time(60)
    assert sent.result()["Status"] == "Failed"
    assert until(get)(world, one, 4300) == one
    assert not set(processes(world, one)) & set(before)
    with pytest.raises(OSError, match="refused"):
        get(world, one, 4301)
    ec2.stop_instances(InstanceIds=[one])
    world.pass_time(120)
    assert processes(world, one) == []
    assert machines(world) == [two]
    ec2.start_instances(InstanceIds=[one])
    world.pass_time(300)
    assert until(get)(world, one, 4300) == one
    here = Path(world.control("POST", "machine", {"instance": one})["root"])
    running = processes(world, one)
    ec2.terminate_instances(InstanceIds=[one])
    world.pass_time(120)
    assert machines(world) == [two]
    assert [pid for pid in running if alive(pid)] == []
    assert not here.exists()


def test_a_silent_agent_takes_no_commands_and_reports_on_those_it_has_when_it_speaks_again(stack: World) -> None:
    machine, ssm = machines(stack)[0], stack.client("ssm")
    sent = send(stack, machine, "echo done > $ROOT/done", "echo done")
    stack.control("POST", "agent", {"instance": machine, "online": False})
    found = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [machine]}])
    assert [one["PingStatus"] for one in found["InstanceInformationList"]] == ["ConnectionLost"]
    with refused("InvalidInstanceId"):
        send(stack, machine, "true")
    stack.control("POST", "agent", {"instance": machine, "online": True})
    assert sent.result()["StandardOutputContent"] == "done\n"


def test_a_command_nobody_sent_or_that_was_sent_just_now_is_unknown(stack: World) -> None:
    machine, ssm = machines(stack)[0], stack.client("ssm")
    stack.control("POST", "speed", {"speed": STILL})
    try:
        parameters = {"commands": ["true"]}
        made = ssm.send_command(InstanceIds=[machine], DocumentName="AWS-RunShellScript", Parameters=parameters)
        sent = Sent(stack, made["Command"]["CommandId"], machine)
        with refused("InvocationDoesNotExist"):
            sent.look()
        stack.pass_time(3)
        assert sent.look()["Status"] in {"Pending", "InProgress", "Success"}
    finally:
        stack.control("POST", "speed", {"speed": SPEED})


def test_what_a_machine_asks_of_aws_is_decided_by_its_role(stack: World) -> None:
    machine = machines(stack)[0]
    s3, ssm = stack.client("s3"), stack.client("ssm")
    bucket = next(one["Name"] for one in s3.list_buckets()["Buckets"] if "-artifacts-" in one["Name"])
    for number in range(12):
        ssm.put_parameter(Name=f"/deploy/box/dev/worker/KEY_{number}", Value=f"v{number}", Type="SecureString")
    ssm.put_parameter(Name="/deploy/box/dev/worker/build/TOKEN", Value="t", Type="SecureString")
    s3.put_object(Bucket=bucket, Key="releases/worker/one", Body=b"for us")
    s3.put_object(Bucket=bucket, Key="releases/other/one", Body=b"for others")
    region = "--region ap-northeast-2"
    read = (
        "const all = JSON.parse(require('fs').readFileSync(0)).Parameters;"
        "console.log(all.filter(one => one.Value.startsWith('v')).length)"
    )
    result = send(
        stack,
        machine,
        f"aws s3 cp --only-show-errors {region} s3://{bucket}/releases/worker/one -; echo",
        f"aws s3 cp --only-show-errors {region} s3://{bucket}/releases/worker/one $ROOT/one; cat $ROOT/one; echo",
        f"aws s3 cp --only-show-errors {region} s3://{bucket}/releases/other/one - || echo $?",
        f"aws s3 cp --only-show-errors {region} s3://{bucket}/releases/worker/none - || echo $?",
        f"aws ssm get-parameters-by-path {region} --path /deploy/box/dev/worker/ --with-decryption --output json"
        f' | node -e "{read}"',
        f"aws ssm get-parameters-by-path {region} --path /deploy/box/prod/ --with-decryption --output json || echo $?",
        f"aws ec2 create-tags {region} --resources $INSTANCE_ID --tags Key=awsdeploy:release,Value=one",
        f"aws s3 rm s3://{bucket}/releases/worker/one || echo $?",
    ).result()
    said = result["StandardOutputContent"].split("\n")
    assert said == ["for us", "for us", "1", "1", "12", "254", "252", ""], result["StandardErrorContent"]
    assert result["StandardErrorContent"].count("(403) when calling the HeadObject operation: Forbidden") == 2
    (found,) = stack.client("ec2").describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"]
    assert tags(found["Tags"])["awsdeploy:release"] == "one"
