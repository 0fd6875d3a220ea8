"""`export terraform`, judged by the real Terraform: everything is imported and nothing would change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.export.terraform import Planned, apply, formatted, needs_terraform, plan
from tests.simulated import World, machines
from tests.system.referenced.owner import make_database, make_vpc

BASE = 'name = "shop"\nplatform = "supported"\n'
DEV = BASE + 'environment = "dev"\ndomain = "example.com"\n'
PROD = """\
name = "shop"
domain = "example.com"
platform = "documented"
environment = "prod"

[tags]
Team = "web shop"

[network]
ssh_from = ["203.0.113.7/32", "198.51.100.0/24"]

[monitoring]
emails = ["ops@example.com"]

[ci]
github = "acme/shop"
"""
SCALING = (
    BASE
    + """\
environment = "prod"

[services.frontend.scaling]
min = 1
max = 3

[services.backend.scaling]
min = 2
max = 4
health = "elb"
"""
)
NO_DOMAIN = BASE + 'environment = "dev"\n'
EXTERNAL = DEV + '[dns]\nmode = "external"\n'
CONFIGURATIONS = {"dev": DEV, "prod": PROD, "scaling": SCALING, "no domain": NO_DOMAIN}

pytestmark = [pytest.mark.slow, needs_terraform]
others = [pytest.param(name, marks=pytest.mark.torture) for name in CONFIGURATIONS if name != "dev"]


def exported(world: World) -> Path:
    done = world.awsdeploy("export", "terraform", "--output", "terraform", timeout=600)
    assert done.returncode == 0, done.stderr
    return world.folder / "terraform"


def imports(folder: Path) -> int:
    return (folder / "imports.tf").read_text().count("import {")


def unchanged(world: World) -> None:
    """Export the stack; Terraform imports all of it and finds nothing to do."""
    folder = exported(world)
    assert formatted(folder) == ""
    planned = plan(world, folder)
    assert planned.changes == {}
    assert planned == Planned(imports(folder), 0, 0, 0, {})


@pytest.mark.parametrize("name", ["dev", *others])
def test_terraform_imports_everything_and_would_change_nothing(brought_up: Callable[[str], World], name: str) -> None:
    world = brought_up(CONFIGURATIONS[name])
    world.control("POST", "confirm", {"email": "ops@example.com"})
    unchanged(world)


@pytest.mark.torture
def test_with_dns_elsewhere_terraform_would_change_nothing_either(world: World) -> None:
    world.control("POST", "delegation", {"name": "example.com", "servers": ["ns1.example.net", "ns2.example.net"]})
    world.settings(EXTERNAL)
    done = world.awsdeploy("up", "--yes", timeout=600)
    assert done.returncode == 0, done.stderr
    unchanged(world)


@pytest.mark.torture
def test_an_existing_vpc_and_an_existing_database_are_only_read(world: World) -> None:
    own = make_vpc(world)
    database = make_database(own)
    own.private = []
    world.settings(NO_DOMAIN + own.config + database.config)
    done = world.awsdeploy("up", "--yes", timeout=600)
    assert done.returncode == 0, done.stderr
    unchanged(world)
    files = "".join(one.read_text() for one in (world.folder / "terraform").glob("*.tf"))
    for kind in ("aws_vpc", "aws_subnet", "aws_db_instance"):
        assert f'data "{kind}"' in files
        assert f'resource "{kind}"' not in files


@pytest.mark.torture
def test_after_the_import_only_the_targets_are_registered_and_awsdeploy_sees_no_difference(
    brought_up: Callable[[str], World],
) -> None:
    world = brought_up(NO_DOMAIN)
    folder = exported(world)
    assert plan(world, folder).counts == (0, 0, 0)
    assert apply(world, folder) == f"{imports(folder)} imported, 0 added, 0 changed, 0 destroyed."
    (folder / "imports.tf").unlink()
    (folder / "later/targets.tf").rename(folder / "targets.tf")
    assert apply(world, folder) == "2 added, 0 changed, 0 destroyed."
    assert plan(world, folder).counts == (0, 0, 0)
    assert world.awsdeploy("drift").returncode == 0


@pytest.mark.torture
def test_what_is_altered_by_hand_is_in_terraforms_plan(brought_up: Callable[[str], World]) -> None:
    world = brought_up(NO_DOMAIN)
    folder = exported(world)
    ec2, rds, s3, elb = (world.client(name) for name in ("ec2", "rds", "s3", "elbv2"))
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "cidr-block", "Values": ["10.0.1.0/24"]}])["Subnets"]
    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": False})
    groups = ec2.describe_security_groups(Filters=[{"Name": "tag:awsdeploy:resource", "Values": ["security/rds"]}])
    anyone = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=groups["SecurityGroups"][0]["GroupId"], IpPermissions=anyone)
    (database,) = rds.describe_db_instances()["DBInstances"]
    name = database["DBInstanceIdentifier"]
    rds.modify_db_instance(DBInstanceIdentifier=name, CopyTagsToSnapshot=False, ApplyImmediately=True)
    (uploads,) = [one["Name"] for one in s3.list_buckets()["Buckets"] if "uploads" in one["Name"]]
    s3.put_bucket_versioning(Bucket=uploads, VersioningConfiguration={"Status": "Suspended"})
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "61"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=idle)
    ec2.create_tags(Resources=[machines(world)["backend-1"]], Tags=[{"Key": "Name", "Value": "another"}])
    world.control("POST", "speed", {"speed": 600})
    world.pass_time(600)
    planned = plan(world, folder)
    assert planned.counts == (0, 6, 0)
    assert planned.changes == dict.fromkeys(
        [
            "aws_subnet.network_public-a",
            "aws_security_group.security_rds",
            "aws_db_instance.database_mysql",
            "aws_s3_bucket_versioning.storage_uploads",
            "aws_lb.web_alb",
            "aws_instance.machines_backend-1",
        ],
        "update",
    )
