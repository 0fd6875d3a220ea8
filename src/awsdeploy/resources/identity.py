"""Who the machines are: an IAM role with just what a machine needs, and the profile that hands it over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws import tolerate
from awsdeploy.resource import Again, Aws, Change, Live, Parting, Passing, Resource
from awsdeploy.resources.bucket_name import bucket_name

INLINE = "awsdeploy"
BUCKET = re.compile(r"\{bucket:([a-z/]+)\}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Role(Resource):
    """An IAM role that a service of AWS may assume, with one inline policy.

    `statements` may say `{parameters}`, `{account}`, `{region}`, `{stack}`, or `{bucket:storage/uploads}` for the
    name of a declared bucket: names are derived, not edges.
    """

    service: str
    statements: tuple[Mapping[str, Any], ...]

    title = "IAM role"
    replaces = {"service"}
    again = Again.NAME
    everywhere = True
    passing = (
        Passing("PutRolePolicy", "NoSuchEntity", seconds=120),
        Passing("CreateRole", "MalformedPolicyDocument", seconds=120, text="Invalid principal"),
    )
    blocked = {"DeleteConflict"}
    arns = (":role/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        """The path is the stack's own; only GetRole shows tags."""
        for role in aws.iam.pages("list_roles", "Roles", PathPrefix=aws.stack.path):
            with tolerate("NoSuchEntity"):
                full = aws.iam.get_role(RoleName=role["RoleName"])["Role"]
                yield from aws.found(cls, full["RoleName"], full.get("Tags"), full)

    def create(self, aws: Aws) -> str:
        name = aws.name(self, 64)
        with tolerate("EntityAlreadyExists"):
            aws.iam.create_role(
                RoleName=name,
                Path=aws.stack.path,
                AssumeRolePolicyDocument=json.dumps(self._trust()),
                Tags=aws.tags(self),
            )
        return name

    def _trust(self) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": self.service}, "Action": "sts:AssumeRole"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    def _policy(self, aws: Aws) -> dict[str, Any]:
        text = json.dumps({"Version": "2012-10-17", "Statement": list(self.statements)})
        known = {
            "{parameters}": f"arn:aws:ssm:{aws.region}:{aws.account}:parameter/deploy/{aws.stack.tag}",
            "{account}": aws.account,
            "{region}": aws.region,
            "{stack}": aws.stack.slug,
        }
        for word, value in known.items():
            text = text.replace(word, value)
        text = BUCKET.sub(lambda word: bucket_name(aws, aws.declared(word[1])), text)
        policy: dict[str, Any] = json.loads(text)
        return policy

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        if live.raw.get("AssumeRolePolicyDocument") != self._trust():

            def trust() -> None:
                aws.iam.update_assume_role_policy(RoleName=live.id, PolicyDocument=json.dumps(self._trust()))

            yield Change("trust policy", "something else", f"{self.service} only", trust)
        wanted = self._policy(aws)
        present: Any = None
        with tolerate("NoSuchEntity"):
            present = aws.iam.get_role_policy(RoleName=live.id, PolicyName=INLINE)["PolicyDocument"]
        if present != wanted:

            def put() -> None:
                aws.iam.put_role_policy(RoleName=live.id, PolicyName=INLINE, PolicyDocument=json.dumps(wanted))

            yield Change("policy", "something else" if present else None, f"{len(self.statements)} statements", put)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("NoSuchEntity"):
            attached = aws.iam.pages("list_attached_role_policies", "AttachedPolicies", RoleName=live.id)
            for policy in attached:
                aws.iam.detach_role_policy(RoleName=live.id, PolicyArn=policy["PolicyArn"])
            for name in aws.iam.list_role_policies(RoleName=live.id)["PolicyNames"]:
                aws.iam.delete_role_policy(RoleName=live.id, PolicyName=name)
            aws.iam.delete_role(RoleName=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class InstanceProfile(Resource):
    """What a machine is started with so that it may act as its role."""

    role: Role

    replaces = {"role"}
    again = Again.NAME
    everywhere = True
    passing = (Passing("AddRoleToInstanceProfile", "NoSuchEntity", seconds=120),)
    blocked = {"DeleteConflict"}
    arns = (":instance-profile/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for profile in aws.iam.pages("list_instance_profiles", "InstanceProfiles", PathPrefix=aws.stack.path):
            with tolerate("NoSuchEntity"):
                full = aws.iam.get_instance_profile(InstanceProfileName=profile["InstanceProfileName"])
                one = full["InstanceProfile"]
                yield from aws.found(cls, one["InstanceProfileName"], one.get("Tags"), one)

    def create(self, aws: Aws) -> str:
        name = aws.name(self, 128)
        with tolerate("EntityAlreadyExists"):
            aws.iam.create_instance_profile(InstanceProfileName=name, Path=aws.stack.path, Tags=aws.tags(self))
        return name

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        """A profile holds one role at most."""
        role = aws[self.role].id
        present = [one["RoleName"] for one in live.raw.get("Roles", ())]
        if role in present:
            return

        def give() -> None:
            for name in present:
                with tolerate("NoSuchEntity"):
                    aws.iam.remove_role_from_instance_profile(InstanceProfileName=live.id, RoleName=name)
            with tolerate("LimitExceeded"):
                aws.iam.add_role_to_instance_profile(InstanceProfileName=live.id, RoleName=role)

        yield Change("role", ", ".join(present) or None, role, give)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("NoSuchEntity"):
            for one in live.raw.get("Roles", ()):
                with tolerate("NoSuchEntity"):
                    aws.iam.remove_role_from_instance_profile(InstanceProfileName=live.id, RoleName=one["RoleName"])
            aws.iam.delete_instance_profile(InstanceProfileName=live.id)
