"""Security groups, whose rules name other groups rather than addresses wherever they can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.resources import blockers, tag_calls
from awsdeploy.resources.network import operator_address
from awsdeploy.resources.network.vpc import ANYWHERE, Vpc

Rule = tuple[str, int, int, str]
"""A rule as it is compared: protocol, first port, last port, source or target (a CIDR or a group id)."""

ALL: Rule = ("-1", -1, -1, ANYWHERE)


@dataclass(frozen=True)
class Ingress:
    """Lets TCP in on one port, from another group, a range of addresses (CIDR), or the operator's own ("auto")."""

    port: int
    source: SecurityGroup | str


@dataclass(frozen=True, eq=False, kw_only=True)
class SecurityGroup(Resource):
    """A firewall around machines. `outbound` lets them reach anything; without it they reach nothing."""

    vpc: Vpc
    description: str
    ingress: tuple[Ingress, ...] = ()
    outbound: bool = True

    tagging = tag_calls.SECURITY_GROUP
    immediate = True
    replaces = {"vpc", "description"}
    idempotency = Idempotency.NAME
    transient = (
        TransientError("CreateSecurityGroup", "InvalidVpcID.NotFound", seconds=120),
        TransientError("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", seconds=120),
        TransientError("AuthorizeSecurityGroupEgress", "InvalidGroup.NotFound", seconds=120),
        TransientError("RevokeSecurityGroupEgress", "InvalidGroup.NotFound", seconds=120),
    )
    # AWS: interfaces of a load balancer that is gone stay for about two minutes.
    deletion = Deletion(retry_on={"DependencyViolation", "InvalidGroup.InUse"}, immediate=True)
    arns = (":security-group/", ":security-group-rule/")
    ignorable = {"inbound"}

    def brief(self) -> str:
        return self.key.removeprefix("security/")

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for group in aws.ec2.pages("describe_security_groups", "SecurityGroups", Filters=aws.filters):
            yield from aws.found(cls, group["GroupId"], group.get("Tags"), group)

    def create(self, aws: Aws) -> str | Observed:
        name, vpc = aws.name(self, 255), aws[self.vpc].id
        with tolerate("InvalidGroup.Duplicate"):
            made = aws.ec2.create_security_group(
                GroupName=name,
                Description=self.description,
                VpcId=vpc,
                TagSpecifications=aws.tag_spec(self, "security-group"),
            )
            # AWS: a new group lets everything out.
            return aws.made(self, made["GroupId"], {"IpPermissionsEgress": [permission(ALL)]})
        same = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
        return str(aws.ec2.describe_security_groups(Filters=same)["SecurityGroups"][0]["GroupId"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """One rule a call: a duplicate among several would refuse them all."""
        inbound = {self._rule(aws, rule) for rule in self.ingress}
        own = {self._rule(aws, rule) for rule in self.ingress if rule.source == operator_address.AUTO}
        outbound = {ALL} if self.outbound else set()
        ec2 = aws.ec2
        ways = (
            (
                "inbound",
                "IpPermissions",
                inbound,
                ec2.authorize_security_group_ingress,
                ec2.revoke_security_group_ingress,
            ),
            (
                "outbound",
                "IpPermissionsEgress",
                outbound,
                ec2.authorize_security_group_egress,
                ec2.revoke_security_group_egress,
            ),
        )
        for way, field, wanted, authorize, revoke in ways:
            present = set(rules(observed.raw.get(field, ())))
            for rule in sorted(wanted - present, key=str):

                def add(rule: Rule = rule, authorize: Any = authorize) -> None:
                    tags = aws.tag_spec(self, "security-group-rule")
                    said = operator_address.KEPT if rule in own else ""
                    with tolerate("InvalidPermission.Duplicate"):
                        authorize(GroupId=observed.id, IpPermissions=[permission(rule, said)], TagSpecifications=tags)

                yield Change(way, None, words(rule), add)
            for rule in sorted(present - wanted, key=str):

                def take(rule: Rule = rule, revoke: Any = revoke) -> None:
                    with tolerate("InvalidPermission.NotFound"):
                        revoke(GroupId=observed.id, IpPermissions=[permission(rule)])

                yield Change(way, words(rule), None, take)

    def _rule(self, aws: Aws, rule: Ingress) -> Rule:
        if rule.source == operator_address.AUTO:
            source = operator_address.address(aws, SecurityGroup)
        else:
            source = rule.source if isinstance(rule.source, str) else aws[rule.source].id
        return ("tcp", rule.port, rule.port, source)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        yield from blockers.interfaces(aws, "group-id", observed.id)
        yield from blockers.references(aws, observed.id)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Its rules first: groups that name each other could never go."""
        for field, revoke in (
            ("IpPermissions", aws.ec2.revoke_security_group_ingress),
            ("IpPermissionsEgress", aws.ec2.revoke_security_group_egress),
        ):
            for rule in rules(observed.raw.get(field, ())):
                # The group that the rule names may be gone too.
                with tolerate("InvalidPermission.NotFound", "InvalidGroup.NotFound"):
                    revoke(GroupId=observed.id, IpPermissions=[permission(rule)])
        with tolerate("InvalidGroup.NotFound"):
            aws.ec2.delete_security_group(GroupId=observed.id)


def rules(permissions: Iterable[dict[str, Any]]) -> Iterator[Rule]:
    """AWS groups sources by port; a rule here has one."""
    for one in permissions:
        protocol, first, last = one["IpProtocol"], one.get("FromPort", -1), one.get("ToPort", -1)
        for block in one.get("IpRanges", ()):
            yield (protocol, first, last, block["CidrIp"])
        for block in one.get("Ipv6Ranges", ()):
            yield (protocol, first, last, block["CidrIpv6"])
        for group in one.get("UserIdGroupPairs", ()):
            yield (protocol, first, last, group["GroupId"])
        for prefix in one.get("PrefixListIds", ()):
            yield (protocol, first, last, prefix["PrefixListId"])


def permission(rule: Rule, description: str = "") -> dict[str, Any]:
    """A rule as the API takes it; a `description` is for an IPv4 range."""
    protocol, first, last, peer = rule
    ports = {} if protocol == "-1" else {"FromPort": first, "ToPort": last}
    if str(peer).startswith("sg-"):
        return {"IpProtocol": protocol, **ports, "UserIdGroupPairs": [{"GroupId": peer}]}
    if str(peer).startswith("pl-"):
        return {"IpProtocol": protocol, **ports, "PrefixListIds": [{"PrefixListId": peer}]}
    if ":" in str(peer):
        return {"IpProtocol": protocol, **ports, "Ipv6Ranges": [{"CidrIpv6": peer}]}
    block = {"CidrIp": peer, "Description": description} if description else {"CidrIp": peer}
    return {"IpProtocol": protocol, **ports, "IpRanges": [block]}


def words(rule: Rule) -> str:
    protocol, first, last, peer = rule
    ports = "everything" if protocol == "-1" else f"{protocol} {first}" + (f"-{last}" if last != first else "")
    return f"{ports} {peer}"
