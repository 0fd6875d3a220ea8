"""The commands of a rehearsal, replaced by ones that do nothing: a kill, a failure, Ctrl-C, and always the destroy."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from awsdeploy.rehearsal.commands import Rehearsal
from awsdeploy.rehearsal.project import Project, StackOptions

COMMAND = """\
trap 'exit 130' INT
number=${AWSDEPLOY_RECORDING##*/}
number=${number%%-*}
echo '{"at": 1.0, "call": "ec2:RunInstances", "outcome": "ok", "seconds": 0.1, "shape": {}}' >> "$AWSDEPLOY_RECORDING"
if [ "$number" = "$WAITS" ]; then while :; do sleep 0.02; done; fi
for one in $FAILS; do if [ "$number" = "$one" ]; then exit 4; fi; done
exit 0
"""
KILLED = 3
"""The number of the command that is to be killed."""


def rehearsal(folder: Path, waits: int | None = None, fails: str = "", stops_at: str = "") -> Rehearsal:
    """A rehearsal whose command number `waits` runs until it is stopped. Ctrl-C is typed at command `stops_at`."""
    project = Project(folder, StackOptions("rehearsal-1"))
    for service in ("front", "back"):
        (folder / "app" / service).mkdir(parents=True)
        (folder / "app" / service / "package.json").write_text("{}")
    project.begin(folder / "app")

    def say(line: str) -> None:
        if stops_at and line.startswith(f"{stops_at}:"):
            os.kill(os.getpid(), signal.SIGINT)

    script = f"WAITS={'' if waits is None else waits}\nFAILS='{fails}'\n{COMMAND}"
    return Rehearsal(project, say, program=("/bin/sh", "-c", script, "awsdeploy"))


def ran(one: Rehearsal) -> list[str]:
    return [command.name for command in one.commands]


def test_all_of_it(tmp_path: Path) -> None:
    one = rehearsal(tmp_path, waits=KILLED)
    one.run()
    assert ran(one) == ["up", "deploy", "change", "kill", "again", "status", "destroy"]
    assert [command.exit for command in one.commands] == [0, 0, 0, -9, 0, 0, 0]
    assert [command.killed_after for command in one.commands if command.killed_after] == ["ec2:RunInstances"]
    assert (one.destroyed, one.stopped, one.failed) == (True, False, [])
    assert all(len(command.rows) == 1 for command in one.commands)


def test_after_an_up_that_failed_it_is_destroyed(tmp_path: Path) -> None:
    one = rehearsal(tmp_path, fails="0")
    one.run()
    assert ran(one) == ["up", "status", "destroy"]
    assert [command.name for command in one.failed] == ["up"]
    assert one.destroyed


def test_a_failed_deploy_does_not_end_it(tmp_path: Path) -> None:
    one = rehearsal(tmp_path, waits=KILLED, fails="1")
    one.run()
    assert ran(one) == ["up", "deploy", "change", "kill", "again", "status", "destroy"]
    assert [command.name for command in one.failed] == ["deploy"]


def test_a_destroy_that_failed_is_tried_again(tmp_path: Path) -> None:
    one = rehearsal(tmp_path, fails="0 2 3")
    one.run()
    assert ran(one) == ["up", "status", "destroy", "destroy-2"]
    assert not one.destroyed


@pytest.mark.parametrize(
    ("at", "waits", "then"),
    [
        ("up", 0, ["up", "destroy"]),
        ("deploy", 1, ["up", "deploy", "destroy"]),
        ("again", 4, ["up", "deploy", "change", "kill", "again", "destroy"]),
        ("destroy", 6, ["up", "deploy", "change", "kill", "again", "status", "destroy"]),
    ],
)
def test_after_ctrl_c_it_is_destroyed(tmp_path: Path, at: str, waits: int, then: list[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    one = rehearsal(tmp_path, waits=waits, stops_at=at)
    one.run()
    assert ran(one) == then
    assert one.stopped
    assert one.destroyed == (at != "destroy")
    assert signal.getsignal(signal.SIGINT) is before


def test_only_a_change_in_place_and_a_machine_are_declared(tmp_path: Path) -> None:
    project = Project(tmp_path, StackOptions("rehearsal-1", "ap-northeast-2", "shop.example.com"))
    first = project.settings
    assert (str(first.stack), first.domain, first.dns.mode) == ("rehearsal-1-dev", "shop.example.com", "route53")
    project.change_in_place()
    assert "instances = 1\n" in project.config.read_text()
    project.add_machine()
    assert "instances = 2\n" in project.config.read_text()
