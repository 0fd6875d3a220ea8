"""`awsdeploy` in a process of its own, forked from one that has imported everything: most of a short command's work.

What matters stays real: words, folder, environment, streams, exit code, and a process that can be killed.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import UnknownServiceError

ROOT = Path(__file__).parents[1]
SCRIPT = Path(sys.executable).with_name("awsdeploy")
MODULES = """
    awsdeploy.architecture awsdeploy.architecture.https_readiness awsdeploy.architecture.differences_from_document
    awsdeploy.engine.teardown awsdeploy.engine.up
    awsdeploy.preflight.checks awsdeploy.dns.resolver awsdeploy.cost.inventory
""".split()
LENGTH = struct.Struct("!I")
SERVICES = (
    "acm autoscaling budgets cloudwatch dlm ec2 elbv2 iam logs rds resourcegroupstaggingapi route53 s3 s3control sns "
    "ssm sts"
).split()


class Warm:
    """Process from which commands are forked: one for each process that tests."""

    def __init__(self) -> None:
        self._channel, others = socket.socketpair()
        self._turn = threading.Lock()
        with others:
            command = [sys.executable, "-m", "tests.warm", str(others.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[others.fileno()])

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: str, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed script like `subprocess.run`: a timeout kills it and raises `subprocess.TimeoutExpired`."""
        told = json.dumps({"words": words, "folder": str(folder), "environment": dict(environment)}).encode()
        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode(errors="surrogateescape"))
            given.seek(0)
            with theirs, self._turn:
                streams = [given.fileno(), out.fileno(), err.fileno(), theirs.fileno()]
                socket.send_fds(self._channel, [LENGTH.pack(len(told))], streams)
                self._channel.sendall(told)
            pid = LENGTH.unpack(_exactly(ours, LENGTH.size))[0]
            ours.settimeout(timeout)
            try:
                code = int(_exactly(ours, 4))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([str(SCRIPT), *words], timeout) from None
            out.seek(0)
            err.seek(0)
            encoding = environment.get("PYTHONIOENCODING", "utf-8")
            said = [file.read().decode(encoding) for file in (out, err)]
            return subprocess.CompletedProcess([str(SCRIPT), *words], code, *said)


def _exactly(source: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = source.recv(size - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def _import_everything() -> None:
    import botocore.session
    import botocore.useragent

    from awsdeploy.aws.session import AwsSession
    from awsdeploy.cli.app import COMMANDS

    for module in (*(entry.module for entry in COMMANDS.values()), *MODULES):
        importlib.import_module(module)
    botocore.session.create_loader = loader = functools.cache(botocore.session.create_loader)
    cleaned = functools.cache(botocore.useragent.sanitize_user_agent_string_component)
    botocore.useragent.sanitize_user_agent_string_component = cleaned
    os.environ |= {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
    session = AwsSession()
    for service in SERVICES:
        session.raw(service, "ap-northeast-2")
        with contextlib.suppress(UnknownServiceError):
            loader(None).load_service_model(service, "paginators-1")
    gc.freeze()  # what is shared is not copied by counting it


def _asked(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read the request of a process, in a child of a child. Never returns elsewhere."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        length, fds, _, _ = socket.recv_fds(channel, LENGTH.size, 4)
        if not length:
            os._exit(0)
        told = json.loads(_exactly(channel, LENGTH.unpack(length)[0]))
        if os.fork() == 0:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (pid := os.fork()) == 0:
                return told, fds
            with socket.socket(fileno=fds[3]) as status:
                status.sendall(LENGTH.pack(pid))
                _, ended = os.waitpid(pid, 0)
                status.sendall(b"%4d" % os.waitstatus_to_exitcode(ended))
            os._exit(0)
        for fd in fds:
            os.close(fd)


def _become(told: Mapping[str, Any], fds: Sequence[int]) -> None:
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
    for fd in fds:
        os.close(fd)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    encoding = told["environment"].get("PYTHONIOENCODING")
    sys.stdout = open(1, "w", closefd=False, encoding=encoding)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False, buffering=1, encoding=encoding, errors="backslashreplace")  # noqa: SIM115
    os.chdir(told["folder"])
    os.environ.clear()
    # By this the sandbox knows whom it talks to, and can kill it.
    os.environ.update(told["environment"], AWS_SDK_UA_APP_ID=f"awsdeploy-{os.getpid()}")
    time.tzset()
    random.seed()
    sys.argv = [str(SCRIPT), *told["words"]]


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _import_everything()
        _become(*_asked(channel))
    from awsdeploy.cli import main

    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take down all that was imported takes longer than most commands
