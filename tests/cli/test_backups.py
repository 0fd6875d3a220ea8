"""backups, backup now, what a destroy keeps, and bringing the database back: by the installed command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.sandbox.control import RunningSandbox
from tests.account import leftovers
from tests.conftest import SPEED, forked
from tests.sampling import sampled
from tests.sandbox.sample_application import STILL
from tests.simulated import World, tags, writes

pytestmark = pytest.mark.slow

CONFIG = """\
name = "kept"
environment = "prod"
platform = "documented"

[network]
nat = false

[database]
multi_az = false
"""
DAY = 86400
NAMED = ("-e", "prod", "--region", "ap-northeast-2")
CONFIRMED = ("--confirm", "kept-prod")


@pytest.fixture
def empty_world(world: World) -> World:
    (world.folder / "config.toml").write_text(CONFIG)
    return world


@pytest.fixture(scope="module")
def stack_world(module_world: World) -> World:
    """The stack stands since a day, and AWS has made its first images."""
    module_world.until(19)  # the day's images are a day away
    module_world.up(module_world.settings(CONFIG))
    module_world.until(19)
    stand_still(module_world)
    return module_world


def stand_still(world: World) -> None:
    """No time passes in it while tests work on its forks."""
    world.control("POST", "speed", {"speed": STILL})


@contextmanager
def fork(world: World, folder: Path) -> Iterator[World]:
    (folder / "config.toml").write_text(CONFIG)
    with forked(RunningSandbox(**world.control("GET", "status") | {"speed": SPEED}), folder) as made:
        made.control("POST", "speed", {"speed": SPEED})
        yield made


@pytest.fixture
def stack_copy(stack_world: World, tmp_path: Path) -> Iterator[World]:
    with fork(stack_world, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def destroyed_stack(stack_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """The stack is gone but for what a destroy keeps; and what the destroy said."""
    with fork(stack_world, tmp_path_factory.mktemp("destroyed")) as made:
        gone = made.awsdeploy("destroy", *CONFIRMED)
        assert gone.returncode == 0, gone.stderr
        stand_still(made)
        yield made, gone.stdout


@pytest.fixture
def destroyed_copy(destroyed_stack: tuple[World, str], tmp_path: Path) -> Iterator[World]:
    with fork(destroyed_stack[0], tmp_path) as made:
        yield made


def listed(world: World) -> list[dict[str, Any]]:
    done = world.awsdeploy("backups", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["version"], told["stack"]) == (1, "kept-prod")
    backups: list[dict[str, Any]] = told["backups"]
    return backups


def snapshots(world: World) -> list[str]:
    found = world.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [one["DBSnapshotIdentifier"] for one in found]


@pytest.mark.parametrize("words", [("backups",), ("backup", "now")])
def test_of_nothing_nothing_can_be_backed_up(empty_world: World, words: tuple[str, ...]) -> None:
    done = empty_world.awsdeploy(*words)
    assert done.returncode == 6, done.stderr
    assert empty_world.control("GET", "calls")["writes"] == 0


def test_backups_lists_what_aws_has_made(stack_copy: World) -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for one in listed(stack_copy):
        by_kind.setdefault(one["what"], []).append(one)
    assert set(by_kind) == {"automatic backups", "machine image", "file versions"}
    (window,) = by_kind["automatic backups"]
    assert window["of"] == "database/mysql"
    assert window["since"] < window["at"]
    assert "last 7 days" in window["note"]
    assert {one["of"] for one in by_kind["machine image"]} == {"machines/frontend-1", "machines/backend-1"}
    assert {(one["gb"], one["monthly"]) for one in by_kind["machine image"]} == {(20, None)}
    assert stack_copy.control("GET", "calls")["writes"] == 0
    said = stack_copy.awsdeploy("backups").stdout
    assert "cost unknown" in said
    assert "backup now" in said


def test_backups_knows_buckets_that_keep_versions_for_how_long_and_where_copies_are(stack_copy: World) -> None:
    found = {one["of"]: one for one in listed(stack_copy) if one["what"] == "file versions"}
    assert set(found) == {"storage/uploads", "storage/replica"}, "the bucket of logs keeps none"
    uploads = found["storage/uploads"]
    assert "for 30 days" in uploads["note"]
    assert f"copied to {found['storage/replica']['id']}" in uploads["note"]
    s3 = stack_copy.client("s3")
    s3.put_bucket_versioning(Bucket=uploads["id"], VersioningConfiguration={"Status": "Suspended"})
    assert "storage/uploads" not in {one["of"] for one in listed(stack_copy)}


def test_backup_now_makes_a_snapshot_and_an_image_of_every_machine(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("backup", "now", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    made = {one["of"]: one for one in told["backups"]}
    assert {one["status"] for one in made.values()} == {"available"}
    assert made["database/mysql"]["monthly"] == 1.9
    assert set(made) == {"database/mysql", "machines/frontend-1", "machines/backend-1"}
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"creating", "waiting", "ready"} <= {line["phase"] for line in lines}
    assert {one["id"] for one in told["backups"]} <= {one["id"] for one in listed(stack_copy)}
    (snapshot,) = stack_copy.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert tags(snapshot["TagList"])["awsdeploy:resource"] == "database/mysql"
    calls = stack_copy.control("GET", "calls")["counts"]
    assert (calls["ec2:CreateImage"], calls["rds:CreateDBSnapshot"]) == (2, 1)
    assert writes(stack_copy.up(stack_copy.settings(CONFIG))) == {}, "backups are no drift"


def test_a_backup_does_not_restart_a_machine(stack_copy: World) -> None:
    before = stack_copy.client("ec2").describe_instances()["Reservations"]
    assert stack_copy.awsdeploy("backup", "now").returncode == 0
    after = stack_copy.client("ec2").describe_instances()["Reservations"]
    launched = [[one["LaunchTime"] for row in rows for one in row["Instances"]] for rows in (before, after)]
    assert launched[0] == launched[1]


@pytest.mark.parametrize("operation", sampled(["rds:CreateDBSnapshot", "ec2:CreateImage"]))
def test_a_lost_answer_makes_no_second_backup(stack_copy: World, operation: str) -> None:
    before = len(listed(stack_copy))
    stack_copy.control("POST", "fault", {"kind": "lost-answer", "write": 1, "operation": operation})
    done = stack_copy.awsdeploy("backup", "now")
    assert done.returncode == 0, done.stderr
    assert len(listed(stack_copy)) == before + 3


@pytest.mark.parametrize("write", sampled([3, 4, 5]))
def test_a_crash_in_a_backup_leaves_nothing_unseen(stack_copy: World, write: int) -> None:
    stack_copy.control("POST", "fault", {"kind": "kill-after", "write": write})
    assert stack_copy.awsdeploy("backup", "now").returncode == -9
    stack_copy.control("DELETE", "fault")
    assert stack_copy.awsdeploy("backup", "now").returncode == 0
    everything = stack_copy.awsdeploy("destroy", *CONFIRMED, "--everything")
    assert everything.returncode == 0, everything.stderr
    assert leftovers(stack_copy) == []


def test_a_backup_that_aws_refuses_is_4_and_the_rest_is_made(stack_copy: World) -> None:
    refuse = {"operation": "ec2:CreateImage", "code": "RequestExpectationFailed", "status": 400, "times": 1}
    stack_copy.control("POST", "refuse", refuse)
    done = stack_copy.awsdeploy("backup", "now")
    assert done.returncode == 4, done.stderr
    assert "RequestExpectationFailed" in done.stderr
    assert len(snapshots(stack_copy)) == 1
    assert (
        stack_copy.client("ssm").describe_parameters(
            ParameterFilters=[{"Key": "Name", "Values": ["/deploy/kept/prod/lock"]}]
        )["Parameters"]
        == []
    )


def test_a_backup_waits_its_turn(stack_copy: World) -> None:
    now = datetime.now(UTC).isoformat()
    held = json.dumps({"who": "ann", "where": "laptop", "pid": 7, "since": now, "command": "up", "renewed": now})
    stack_copy.client("ssm").put_parameter(Name="/deploy/kept/prod/lock", Value=held, Type="String")
    done = stack_copy.awsdeploy("backup", "now")
    assert done.returncode == 75, done.stderr
    assert "ann on laptop" in done.stderr


def test_destroy_keeps_backups_with_their_cost_and_names_what_removes_them(destroyed_stack: tuple[World, str]) -> None:
    world, said = destroyed_stack
    (final,) = snapshots(world)
    assert "-final-" in final
    assert f"DB snapshot {final}: the database's last state ($1.90 a month)" in said
    assert len(re.findall(r"machine image ami-\w+: machines/\w+-1 as it was on .* \(cost unknown\)", said)) == 2
    assert len(re.findall(r"disk snapshot snap-\w+: 20 GB disk of machines/\w+-1 \(cost unknown\)", said)) == 2
    assert said.rstrip().endswith("awsdeploy destroy --everything")
    assert len([one for one in leftovers(world) if not one.startswith(("ami-", "snap-"))]) == 1


def test_everything_removes_what_was_kept_and_then_nothing_is_left(destroyed_copy: World) -> None:
    (destroyed_copy.folder / "config.toml").unlink()
    removed = destroyed_copy.awsdeploy("destroy", "--name", "kept", *NAMED, *CONFIRMED, "--everything")
    assert removed.returncode == 0, removed.stderr
    assert "2 machine images" in removed.stdout
    assert "kept on purpose" not in removed.stdout.lower()
    assert leftovers(destroyed_copy) == []
    again = destroyed_copy.awsdeploy("destroy", "--name", "kept", *NAMED, *CONFIRMED, "--everything")
    assert again.returncode == 6
    assert "Stack kept-prod does not exist" in again.stderr


def test_destroy_without_a_config_names_the_flags_that_lead_to_the_same_stack(destroyed_copy: World) -> None:
    done = destroyed_copy.awsdeploy("destroy", "--name", "kept", *NAMED, *CONFIRMED, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["removes_kept"].endswith("awsdeploy destroy --name kept --everything -e prod --region ap-northeast-2")
    assert {(one["kind"], one["monthly"]) for one in told["kept"]} == {
        ("Snapshot", 1.9),
        ("Image", None),
        ("EbsSnapshot", None),
    }


def test_many_kept_images_are_counted_not_listed(stack_copy: World) -> None:
    stack_copy.pass_time(3 * DAY)
    done = stack_copy.awsdeploy("destroy", *CONFIRMED)
    assert "8 machine images: machines/" in done.stdout
    assert len(done.stdout.splitlines()) < 15


def test_dev_keeps_nothing(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").write_text(CONFIG.replace("platform", 'preset = "dev"\nplatform'))
    assert stack_copy.awsdeploy("destroy", *CONFIRMED).returncode == 0
    assert leftovers(stack_copy) == []


def test_an_image_that_comes_while_the_stack_goes_is_removed_too(stack_copy: World) -> None:
    """AWS makes the day's images when the destroy has already looked."""
    settings = stack_copy.settings(CONFIG)
    looked: list[str] = []

    def at_the_first_deletion(event: Any) -> None:
        if event.phase == "deleting" and not looked:
            looked.append(event.key)
            stack_copy.pass_time(DAY)

    stack_copy.on_event = at_the_first_deletion
    assert stack_copy.destroy(settings) == []
    assert leftovers(stack_copy) == []


