"""A machine in a throwaway root: the release agent really runs there, with Node.js, npm and PM2; only AWS is played."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from awsdeploy.resources.compute.bootstrap import release_script
from awsdeploy.sandbox.machines.toolchain import PM2
from tests.ports import free_port

STACK, SERVICE, REGION, BUCKET = "shop/prod", "backend", "ap-northeast-2", "artifacts"

AWS = f"""\
#!{sys.executable} -IS
# Plays the AWS CLI: objects are files, parameters a file for each path; what was asked for is written down. A release
# starts it six times: it imports next to nothing.
import os, sys

place, words = os.environ["PLAYED_AWS"], sys.argv[1:]
with open(place + "/calls", "a") as calls:
    calls.write(repr(words) + "\\n")
if words[:2] == ["s3", "cp"]:
    source, target = [word for word in words[2:] if not word.startswith("-")][1:] if "--region" in words else words[2:4]
    stored = place + "/objects/" + source.removeprefix("s3://{BUCKET}/")
    if not os.path.isfile(stored):
        sys.exit("fatal error: An error occurred (404) when calling the HeadObject operation: Key does not exist")
    with open(stored, "rb") as given, open(target, "wb") as taken:
        taken.write(given.read())
elif words[:2] == ["ssm", "get-parameters-by-path"]:
    import json

    path = words[words.index("--path") + 1]
    stored = json.load(open(place + "/parameters.json"))
    found = [{{"Name": name, "Value": value}} for name, value in stored.items() if name.rpartition("/")[0] == path]
    print(json.dumps({{"Parameters": found}}, indent=4))
elif words[:2] != ["ec2", "create-tags"]:
    sys.exit(f"not played: {{words}}")
"""

CURL = f"""\
#!{sys.executable}
# Plays curl: what is asked for is written down, and answered if PLAYED_AWS has a file for it.
import os, pathlib, shutil, sys

place, words = pathlib.Path(os.environ["PLAYED_AWS"]), sys.argv[1:]
with (place / "asked").open("a") as asked:
    asked.write(words[-1] + "\\n")
if not (place / "rds-ca.pem").is_file():
    sys.exit("curl: (22) The requested URL returned error: 503")
