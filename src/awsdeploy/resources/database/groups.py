"""Groups of a database: its subnets, and MySQL's own settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    KINDS,
    Aws,
    Blocker,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
    Wait,
)
from awsdeploy.resources import blockers, tag_calls
from awsdeploy.resources.network.vpc import Subnet


@dataclass(frozen=True, eq=False, kw_only=True)
class SubnetGroup(Resource):
    """The subnets for a database. AWS requires at least two zones, even without a standby."""

    subnets: tuple[Subnet, ...]

    tagging = tag_calls.rds("DBSubnetGroupArn")
    title = "DB subnet group"
    idempotency = Idempotency.NAME
    # A database's subnet group must stay in its VPC, so a new VPC means a new group.
    replaces = {"subnets"}
    wait = Wait(ready={"Complete"}, usual=2)
    transient = (TransientError("CreateDBSubnetGroup", "InvalidSubnet", seconds=120),)
    deletion = Deletion(retry_on={"InvalidDBSubnetGroupStateFault"}, immediate=True)
    arns = (":subgrp:",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for group in aws.rds.pages("describe_db_subnet_groups", "DBSubnetGroups"):
            if group["DBSubnetGroupName"].startswith(aws.stack.slug):
                tags = tags_of(aws, group["DBSubnetGroupArn"], "DBSubnetGroupNotFoundFault")
                yield from aws.found(cls, group["DBSubnetGroupName"], tags, group, group["SubnetGroupStatus"])

    def kept_generation(self, aws: Aws, observed: Observed, of: Mapping[Resource, str], counter: int) -> str:
        """AWS adds subnets in place, and takes out those in zones where the group has no database."""
        raw = observed.raw
        if raw.get("VpcId") != aws[self.subnets[0].vpc].id:
            return ""
        wanted = {aws[subnet].id for subnet in self.subnets}
        leaving = {
            one["SubnetAvailabilityZone"]["Name"] for one in raw["Subnets"] if one["SubnetIdentifier"] not in wanted
        }
        return "" if leaving & set(_zones_in_use(aws, observed)) else observed.generation

    def create(self, aws: Aws) -> str | Observed:
        name = aws.name(self, 255)
        with tolerate("DBSubnetGroupAlreadyExists"):
            made = aws.rds.create_db_subnet_group(
                DBSubnetGroupName=name,
                DBSubnetGroupDescription=f"Private subnets of {aws.stack.tag}",
                SubnetIds=[aws[subnet].id for subnet in self.subnets],
                Tags=aws.tags(self),
            )["DBSubnetGroup"]
            return aws.made(self, name, made, made["SubnetGroupStatus"])
        return name

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present = {one["SubnetIdentifier"] for one in observed.raw["Subnets"]}
        wanted = {aws[subnet].id for subnet in self.subnets}
        if present != wanted:

            def modify() -> None:
                aws.rds.modify_db_subnet_group(DBSubnetGroupName=observed.id, SubnetIds=sorted(wanted))

            yield Change("subnets", sorted(present), sorted(wanted, key=str), modify)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        return blockers.databases(aws, lambda one: one.get("DBSubnetGroup", {}).get("DBSubnetGroupName") == observed.id)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("DBSubnetGroupNotFoundFault"):
            aws.rds.delete_db_subnet_group(DBSubnetGroupName=observed.id)


def _zones_in_use(aws: Aws, group: Observed) -> Iterator[str]:
    """The zones of databases in a subnet group, and of their standbys."""
    for one in aws.all(KINDS["Database"]):
        if one.raw["DBSubnetGroup"]["DBSubnetGroupName"] == group.id:
            yield from filter(None, (one.raw.get("AvailabilityZone"), one.raw.get("SecondaryAvailabilityZone")))


TLS = "require_secure_transport"
"""MySQL's setting to refuse connections without TLS. Dynamic on RDS: it applies to new connections at once."""
REFUSED = "new connections without TLS are refused"


@dataclass(frozen=True, eq=False, kw_only=True)
class ParameterGroup(Resource):
    """MySQL's own settings. `advice` is the note about them, or nothing."""

    family: str
    settings: Mapping[str, str]
    advice: str = ""

    tagging = tag_calls.rds("DBParameterGroupArn")
    title = "DB parameter group"
    immediate = True
    replaces = {"family"}
    idempotency = Idempotency.NAME
    transient = (TransientError("ModifyDBParameterGroup", "InvalidDBParameterGroupState", seconds=300),)
    deletion = Deletion(retry_on={"InvalidDBParameterGroupState"}, immediate=True)
    arns = (":pg:",)
    ignorable = {"long_query_time", "slow_query_log"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for group in aws.rds.pages("describe_db_parameter_groups", "DBParameterGroups"):
            if group["DBParameterGroupName"].startswith(aws.stack.slug):
                tags = tags_of(aws, group["DBParameterGroupArn"], "DBParameterGroupNotFound")
                yield from aws.found(cls, group["DBParameterGroupName"], tags, group)

    def create(self, aws: Aws) -> str | Observed:
        name = aws.name(self, 255)
        with tolerate("DBParameterGroupAlreadyExists"):
            made = aws.rds.create_db_parameter_group(
                DBParameterGroupName=name,
                DBParameterGroupFamily=self.family,
                Description=f"MySQL settings of {aws.stack.tag}",
                Tags=aws.tags(self),
            )
            return aws.made(self, name, made["DBParameterGroup"])
        return name

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """At most 20 parameters a call (AWS: ModifyDBParameterGroup); ours are fewer."""
        present = {} if observed.new else written(aws, observed)
        own = {name for name in present if aws.ignores(self, name)}
        wrong = {name: value for name, value in self.settings.items() if present.get(name) != value and name not in own}

        def modify() -> None:
            parameters = [
                {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
                for name, value in wrong.items()
            ]
            aws.rds.modify_db_parameter_group(DBParameterGroupName=observed.id, Parameters=parameters)

        for name, value in wrong.items():
            refuses = (name, value) == (TLS, "1")
            impact, danger = (REFUSED, Danger.OUTAGE) if refuses else ("", Danger.NONE)
            yield Change(name, present.get(name), value, modify, impact, danger=danger)

    def advisory(self, aws: Aws, observed: Observed) -> str:
        return self.advice

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        def uses(one: Mapping[str, Any]) -> bool:
            return any(group["DBParameterGroupName"] == observed.id for group in one.get("DBParameterGroups", ()))

        return blockers.databases(aws, uses)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("DBParameterGroupNotFound"):
            aws.rds.delete_db_parameter_group(DBParameterGroupName=observed.id)


def written(aws: Aws, group: Observed) -> dict[str, str | None]:
    """The settings in which a parameter group differs from MySQL's own defaults."""
    pages = aws.rds.pages("describe_db_parameters", "Parameters", DBParameterGroupName=group.id, Source="user")
    return {one["ParameterName"]: one.get("ParameterValue") for one in pages}


def tags_of(aws: Aws, arn: str, gone: str) -> list[dict[str, str]]:
    """The tags of an RDS object whose list does not show them; none if it went meanwhile."""
    with tolerate(gone):
        tags: list[dict[str, str]] = aws.rds.list_tags_for_resource(ResourceName=arn)["TagList"]
        return tags
    return []