def test_a_stack_that_lost_its_database_is_offered_the_snapshot(destroyed_copy: World) -> None:
    (final,) = snapshots(destroyed_copy)
    said = destroyed_copy.awsdeploy("plan").stdout
    assert f"--restore-snapshot {final}" in said
    assert "20 GB" in said
    assert f"--restore-snapshot {final}" in destroyed_copy.awsdeploy("backups").stdout


def test_the_database_comes_back_from_its_snapshot_with_the_settings_and_a_password_of_now(
    destroyed_copy: World,
) -> None:
    (final,) = snapshots(destroyed_copy)
    destroyed_copy.control("DELETE", "calls")
    up = destroyed_copy.awsdeploy("up", "--yes", "--restore-snapshot", final)
    assert up.returncode == 0, up.stderr
    counts = destroyed_copy.control("GET", "calls")["counts"]
    assert "rds:CreateDBInstance" not in counts
    (found,) = destroyed_copy.client("rds").describe_db_instances()["DBInstances"]
    assert (found["BackupRetentionPeriod"], found["MaxAllocatedStorage"], found["DeletionProtection"]) == (7, 100, True)
    assert tags(found["TagList"])["awsdeploy:restored-from"] == final
    # The password of the snapshot is an old one: the database has learned the one in Parameter Store.
    ssm = destroyed_copy.client("ssm")
    ending = [{"Key": "Name", "Option": "Contains", "Values": ["DB_PASSWORD"]}]
    (name,) = [one["Name"] for one in ssm.describe_parameters(ParameterFilters=ending)["Parameters"]]
    password = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert tags(found["TagList"])["awsdeploy:incarnation"].startswith(tags(password)["awsdeploy:incarnation"])
    assert counts["rds:ModifyDBInstance"] >= 1
    assert writes(destroyed_copy.up(destroyed_copy.settings(CONFIG))) == {}
    same = destroyed_copy.awsdeploy("up", "--yes", "--restore-snapshot", final)
    assert same.returncode == 0, same.stderr
    assert "No changes" in same.stdout