shutil.copyfile(place / "rds-ca.pem", words[words.index("--output") + 1])
"""

PROGRAM = """\
const http = require('http');
const server = http.createServer((request, response) => {
  const health = request.url === '/health';
  response.statusCode = health || request.url === '/environment' ? 200 : 404;
  response.setHeader('Connection', 'close');
  response.end(health ? process.env.RELEASE_ID : JSON.stringify(process.env));
});
server.listen(process.env.PORT);
process.on('SIGINT', () => server.close(() => process.exit()));
"""


def application(program: str = PROGRAM, **package: Any) -> dict[str, str]:
    """The files of a repository without dependencies."""
    described = {"name": "tiny", "version": "1.0.0", "main": "main.js", **package}
    root = {"name": "tiny", "version": "1.0.0"}
    lock = {**root, "lockfileVersion": 3, "requires": True, "packages": {"": root}}
    return {"package.json": json.dumps(described), "package-lock.json": json.dumps(lock), "main.js": program}


@dataclass
class Run:
    """Result of a run of the script."""

    code: int
    output: str
    outcome: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        last = self.output.splitlines()[-1] if self.output else ""
        self.outcome = json.loads(last.removeprefix("@outcome ")) if last.startswith("@outcome ") else {}

    @property
    def steps(self) -> list[str]:
        return [line.removeprefix("@step ") for line in self.output.splitlines() if line.startswith("@step ")]

    @property
    def tail(self) -> list[str]:
        return [line for line in self.output.splitlines() if line.startswith("| ")]


class ReleaseHost:
    def __init__(self, toolchain: Path) -> None:
        # PM2 has sockets below its home, and a socket's path may have a hundred characters only.
        self.place = Path(tempfile.mkdtemp(prefix="host-"))
        self.root, self.aws, self.tools = self.place / "root", self.place / "aws", self.place / "tools"
        for folder in (self.root, self.aws / "objects", self.tools):
            folder.mkdir(parents=True)
        self.tool("aws", AWS)
        self.script = self.place / "release.sh"
        self.script.write_bytes(release_script())
        self.port = free_port()
        self.parameters: dict[str, str] = {}
        self.environment = {
            "PATH": f"{self.tools}:{toolchain / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home/app"),
            "ROOT": str(self.root),
            "INSTANCE_ID": "i-0123456789abcdef0",
            "PLAYED_AWS": str(self.aws),
            "PATIENCE": "6",
            "npm_config_cache": str(toolchain / "npm-cache"),
            "npm_config_update_notifier": "false",
        }

    def tool(self, name: str, text: str) -> None:
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def publish(self, id: str, files: Mapping[str, str] | None = None, /, **manifest: Any) -> str:
        """Put a release into the bucket, as the client does."""
        stored = self.aws / "objects/releases" / SERVICE
        stored.mkdir(parents=True, exist_ok=True)
        sent = {
            "version": 1,
            "id": id,
            "commit": "1a2b3c4" * 5 + "00000",
            "ref": "main",
            "directory": ".",
            "port": self.port,
            "health": "/health",
            "processes": 1,
            "migrate": "",
            "keep": 5,
            "memory_mb": 0,
            "environment": {"NODE_ENV": "production", "PORT": str(self.port), "RELEASE_ID": id},
            "database": False,
            **manifest,
        }
        (stored / f"{id}.json").write_text(json.dumps(sent))
        with tarfile.open(stored / f"{id}.tar.gz", "w:gz") as archive:
            for name, text in (application() if files is None else files).items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        return id

    def name_current(self, id: str) -> None:
        (self.aws / "objects/releases" / SERVICE / "current.json").write_text(json.dumps({"id": id}))

    def start(self, command: str, *more: str, **environment: str) -> subprocess.Popen[str]:
        (self.aws / "parameters.json").write_text(json.dumps(self.parameters))
        return subprocess.Popen(
            ["bash", self.script, command, STACK, SERVICE, REGION, BUCKET, *more],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str, *more: str, **environment: str) -> Run:
        process = self.start(command, *more, **environment)
        output, _ = process.communicate(timeout=120)
        return Run(process.returncode, output)

    def deploy(self, id: str, files: Mapping[str, str] | None = None, /, **manifest: Any) -> Run:
        return self.run("deploy", self.publish(id, files, **manifest))

    def killed(self, step: str, *words: str, after: float = 0.0) -> None:
        """Start it, and kill -9 it some time (s) after this step has begun. Only the script: what it started lives."""
        process = self.start(*words)
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == f"@step {step}":
                break
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    def ask(self, path: str = "/health", port: int | None = None) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    @property
    def variables(self) -> dict[str, str]:
        """The environment that the program really has."""
        found: dict[str, str] = json.loads(self.ask("/environment"))
        return found

    @property
    def serving(self) -> str | None:
        try:
            return self.ask()
        except (urllib.error.URLError, ConnectionError):
            return None

    @property
    def current(self) -> str | None:
        link = self.root / "srv/app/current"
        return link.readlink().name if link.is_symlink() else None

    @property
    def calls(self) -> list[list[str]]:
        return [ast.literal_eval(line) for line in (self.aws / "calls").read_text().splitlines()]

    @property
    def tags(self) -> list[str]:
        return [call[-1] for call in self.calls if call[:2] == ["ec2", "create-tags"]]

    def pm2(self, *words: str) -> str:
        done = subprocess.run(["pm2", *words], env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout

    @property
    def processes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.pm2("jlist").splitlines()[-1])
        return found

    def close(self) -> None:
        self.end_programs()
        shutil.rmtree(self.place, ignore_errors=True)

    def end_programs(self) -> None:
        """Kill PM2 and all that it runs, as a power loss does: PM2 is not started only to be told to end."""
        home = self.root / "home/app/.pm2"
        if not (home / "pm2.pid").exists():
            return
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        doomed = [row[0] for row in rows if row[2:] == [f"PM2 v{PM2}: God Daemon ({home})"]]
        for one in doomed:  # the daemon first: it would start again what has ended
            doomed += [row[0] for row in rows if row[1] == one]
        for one in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(one), signal.SIGKILL)
        if not doomed:  # a system whose `ps` does not show this
            self.pm2("kill")


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what other processes bring about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)
