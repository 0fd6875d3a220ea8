"""Control of the sandbox's process: start, find, call and stop it. Knows nothing of moto or boto3."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from awsdeploy.errors import UsageError
from awsdeploy.sandbox import extras
from awsdeploy.sandbox.server.keys import HEADER, Keys
from awsdeploy.state.files import need_own, own_folder, read, unlinked

START_DEADLINE = 30.0
"""Real seconds a server may take until it answers."""

# No proxy stands between this machine and itself, whatever the environment says.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that answers. `speed`: AWS seconds in one real second; `now`: its own time, epoch seconds.

    `secret`: what its owner proves to be the owner by.
    """

    pid: int
    port: int
    speed: float
    started: float
    version: str
    now: float
    secret: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> Keys:
        return Keys(self.secret)


def start(home: Path, speed: float = 60, idle: float = 3600) -> RunningSandbox:
    """The running server of this home, or a new one that outlives us.

    Raises `UsageError` if moto is not installed or the server does not come up, `Refused` if the home is a link.
    """
    own_folder(home).chmod(0o700)
    with _locked(home):
        running = status(home)
        if running is None:
            return _spawn(home, speed, idle)
        if running.speed != speed:
            call(running, "POST", "speed", {"speed": speed})
            running = status(home) or running
        return running


def stop(home: Path) -> bool:
    """Stop the server of this home and wait until it is gone. False: none was running."""
    running = status(home)
    if running is None:
        return False
    call(running, "POST", "stop")
    _until(lambda: status(home) is None, START_DEADLINE)
    (home / "server.json").unlink(missing_ok=True)
    return True


def status(home: Path) -> RunningSandbox | None:
    """The server of this home, if it answers as the process that its record names.

    After a crash anybody may listen at its port, so nothing is sent there unless that process lives and is the user's.
    """
    need_own(home)
    try:
        record = json.loads(read(home / "server.json"))
        port, pid, secret = int(record["port"]), int(record["pid"]), str(record["secret"])
        if pid <= 0:
            return None
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    try:
        answer = _request("GET", f"http://127.0.0.1:{port}/_sandbox/status", secret)
        server = RunningSandbox(**answer)
    except (OSError, ValueError, TypeError):
        return None
    return server if server.pid == pid else None


def ended(home: Path) -> bool:
    """Tell if a server of this home has ended by itself or was killed. Only `stop` removes its record."""
    return (home / "server.json").exists() and status(home) is None


def reset(home: Path) -> None:
    """Begin with an empty world. Raises `UsageError` if no server runs."""
    running = status(home)
    if running is None:
        raise UsageError("No sandbox is running.", "Add --sandbox to any command: it starts one.")
    call(running, "POST", "reset")


def call(server: RunningSandbox, method: str, action: str, value: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One control call. Raises `UsageError` if the server refuses it or is gone."""
    try:
        return _request(method, f"{server.url}/_sandbox/{action}", server.secret, value)
    except urllib.error.HTTPError as refusal:
        raise UsageError(f"The sandbox refuses {action}: {refusal.read().decode(errors='replace')}") from None
    except OSError as gone:
        raise UsageError(f"The sandbox does not answer: {gone}", "Run the command again: it starts one.") from None


def client(server: RunningSandbox, region: str = "ap-northeast-2") -> dict[str, str]:
    """The variables by which any AWS client talks to this server as its owner."""
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": server.keys.owner,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def environment(server: RunningSandbox) -> dict[str, str | None]:
    """Variables with which a client uses this server and nothing else; None: not set."""
    wiped = dict.fromkeys(
        [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")]
        + "AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_ROLE_ARN".split()
        + "AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI".split()
        + "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_CA_BUNDLE".split()
    )
    loopback = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1"]))
    return {
        **wiped,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": server.keys.owner,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_USE_FIPS_ENDPOINT": "false",
        "AWS_USE_DUALSTACK_ENDPOINT": "false",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "AWSDEPLOY_SETTLE": f"{60 / server.speed:g}",
        "AWSDEPLOY_POLL_FLOOR": f"{min(0.5, max(0.02, 5 / server.speed)):g}",
        "AWSDEPLOY_CLOCK": f"{server.speed:g}:{time.time():.3f}:{server.now:.3f}",
        "AWSDEPLOY_CHECKIP_URL": f"{server.url}/_sandbox/address",
        "AWSDEPLOY_NAMESERVER": f"127.0.0.1:{server.port}",
        "AWSDEPLOY_LINKS": f"{server.url}/_sandbox/link/{server.keys.link}",
        # botocore writes it into the User-Agent; the kill faults read it there.
        "AWS_SDK_UA_APP_ID": f"awsdeploy-{os.getpid()}",
    }


def _spawn(home: Path, speed: float, idle: float) -> RunningSandbox:
    if importlib.util.find_spec("moto") is None:
        raise UsageError("The sandbox needs moto, which is not installed.", extras.command("sandbox"))
    (home / "server.json").unlink(missing_ok=True)
    with open(home / "server.log", "wb", opener=unlinked) as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "awsdeploy.sandbox", "--home", str(home.resolve())),
                *("--speed", f"{speed:g}", "--idle", f"{idle:g}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _until(lambda: status(home) is not None or process.poll() is not None, START_DEADLINE)
    running = status(home)
    if running is None:
        if process.poll() is None:
            process.kill()
            process.wait()
        tail = (home / "server.log").read_text(errors="replace").strip()[-2000:]
        raise UsageError(f"The sandbox did not start:\n{tail or 'it said nothing'}", f"See {home / 'server.log'}.")
    return running


def _until(done: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)


def _request(method: str, url: str, secret: str, value: Mapping[str, Any] | None = None) -> dict[str, Any]:
    body = None if value is None else json.dumps(value).encode()
    headers = {"Content-Type": "application/json", HEADER: secret}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310  # always http
    with _DIRECT.open(request, timeout=START_DEADLINE) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


@contextmanager
def _locked(home: Path) -> Iterator[IO[str]]:
    """One process at a time starts a server here."""
    with open(home / "start.lock", "w", opener=unlinked) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