@pytest.mark.torture
def test_a_crash_while_the_snapshot_is_restored_is_survived_by_the_same_command(destroyed_copy: World) -> None:
    (final,) = snapshots(destroyed_copy)
    words = ("up", "--yes", "--restore-snapshot", final)
    fault = {"kind": "kill-after", "write": 1, "operation": "rds:RestoreDBInstanceFromDBSnapshot"}
    destroyed_copy.control("POST", "fault", fault)
    assert destroyed_copy.awsdeploy(*words).returncode == -9
    destroyed_copy.control("DELETE", "fault")
    again = destroyed_copy.awsdeploy(*words)
    assert again.returncode == 0, again.stderr
    assert len(destroyed_copy.client("rds").describe_db_instances()["DBInstances"]) == 1


def test_a_snapshot_is_not_put_into_a_database_that_stands(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("up", "--yes", "--restore-snapshot", "any")
    assert done.returncode == 64, done.stderr
    assert "--replace database/mysql" in done.stderr
    assert stack_copy.control("GET", "calls")["writes"] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("documented", "supported"), "database.engine_version"),
        (("[database]", '[database]\nusername = "other"'), "database.username"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_before_anything_is_made(
    destroyed_copy: World, change: tuple[str, str], said: str
) -> None:
    (final,) = snapshots(destroyed_copy)
    (destroyed_copy.folder / "config.toml").write_text(CONFIG.replace(*change))
    done = destroyed_copy.awsdeploy("up", "--yes", "--restore-snapshot", final)
    assert done.returncode == 5, done.stderr
    assert said in done.stderr
    unknown = destroyed_copy.awsdeploy("up", "--yes", "--restore-snapshot", "nothing")
    assert unknown.returncode == 5
    assert destroyed_copy.control("GET", "calls")["writes"] == 0
