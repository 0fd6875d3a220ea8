"""An existing database, which a stack uses and never changes: what it lacks for us, and who may connect to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import Client, tolerate
from awsdeploy.config.stack import TAG_STACK, tags_to_dict
from awsdeploy.engine.resource import UNKNOWN, Aws, Observed, Resource
from awsdeploy.resources.network.existing_vpc import UNFIT
from awsdeploy.resources.network.security_group import SecurityGroup, rules
from awsdeploy.resources.network.vpc import Subnet, Vpc

ENGINES = ("mysql", "mariadb")
SERVING = frozenset(
    """\
    available backing-up configuring-enhanced-monitoring configuring-iam-database-auth configuring-log-exports
    maintenance modifying storage-config-upgrade storage-initialization storage-optimization
    """.split()
)
"""AWS's words for a database that accepts connections."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ExistingDatabase(Resource):
    """A database that the stack only uses: `existing` is its DB instance identifier.

    `clients` are the security groups of the machines that connect, which are in `subnets`.
    """

    vpc: Vpc
    clients: tuple[SecurityGroup, ...]
    subnets: tuple[Subnet, ...]

    title = "database"

    def brief(self) -> str:
        return f"{self.existing} (existing)"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """Nothing: it is not the stack's."""
        return ()

    def adopt(self, aws: Aws) -> Observed:
        """The database, "available" if it can be used. Else what it lacks is the reason of its status."""
        raw = read(aws.rds, self.existing)
        found = list(faults(raw, self.existing, aws.region, self.vpc.existing))
        if tags_to_dict(raw.get("TagList")).get(TAG_STACK) == aws.stack.tag:
            found.append(f"{self.existing} belongs to this stack: remove database.instance from config.toml")
        status = "available"
        if found:
            theirs = str(raw.get("DBInstanceStatus", UNFIT))
            status = UNFIT if theirs in SERVING else theirs
        return Observed(
            type(self), self.key, self.existing, status=status, raw=raw, region=aws.region, reason="; ".join(found)
        )

    def advisory(self, aws: Aws, observed: Observed) -> str:
        """The rules that the owner of the database still has to add."""
        ids = [one["VpcSecurityGroupId"] for one in observed.raw.get("VpcSecurityGroups", ())]
        if not ids:
            return ""
        port = port_of(observed.raw)
        allowed = aws.ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
        machines = [str(aws[one].raw.get("CidrBlock", "")) for one in self.subnets]
        lacking = [one for one in self.clients if not lets_in(allowed, port, aws[one].id, machines)]
        if not lacking:
            return ""
        names = " and ".join(one.key.rpartition("/")[2] for one in lacking)
        if any(aws[one] is UNKNOWN for one in lacking):
            return (
                f"{self.existing} does not let the machines of {names} connect. Its owner has to add a rule: `up` "
                "prints it when the security groups of the machines exist"
            )
        commands = (
            f"aws ec2 authorize-security-group-ingress --region {aws.region} --group-id {ids[0]} --protocol tcp "
            f"--port {port} --source-group {aws[one].id}"
            for one in lacking
        )
        lines = [
            f"{self.existing} does not let the machines of {names} connect. Its owner adds a rule with:",
            *commands,
        ]
        return "\n".join([*lines, "The rule must be deleted again before `destroy` can delete the security group"])

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        address = (observed.raw.get("Endpoint") or {}).get("Address")
        return {"endpoint": f"{address}:{port_of(observed.raw)}"} if address else {}


def read(rds: Client, id: str) -> Mapping[str, Any]:
    """The DB instance as AWS describes it; nothing if there is none."""
    found: list[Mapping[str, Any]] = []
    with tolerate("DBInstanceNotFound"):
        found = rds.describe_db_instances(DBInstanceIdentifier=id)["DBInstances"]
    return found[0] if found else {}


def faults(raw: Mapping[str, Any], id: str, region: str, vpc: str) -> Iterator[str]:
    """Sentences about what the database lacks, with a remedy."""
    if not raw:
        yield (
            f"There is no DB instance {id} in {region} in this account. To list them: aws rds describe-db-instances "
            f"--region {region}"
        )
        return
    engine, there = str(raw["Engine"]), str((raw.get("DBSubnetGroup") or {}).get("VpcId", "no VPC"))
    if engine not in ENGINES:
        yield (
            f"{id} is {engine}, and only MySQL and MariaDB on RDS can be named there. For another database leave out "
            "database.instance, and set its address as variables of the services (docs/environment.md)"
        )
    if there != vpc:
        yield f"{id} is in {there}, and the stack in {vpc}. Use that VPC in network.vpc, or a database in this one"
    if raw["DBInstanceStatus"] not in SERVING:
        yield (
            f"{id} is {raw['DBInstanceStatus']} and accepts no connections. Run the same command again when it is "
            f"available: aws rds wait db-instance-available --region {region} --db-instance-identifier {id}"
        )


def lets_in(groups: Iterable[Mapping[str, Any]], port: int, client: str, machines: Iterable[str]) -> bool:
    """True if a rule of these security groups lets in a group of clients, or the ranges of all their machines."""
    present = [
        peer
        for group in groups
        for protocol, first, last, peer in rules(group.get("IpPermissions", ()))
        if protocol == "-1" or (protocol == "tcp" and first <= port <= last)
    ]
    return client in present or all(any(_within(one, peer) for peer in present) for one in machines)


def port_of(raw: Mapping[str, Any]) -> int:
    return int((raw.get("Endpoint") or {}).get("Port") or 3306)


def _within(block: str, peer: str) -> bool:
    """Tell if a range of addresses is inside the source of a rule; another group or a prefix list is not a range."""
    try:
        return ipaddress.IPv4Network(block).subnet_of(ipaddress.IPv4Network(peer))
    except ValueError:
        return False
