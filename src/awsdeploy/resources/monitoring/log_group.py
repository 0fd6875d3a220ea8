"""Log groups in CloudWatch: one for each kind of log, each with a retention time.

Who writes is no concern of this module: machines through their agent, RDS by itself. Both would make a
group again that is deleted under them, without an end, so groups go after their writers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    TIMELESS,
    Aws,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    Stack,
)
from awsdeploy.resources import tag_calls
from awsdeploy.resources.database.instance import Database, identifier

KEY = "monitoring/logs/"
COMMANDS = "exec"
"""The last part of the name of the group that holds what `exec` was answered."""
COMMANDS_DAYS = 1
"""Days that it is kept there: the shortest period that AWS offers."""

OLDER = "AWS deletes older log events"


@dataclass(frozen=True, eq=False, kw_only=True)
class AnyLogGroup(Resource):
    """A log group, kept `days` (one of the periods AWS offers)."""

    days: int

    abstract = True
    tagging = tag_calls.LOG_GROUP
    idempotency = Idempotency.NAME
    immediate = True
    arns = (":log-group:",)

    def name(self, aws: Aws) -> str:
        """The group's name, which is also its identity."""
        raise NotImplementedError

    def create(self, aws: Aws) -> str | Observed:
        """Create the group, or tag an existing one that AWS has created."""
        name = self.name(aws)
        tags = tags_to_dict(aws.tags(self))
        logs = aws.client("logs")
        try:
            logs.create_log_group(logGroupName=name, tags=tags)
            return aws.made(self, name, {"logGroupName": name})
        except AwsRefusal as refusal:
            if refusal.code != "ResourceAlreadyExistsException":
                raise
            arn = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"
            logs.tag_resource(resourceArn=arn, tags=tags)
        return name

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """AWS takes no retention when a group is made."""
        present = observed.raw.get("retentionInDays")
        if present != self.days:
            put = aws.client("logs").put_retention_policy
            retain = partial(put, logGroupName=observed.id, retentionInDays=self.days)
            shorter = not present or present > self.days
            impact, danger = (OLDER, Danger.DATA_LOSS) if shorter else ("", Danger.NONE)
            yield Change("retention days", present or "never expire", self.days, retain, impact, danger=danger)

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        return Danger.DATA_LOSS

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("ResourceNotFoundException"):
            aws.client("logs").delete_log_group(logGroupName=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class LogGroup(AnyLogGroup):
    """Log group of the machines: `/deploy/<name>/<environment>/<last part of the key>`.

    It is created in the first second of an `up`, before any machine boots, so no machine waits for it.
    """

    title = "log group"
    deletion = Deletion(recreated_by={"Instance", "AutoScalingGroup", "Member"}, immediate=True)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        place = aws.stack.parameter("")
        for one in groups(aws, place):
            key = KEY + one["logGroupName"].removeprefix(place)
            yield Observed(cls, key, one["logGroupName"], TIMELESS, raw=one, region=aws.region)

    def generation(self, of: Mapping[Resource, str], counter: int = 0) -> str:
        """Constant: no setting needs a replacement."""
        return TIMELESS

    def name(self, aws: Aws) -> str:
        return aws.stack.parameter(self.key.removeprefix(KEY))


@dataclass(frozen=True, eq=False, kw_only=True)
class DatabaseLog(AnyLogGroup):
    """Log group of RDS: `/aws/rds/instance/<identifier>/<kind>`.

    RDS creates it with the first line, and again if it is deleted; RDS never deletes one.
    """

    stack: Stack
    database: Database
    kind: str

    title = "database log group"
    deletion = Deletion(recreated_by={"Database"}, immediate=True)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        named = re.compile(rf"{place_of('(?P<database>' + aws.stack.slug)}-mysql-[0-9a-f]{{6}})/(?P<kind>\w+)")
        for one in groups(aws, place_of(f"{aws.stack.slug}-mysql-")):
            if found := named.fullmatch(one["logGroupName"]):
                key = f"{KEY}database/{found['kind']}"
                yield Observed(cls, key, one["logGroupName"], found["database"], raw=one, region=aws.region)

    def generation(self, of: Mapping[Resource, str], counter: int = 0) -> str:
        """The identifier of its database: another database writes to another group, the same one to the same."""
        return identifier(self.stack, self.database, of.get(self.database, ""))

    def name(self, aws: Aws) -> str:
        return f"{place_of(aws.generation(self))}/{self.kind}"


def place_of(identifier: str) -> str:
    """Log group in which RDS puts a log of a database. AWS: RDS, publishing MySQL logs."""
    return f"/aws/rds/instance/{identifier}"


def groups(aws: Aws, prefix: str) -> Iterator[dict[str, Any]]:
    """The log groups whose names begin so."""
    yield from aws.client("logs").pages("describe_log_groups", "logGroups", logGroupNamePrefix=prefix)
