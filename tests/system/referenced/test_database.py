"""A stack with a database of somebody else: it is reached, and stays as it was."""

from __future__ import annotations

import json

import pytest

from awsdeploy.errors import Refused
from awsdeploy.release.environment import Variable, need_database_password
from tests.release.apps import SERVER, application
from tests.release.repository import commit, git
from tests.simulated import World
from tests.system.referenced.owner import OwnDatabase, OwnVpc, make_database, make_vpc, writes
from tests.system.referenced.test_vpc import BASE, done, write_config

pytestmark = pytest.mark.slow

WORKER = "\n[services.frontend]\n[services.backend]\n[services.worker]\n"


@pytest.fixture
def own(world: World) -> OwnVpc:
    return make_vpc(world)


@pytest.fixture
def database(own: OwnVpc) -> OwnDatabase:
    return make_database(own)


def config(own: OwnVpc, database: OwnDatabase) -> str:
    """A stack that uses both; its database needs no subnets of ours."""
    return BASE + own.config.replace("private_subnets", "# private_subnets") + database.config


def parameter(world: World, name: str) -> str:
    answer = world.client("ssm").get_parameter(Name=f"/deploy/shop/dev/database/{name}", WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def client_group(world: World, service: str) -> str:
    """The security group of a service."""
    tag = [{"Name": "tag:awsdeploy:resource", "Values": [f"security/{service}"]}]
    return str(world.client("ec2").describe_security_groups(Filters=tag)["SecurityGroups"][0]["GroupId"])


def test_a_stack_uses_a_database_that_is_not_its_own(world: World, own: OwnVpc, database: OwnDatabase) -> None:
    before = database.description()
    write_config(world, config(own, database) + WORKER)
    world.control("DELETE", "calls")
    plan = done(world, "plan --full")
    assert "orders-db does not let the machines of backend and worker connect" in plan
    assert f"database {database.id}" in plan.partition("Used, not created or changed")[2]
    assert "database/mysql" not in plan
    assert "of database" not in plan, "the bill leaves it out"
    # Killed in the middle of it, and its record lost.
    world.control("POST", "fault", {"kind": "kill-after", "write": 25})
    done(world, "up --yes", -9)
    (world.folder / ".awsdeploy" / "shop-dev.json").unlink()
    up = done(world, "up --yes")
    backend, worker = client_group(world, "backend"), client_group(world, "worker")
    assert f"--group-id {database.group} --protocol tcp --port 3306 --source-group {backend}\n" in up
    assert f"--source-group {worker}\n" in up
    assert database.description() == before
    assert parameter(world, "DB_HOST").startswith("orders-db.")
    assert [parameter(world, name) for name in ("DB_PORT", "DB_NAME", "DB_USER")] == ["3306", "orders", "shop"]
    database.let_in(backend)
    database.let_in(worker)
    let_in = database.description()
    assert "does not let" not in done(world, "status")
    (world.folder / ".awsdeploy" / "shop-dev.json").unlink()
    assert "No changes" in done(world, "up --yes")
    for words in ("drill --yes", "restore database --to 30m --yes", "up --yes --restore-snapshot x"):
        assert "orders-db (database.instance) is used by shop-dev and not managed by it" in done(world, words, 5)
    done(world, "backup now")
    assert database.description() == let_in
    done(world, "report --output report.html")
    database.lock_out()
    assert "database orders-db with its data and backups" in done(world, "destroy --confirm shop-dev --everything")
    assert database.description() == before
    assert {call["call"] for call in writes(world) if call["call"].startswith("rds:")} == set()


@pytest.mark.npm
def test_its_address_and_password_reach_the_program(world: World, own: OwnVpc, database: OwnDatabase) -> None:
    write_config(world, config(own, database))
    done(world, "up --yes")
    git(world.folder, "init", "-q", "-b", "main")
    commit(world.folder, {**application(SERVER), ".gitignore": ".awsdeploy/\n"})
    assert "its password is not set" in done(world, "deploy backend", 5)
    done(world, "env set backend DB_PASSWORD=of-the-owner")
    assert "backend: " in done(world, "deploy backend")
    said = done(world, "exec backend -- printenv DB_PORT DB_NAME DB_USER DB_PASSWORD DATABASE_URL")
    assert said.startswith("3306\norders\nshop\n***\n***\n"), "secrets are masked"
    before = database.description()
    done(world, "pause --yes")
    assert database.description() == before


def conflicts(world: World, text: str) -> str:
    """Conflicts of a plan, before anything is created."""
    world.control("DELETE", "calls")
    said = "\n".join(world.plan(world.settings(text)).conflicts)
    assert list(writes(world)) == []
    return said


def test_what_cannot_be_used_is_told_before_anything_is_created(
    world: World, own: OwnVpc, database: OwnDatabase
) -> None:
    assert conflicts(world, config(own, database)) == ""
    elsewhere = make_vpc(world, "10.8.0.0/16")
    assert f"orders-db is in {own.id}, and the stack in {elsewhere.id}" in conflicts(world, config(elsewhere, database))
    database.id = "other-db"
    assert "There is no DB instance other-db in ap-northeast-2" in conflicts(world, config(own, database))
    database.id = "orders-db"
    world.client("rds").stop_db_instance(DBInstanceIdentifier=database.id)
    assert "and accepts no connections" in conflicts(world, config(own, database))


def test_doctor_says_the_same(world: World, own: OwnVpc, database: OwnDatabase) -> None:
    database.id = "other-db"
    write_config(world, config(own, database))
    found = json.loads(done(world, "doctor --json", 5).partition("\nReading")[0])["findings"]
    assert [one["what"] for one in found if one["fatal"]] == ["other-db (database.instance)"]


def test_doctor_says_only_that_the_vpc_is_not_there(world: World, own: OwnVpc) -> None:
    own.id = "vpc-0123456789abcdef0"
    write_config(world, BASE + own.config)
    found = json.loads(done(world, "doctor --json", 5).partition("\nReading")[0])["findings"]
    assert [one["what"] for one in found if one["fatal"]] == ["vpc-0123456789abcdef0 (network.vpc)"]


def test_the_move_to_it_names_the_data_that_would_be_lost(world: World, own: OwnVpc, database: OwnDatabase) -> None:
    write_config(world, BASE + own.config)
    done(world, "up --yes")
    write_config(world, config(own, database))
    assert "--delete-data database/mysql" in done(world, "up --yes", 64)


def test_a_release_without_its_password_is_refused(world: World, own: OwnVpc, database: OwnDatabase) -> None:
    settings = world.settings(config(own, database))
    services = list(settings.services.values())
    with pytest.raises(Refused, match="backend connects to the database orders-db, and its password is not set"):
        need_database_password(list, settings, services)
    given = Variable("", "backend", "DB_PASSWORD", False, "set", "SecureString", "Standard", "", None)
    need_database_password(lambda: [given], settings, services)
    need_database_password(lambda: None, settings, services)
    need_database_password(list, settings, [settings.services["frontend"]])
