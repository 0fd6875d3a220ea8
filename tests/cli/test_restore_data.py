"""restore database with data: rows of before the time are there, later ones are not; a kill at any write recovers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from awsdeploy.sandbox.machines import mysql
from tests.conftest import SPEED
from tests.sandbox.test_database_servers import ran
from tests.simulated import World, machines, writes

pytestmark = [
    pytest.mark.npm,
    pytest.mark.skipif(mysql.program() is None, reason="no MariaDB server on this machine"),
]

CONFIG = """\
name = "rows"
environment = "dev"
platform = "supported"
"""
HOUR = 3600
WRITES = 13
"""Writes of an undisturbed restore, the lock of the stack included."""
KILLS = range(1, WRITES + 1)
SAMPLE = Random(20261128).sample(KILLS, 1)

SQL = """\
set -e
folder=/deploy/rows/dev/database
aws ssm get-parameters-by-path --path $folder --with-decryption --output json > $TMPDIR/parameters
value() {{
  node -p "JSON.parse(fs.readFileSync('$TMPDIR/parameters')).Parameters.find((x) => x.Name === '$folder/$1').Value"
}}
export MYSQL_PWD=$(value DB_PASSWORD)
where="--host=$(value DB_HOST) --port=$(value DB_PORT) --ssl --skip-ssl-verify-server-cert"
mariadb --no-defaults $where --user=$(value DB_USER) --batch --skip-column-names -e {} $(value DB_NAME) 2>&1
"""


@pytest.fixture
def stack(brought_up: Callable[[str], World]) -> World:
    """The stack, in which time passes as slowly as here, so that a test says when hours pass."""
    world = brought_up(CONFIG)
    world.control("POST", "speed", {"speed": 1})
    return world


def sql(world: World, statement: str) -> str:
    """The answer of the database, asked from a machine by the endpoint in Parameter Store."""
    return ran(world, machines(world)["backend-1"], SQL.format(shlex.quote(statement))).strip()


def now(world: World) -> float:
    return float(world.control("GET", "status")["now"])


def moment(world: World) -> str:
    return datetime.fromtimestamp(now(world), UTC).isoformat()


def awsdeploy(world: World, *words: str) -> Any:
    clock = f"{SPEED}:{datetime.now(UTC).timestamp()}:{now(world)}"
    return world.awsdeploy(*words, AWSDEPLOY_CLOCK=clock, timeout=300)


def with_two_rows(world: World) -> str:
    """A time between the first row and the second."""
    assert sql(world, "CREATE TABLE item (name VARCHAR(20)); INSERT INTO item VALUES ('before')") == ""
    world.pass_time(HOUR)
    then = moment(world)
    world.pass_time(HOUR)
    assert sql(world, "INSERT INTO item VALUES ('after')") == ""
    world.pass_time(HOUR)
    assert names(world) == ["after", "before"]
    world.control("POST", "speed", {"speed": SPEED})
    return then


def names(world: World) -> list[str]:
    return sorted(sql(world, "SELECT name FROM item").split())


def endpoint(world: World) -> str:
    return str(world.client("ssm").get_parameter(Name="/deploy/rows/dev/database/DB_HOST")["Parameter"]["Value"])


def test_rows_of_before_the_time_are_there_and_later_ones_are_not(stack: World) -> None:
    then, before = with_two_rows(stack), endpoint(stack)
    done = awsdeploy(stack, "restore", "database", "--to", then, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["endpoint"] == f"{before}:3306"
    assert told["tables"] == 1
    assert names(stack) == ["before"]
    assert endpoint(stack) == before
    assert writes(stack.up(stack.settings(CONFIG))) == {}
    undone = awsdeploy(stack, "restore", "undo", "--confirm", "rows-dev")
    assert undone.returncode == 0, undone.stderr
    assert names(stack) == ["after", "before"]


@pytest.mark.parametrize(
    "write", [pytest.param(one, marks=[] if one in SAMPLE else [pytest.mark.torture]) for one in KILLS]
)
def test_a_kill_at_a_write_recovers(stack: World, write: int) -> None:
    then, before = with_two_rows(stack), endpoint(stack)
    words = ("restore", "database", "--to", then, "--yes")
    stack.control("POST", "fault", {"kind": "kill-after", "write": write})
    assert awsdeploy(stack, *words).returncode == -9
    stack.control("DELETE", "fault")
    again = awsdeploy(stack, *words)
    assert again.returncode == 0, again.stderr
    assert names(stack) == ["before"]
    assert endpoint(stack) == before
    found = stack.client("rds").describe_db_instances()["DBInstances"]
    assert len(found) == 2
    finished = awsdeploy(stack, "restore", "finish", "--confirm", "rows-dev")
    assert finished.returncode == 0, finished.stderr
    assert names(stack) == ["before"]
    assert len(stack.client("rds").describe_db_instances()["DBInstances"]) == 1
    assert writes(stack.up(stack.settings(CONFIG))) == {}


def test_a_drill_counts_the_rows_measures_and_leaves_nothing(stack: World) -> None:
    with_two_rows(stack)
    before = stack.client("rds").describe_db_instances()["DBInstances"]
    assert "never" in awsdeploy(stack, "backups").stdout
    done = awsdeploy(stack, "drill", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["tables"], told["rows"]) == (1, 2)
    assert told["rto"] > 300, "AWS seconds"
    assert told["rpo"] >= 300
    after = stack.client("rds").describe_db_instances()["DBInstances"]
    assert [one["DbiResourceId"] for one in after] == [one["DbiResourceId"] for one in before]
    listed = json.loads(awsdeploy(stack, "backups", "--json").stdout)
    assert listed["last_drill"]["rows"] == 2
    assert "1 tables, 2 rows" in awsdeploy(stack, "backups").stdout
    assert writes(stack.up(stack.settings(CONFIG))) == {}


@pytest.mark.parametrize("write", [pytest.param(one, marks=pytest.mark.torture) for one in range(1, 10)])
def test_a_kill_in_a_drill_leaves_nothing_after_the_next(stack: World, write: int) -> None:
    with_two_rows(stack)
    stack.control("POST", "fault", {"kind": "kill-after", "write": write})
    assert awsdeploy(stack, "drill", "--yes").returncode == -9
    stack.control("DELETE", "fault")
    again = awsdeploy(stack, "drill", "--yes", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["rows"] == 2
    assert len(stack.client("rds").describe_db_instances()["DBInstances"]) == 1
