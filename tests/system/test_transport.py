"""TLS to the database: required of new stacks, and of older ones only where somebody says so, in two steps."""

from __future__ import annotations

import pytest

from awsdeploy.architecture.database import CA_ON_MACHINES
from awsdeploy.resources.database.groups import TLS
from tests.simulated import World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "data"
environment = "dev"
platform = "supported"
"""
OPTIONAL, REQUIRED = '[database]\ntls = "optional"\n', '[database]\ntls = "required"\n'


@pytest.fixture
def older_stack(world: World) -> World:
    """A stack that was made before there was the setting: its group says 0, and no parameter names certificates."""
    world.up(world.settings(CONFIG + OPTIONAL))
    world.client("ssm").delete_parameter(Name="/deploy/data/dev/database/DB_SSL_CA")
    assert required(world) == "0"
    return world


def groups(world: World) -> list[str]:
    found = world.client("rds").describe_db_parameter_groups()["DBParameterGroups"]
    return [one["DBParameterGroupName"] for one in found if one["DBParameterGroupName"].startswith("data-dev")]


def required(world: World) -> str | None:
    (name,) = groups(world)
    listed = world.client("rds").describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
    return {one["ParameterName"]: one.get("ParameterValue") for one in listed}.get(TLS)


def told(world: World) -> str | None:
    """Variables of the machines about the certificates."""
    found = world.client("ssm").get_parameters(Names=["/deploy/data/dev/database/DB_SSL_CA"])["Parameters"]
    return found[0]["Value"] if found else None


def by_hand(world: World, value: str) -> None:
    (name,) = groups(world)
    changed = {"ParameterName": TLS, "ParameterValue": value, "ApplyMethod": "immediate"}
    world.client("rds").modify_db_parameter_group(DBParameterGroupName=name, Parameters=[changed])


def upped(world: World, config: str) -> str:
    world.settings(config)
    done = world.awsdeploy("up", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def planned(world: World, config: str) -> str:
    world.settings(config)
    done = world.awsdeploy("plan")
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def test_a_new_stack_requires_it_and_says_how_to_turn_it_off(world: World) -> None:
    said = planned(world, CONFIG)
    assert "The database refuses connections without TLS" in said
    assert 'database.tls = "optional"' in said
    upped(world, CONFIG)
    assert (required(world), told(world)) == ("1", CA_ON_MACHINES)
    by_hand(world, "0")
    said = planned(world, CONFIG)
    assert f"{TLS}: 0 → 1 new connections without TLS are refused" in said
    upped(world, CONFIG)
    assert required(world) == "1"
    world.client("ssm").delete_parameter(Name="/deploy/data/dev/database/DB_SSL_CA")
    upped(world, CONFIG)
    assert (required(world), told(world)) == ("1", CA_ON_MACHINES)


def test_an_application_of_an_older_stack_is_not_cut_off(older_stack: World) -> None:
    said = planned(older_stack, CONFIG)
    assert "No changes" in said
    assert "To decide: The database accepts connections without TLS." in said
    assert "database accepts connections without TLS" in upped(older_stack, CONFIG)
    assert (required(older_stack), told(older_stack)) == ("0", None)
    by_hand(older_stack, "1")
    assert "database accepts" not in planned(older_stack, CONFIG), "whoever has turned it on by hand keeps it"


@pytest.mark.torture
def test_an_older_stack_stays_as_it_is_with_a_newer_mysql(world: World) -> None:
    world.up(world.settings(CONFIG.replace("supported", "documented") + OPTIONAL))
    world.client("ssm").delete_parameter(Name="/deploy/data/dev/database/DB_SSL_CA")
    assert 'database.tls = "optional"' in upped(world, CONFIG)
    newer = [name for name in groups(world) if required_in(world, name) != "0"]
    assert [required_in(world, name) for name in newer] == [None], "MySQL's own default up to 8.4 is 0"
    assert told(world) is None


def required_in(world: World, name: str) -> str | None:
    listed = world.client("rds").describe_db_parameters(DBParameterGroupName=name, Source="user")["Parameters"]
    return {one["ParameterName"]: one.get("ParameterValue") for one in listed}.get(TLS)


def test_an_older_stack_goes_over_in_two_steps_that_are_both_written(older_stack: World) -> None:
    for _ in range(2):  # the same command again is not the next step
        said = upped(older_stack, CONFIG + OPTIONAL)
        assert (required(older_stack), told(older_stack)) == ("0", CA_ON_MACHINES), "first the machines"
    assert "without TLS" not in said, "whoever has decided is told no more"
    assert f"{TLS}: 0 → 1 new connections without TLS are refused" in planned(older_stack, CONFIG + REQUIRED)
    upped(older_stack, CONFIG + REQUIRED)
    assert required(older_stack) == "1"
    assert "No changes" in planned(older_stack, CONFIG), "from then on it is as with a new stack"


@pytest.mark.torture
def test_it_can_be_made_optional_and_the_services_keep_the_certificates(world: World) -> None:
    upped(world, CONFIG)
    said = upped(world, CONFIG + OPTIONAL)
    assert (required(world), told(world)) == ("0", CA_ON_MACHINES)
    assert "without TLS" not in said, "whoever has decided is told no more"
