"""Danger of changes, where it depends on the values: shorter periods delete what longer ones kept."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy.engine.resource import Danger
from awsdeploy.resources.database.changes import FEWER_BACKUPS, NO_EFFECT, RESTARTS, differences
from awsdeploy.resources.storage.bucket_setting import Expiry, expires_sooner

OLD, NONCURRENT = Expiry("old", days=90), Expiry("noncurrent", noncurrent=30)


def rules(*expiries: Expiry) -> list[dict[str, Any]]:
    return [one.rule() for one in expiries]


@pytest.mark.parametrize(
    ("before", "after", "deletes"),
    [
        ((OLD,), (Expiry("old", days=30),), True),
        ((OLD,), (Expiry("old", days=120),), False),
        ((OLD,), (Expiry("another name", days=90),), False),
        ((OLD,), (), False),
        ((), (OLD,), True),
        ((OLD,), (OLD, NONCURRENT), True),
        ((NONCURRENT,), (Expiry("noncurrent", noncurrent=7),), True),
        ((NONCURRENT,), (Expiry("noncurrent", noncurrent=60),), False),
        ((OLD,), (Expiry("temporary", prefix="temp/", days=100),), False),
        ((Expiry("temporary", prefix="temp/", days=1),), (Expiry("all", days=1),), True),
        ((), (Expiry("unfinished", unfinished=7),), False),
    ],
)
def test_rules_that_delete_files_sooner_are_known(
    before: tuple[Expiry, ...], after: tuple[Expiry, ...], deletes: bool
) -> None:
    assert expires_sooner(rules(*after), rules(*before)) == deletes


def test_a_rule_that_is_off_keeps_nothing_from_being_a_loss() -> None:
    assert expires_sooner(rules(OLD), [{**OLD.rule(), "Status": "Disabled"}])
    assert not expires_sooner([{**OLD.rule(), "Status": "Disabled"}], None)


DATABASE = {
    "EngineVersion": "8.0.42",
    "AllocatedStorage": 20,
    "EnabledCloudwatchLogsExports": [],
    "BackupRetentionPeriod": 1,
}


def test_a_database_is_upgraded_and_resized_with_an_outage_and_grows_without() -> None:
    rows = [("DBInstanceClass", "db.t3.micro", "db.t3.small", RESTARTS), ("MultiAZ", False, True, NO_EFFECT)]
    found = differences(DATABASE, rows, version="8.4", gigabytes=30, logs=[])
    assert {one.field: one.effect[1] for one in found} == {
        "DBInstanceClass": Danger.OUTAGE,
        "MultiAZ": Danger.NONE,
        "EngineVersion": Danger.OUTAGE,
        "AllocatedStorage": Danger.NONE,
    }
    assert FEWER_BACKUPS.danger is Danger.DATA_LOSS


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (1, "AWS takes a snapshot first"),
        (0, "AWS takes no snapshot, because automatic backups are off: awsdeploy backup now takes one"),
    ],
)
def test_an_upgrade_says_whether_there_is_a_snapshot_of_before(days: int, said: str) -> None:
    (found,) = differences({**DATABASE, "BackupRetentionPeriod": days}, (), version="8.4", gigabytes=20, logs=[])
    assert said in found.effect.impact
