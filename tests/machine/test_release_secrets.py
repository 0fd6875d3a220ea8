"""Secrets of a release: in no output, no log of ours, no argument list; on the disk for the application alone."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from tests.machine.release_host import PROGRAM, ReleaseHost, application

pytestmark = [pytest.mark.slow, pytest.mark.npm]

SECRETS = {
    "/deploy/shop/prod/database/DB_PASSWORD": "hunter2/+hunter2",
    "/deploy/shop/prod/backend/JWT_SECRET": "a-secret-of-the-api\nin-two-lines",
    "/deploy/shop/prod/backend/build/NPM_TOKEN": "npm_0123456789abcdef",
}
OPEN = {"/deploy/shop/prod/database/DB_HOST": "db.example.com", "/deploy/shop/prod/database/DB_USER": "admin"}
SPILLED = ("hunter2/+hunter2", "hunter2%2F%2Bhunter2", "a-secret-of-the-api", "in-two-lines", "npm_0123456789abcdef")

TEMPLATES = {"REDIS_URL": "redis://{DB_USER}:{DB_PASSWORD}@{DB_HOST}", "DATABASE_HOST": "{DB_HOST}"}

FIRST, SECOND, THIRD = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb", "20260103T000000Z-ccccccc"


def watch(place: Path, ended: threading.Event, seen: set[str]) -> None:
    """Argument lists of the processes that begin meanwhile on the machine at `place`, and of no other test."""
    before, ours = set(os.listdir("/proc")), str(place).encode()
    while not ended.wait(0.02):  # the machine has more to do than to look
        for number in set(os.listdir("/proc")) - before:
            process = Path("/proc", number)
            try:
                if ours in (process / "environ").read_bytes():
                    seen.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue


def test_secrets_are_nowhere_to_be_seen(host: ReleaseHost, tools: Path) -> None:
    for name in ("node", "npm"):  # PM2 too, which is a program of node's
        host.tool(name, f'#!/bin/bash\nprintf "%s\\n" "$*" >>{host.place}/argv\nexec {tools}/bin/{name} "$@"\n')
    host.parameters = {**SECRETS, **OPEN}
    chatty = application("console.error(process.env.DB_PASSWORD, process.env.DATABASE_URL);\n" + PROGRAM)
    chatty["package.json"] = chatty["package.json"].replace(
        '"main"', '"scripts": {"build": "node -p process.env", "migrate": "node -p process.env"}, "main"'
    )
    crashing = {**chatty, "main.js": "throw new Error(JSON.stringify(process.env))"}
    failing = {**chatty, "package.json": chatty["package.json"].replace("node -p process.env", "exit 1; :", 1)}
    ended, seen = threading.Event(), set[str]()
    watcher = threading.Thread(target=watch, args=(host.place, ended, seen))
    watcher.start()
    try:
        runs = [host.deploy(FIRST, chatty, database=True, migrate="npm run migrate", variables=TEMPLATES)]
        runs.append(host.deploy(SECOND, crashing, database=True))
        runs.append(host.deploy(THIRD, failing, database=True))
        runs.append(host.run("restart"))
    finally:
        ended.set()
        watcher.join()
    assert [run.code for run in runs] == [0, 1, 1, 0], [run.output for run in runs]
    assert host.variables["JWT_SECRET"] == SECRETS["/deploy/shop/prod/backend/JWT_SECRET"]
    assert "npm_0123456789abcdef" not in host.ask("/environment")
    ours = [host.root / "var/log/awsdeploy", host.root / "var/lib/awsdeploy"]
    texts = {str(file): file.read_text() for folder in ours for file in folder.rglob("*") if file.is_file()}
    texts |= {f"output of run {number}": run.output for number, run in enumerate(runs)}
    texts |= {"arguments": (host.place / "argv").read_text(), "arguments seen": "\n".join(seen)}
    texts |= {"calls of aws": (host.aws / "calls").read_text()}
    assert not {(place, secret) for place, text in texts.items() for secret in SPILLED if secret in text}
    assert "***" in runs[0].output
    assert "db.example.com" in runs[0].output, "what is no secret stays readable"
    assert len(seen) > 20


def test_what_is_kept_is_for_the_applications_user_alone(host: ReleaseHost) -> None:
    host.parameters = {**SECRETS, **OPEN}
    assert host.deploy(FIRST, database=True).code == 0
    holding = []
    for file in host.root.rglob("*"):
        if file.is_file() and not file.is_symlink() and "hunter2" in file.read_text(errors="replace"):
            holding.append(file)
            shared = stat.S_IRWXG | stat.S_IRWXO
            assert not file.stat().st_mode & shared or not file.parent.stat().st_mode & shared, file
    assert {file.name for file in holding} == {"environment.json", "pm2.json", "dump.pm2"}
    assert not list((host.root / "srv/app/shared").rglob("build*.json")), "a build's secrets do not outlive it"


TELLING = "env; node -p 'JSON.stringify(process.env)'; cat .npmrc 2>/dev/null; echo npm_0123456789abcdef; exit 3"


def test_a_command_is_masked_and_leaves_nothing(host: ReleaseHost) -> None:
    """Also what is set since, what is for the build, and forms in which JSON and addresses have it."""
    host.parameters = {**SECRETS, **OPEN, "/deploy/shop/prod/backend/OLD": 'the "old" value'}
    assert host.deploy(FIRST, database=True).code == 0
    host.parameters |= {"/deploy/shop/prod/backend/OLD": "another value", "/deploy/shop/prod/backend/NEW": "set since"}
    told = host.run("exec", TELLING + "; echo another value, set since")
    assert (told.code, told.outcome["diagnosis"]) == (1, "The command ended with 3."), told.output
    spilled = (*SPILLED, 'the "old" value', r"the \"old\" value", "another value", "set since")
    assert not [secret for secret in spilled if secret in told.output]
    assert "OLD=***" in told.output
    assert "DB_HOST=db.example.com" in told.output, "what is no secret stays readable"
    folders = [host.root / "var/lib/awsdeploy", host.root / "var/log/awsdeploy"]
    texts = {file: file.read_text() for folder in folders for file in folder.rglob("*") if file.is_file()}
    assert not [file for file, text in texts.items() for secret in spilled if secret in text]
    records = host.root / "var/lib/awsdeploy"
    assert not list(records.glob("exec.*"))
    for number, left in ((signal.SIGTERM, 0), (signal.SIGKILL, 1)):
        process = host.start("exec", "echo $JWT_SECRET begun; sleep 60")
        assert process.stdout is not None
        assert process.stdout.readline() == "*** *** begun\n"
        (folder,) = records.glob("exec.*")
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IRWXU
        process.send_signal(number)
        process.wait(10)
        process.stdout.close()
        assert len(list(records.glob("exec.*"))) == left
    assert host.run("exec", "true").code == 0
    assert not list(records.glob("exec.*")), "also what a killed run has left"


def test_a_command_and_a_waiting_release_leave_a_releases_masks_alone(host: ReleaseHost) -> None:
    """A build under way goes on being masked, and its log stays whole, whatever else begins and ends meanwhile."""
    host.parameters = {**SECRETS, **OPEN}
    assert host.deploy(FIRST).code == 0
    gate = host.place / "gate"
    waits = f"while [ ! -e {gate} ]; do sleep 0.1; done"
    spilling = application(scripts={"build": f"echo built; {waits}", "start": "node main.js"})
    process = host.start("deploy", host.publish(SECOND, spilling, migrate="env"))
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "built":
            break
    assert host.run("exec", "true").code == 0
    waiting = host.run("restart", LOCK_SECONDS="0")
    assert "Another run is still in progress" in waiting.outcome["diagnosis"]
    gate.touch()
    said = process.stdout.read()
    process.stdout.close()
    assert process.wait() == 0, said
    assert "JWT_SECRET=***" in said
    assert not [secret for secret in SPILLED if secret in said]
