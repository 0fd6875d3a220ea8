"""IAM roles with the least permissions, and the instance profile that gives a role to a machine.

IAM's lists do not show tags, but they show the path, which cannot be changed. So it contains stack, key and generation.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.engine.tagging import retagged
from awsdeploy.errors import Refused
from awsdeploy.resources import tag_calls
from awsdeploy.resources.identity import grants
from awsdeploy.resources.identity.federation import LEFTOVER, Federation, subjects
from awsdeploy.resources.storage.bucket_name import bucket_name

INLINE = "awsdeploy"
BUCKET = re.compile(r"\{bucket:([a-z/]+)\}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Role(Resource):
    """An IAM role with one inline policy and managed ones (`attached`, their ARNs).

    An AWS `service` can assume it, or the subject of the `federation`. If AWS sends the ARN of the resource for which
    the service acts, `source` is the allowed ARN; it can contain `{account}` and `{region}`.

    `statements` can contain `{parameters}`, `{account}`, `{region}`, `{stack}`, and `{bucket:storage/uploads}` for the
    name of a declared bucket, which is computed and therefore no dependency. `up` detaches other managed policies; it
    ignores inline policies with other names. `boundary` is the ARN of the managed policy that limits the role.
    """

    service: str = ""
    source: str = ""
    federation: Federation | None = None
    statements: tuple[Mapping[str, Any], ...]
    attached: tuple[str, ...] = ()
    boundary: str = ""

    title = "IAM role"
    immediate = True
    replaces = {"service"}
    idempotency = Idempotency.NAME
    is_global = True
    transient = (
        TransientError("PutRolePolicy", "NoSuchEntity", seconds=120),
        TransientError("AttachRolePolicy", "NoSuchEntity", seconds=120, text="role"),
        TransientError("PutRolePermissionsBoundary", "NoSuchEntity", seconds=120, text="role"),
        TransientError("CreateRole", "MalformedPolicyDocument", seconds=120, text="Invalid principal"),
    )
    deletion = Deletion(retry_on={"DeleteConflict"}, immediate=True)
    arns = (":role/",)
    ignorable = {"managed policy"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for role in aws.iam.pages("list_roles", "Roles", PathPrefix=aws.stack.path):
            yield from _from_path(cls, aws, role["RoleName"], role)

    def conflict(self, aws: Aws) -> str:
        """Report a managed policy that does not exist. Raises `Refused` for a boundary of another account."""
        self._boundary_argument(aws)
        for arn in (*self.attached, *([self.boundary] if self.boundary else [])):
            try:
                aws.iam.get_policy(PolicyArn=arn)
            except AwsRefusal as refusal:
                if refusal.code not in ("NoSuchEntity", "InvalidInput"):
                    raise
                what = "the permissions boundary (iam.permissions_boundary)" if arn == self.boundary else "the policy"
                return f"{self.key} needs {what} {arn}, which does not exist in this account."
        return ""

    def create(self, aws: Aws) -> str | Observed:
        name = aws.name(self, 64)
        with tolerate("EntityAlreadyExists"):
            trust, boundary, tags = self.trust_policy(aws), self._boundary_argument(aws), aws.tags(self)
            made = aws.iam.create_role(
                RoleName=name,
                Path=_path(aws, self),
                AssumeRolePolicyDocument=json.dumps(trust),
                Tags=tags,
                **boundary,
            )["Role"]
            limit = {"PermissionsBoundaryArn": boundary.get("PermissionsBoundary", "")}
            told = {"AssumeRolePolicyDocument": trust, "Tags": tags, "PermissionsBoundary": limit}
            return aws.made(self, name, {**made, **told})
        return name

    def _boundary_argument(self, aws: Aws) -> dict[str, str]:
        """Argument of CreateRole for the boundary. Raises `Refused` for one of another account."""
        owner = self.boundary.split(":")[4] if self.boundary else "aws"
        if owner not in ("aws", aws.account):
            raise Refused(
                f"iam.permissions_boundary is in account {owner}, and these credentials are of account {aws.account}.",
                "Set a policy of this account in config.toml, or use the other account's credentials (AWS_PROFILE).",
            )
        return {"PermissionsBoundary": self.boundary} if self.boundary else {}

    def trust_policy(self, aws: Aws) -> dict[str, Any]:
        if self.federation is not None:
            return self.federation.trust(aws)
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": self.service},
            "Action": "sts:AssumeRole",
        }
        if self.source:
            source = self.source.replace("{account}", aws.account).replace("{region}", aws.region)
            statement["Condition"] = {
                "StringEquals": {"aws:SourceAccount": aws.account},
                "ArnLike": {"aws:SourceArn": source},
            }
        return {"Version": "2012-10-17", "Statement": [statement]}

    def inline_policy(self, aws: Aws) -> dict[str, Any]:
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

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present = observed.raw.get("AssumeRolePolicyDocument")
        if present != self.trust_policy(aws):

            def trust() -> None:
                aws.iam.update_assume_role_policy(
                    RoleName=observed.id, PolicyDocument=json.dumps(self.trust_policy(aws))
                )

            only = self.federation.subject if self.federation else self.service
            only += " for this account" if self.source else ""
            yield Change("trust policy", ", ".join(subjects(present)) or "something else", f"{only} only", trust)
        # The boundary first: users who must set one can change only the policies of roles that have it.
        parts = (self._diff_boundary_and_tags, self._diff_inline_policy, self._diff_managed_policies)
        for changes in aws.each(lambda part: list(part(aws, observed)), parts):
            yield from changes

    def _diff_boundary_and_tags(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Yield differences of the boundary and the owner's tags, which AWS's list of roles does not show."""
        role: Mapping[str, Any] = observed.raw if observed.new else {}
        if not observed.new:
            with tolerate("NoSuchEntity"):
                role = aws.iam.get_role(RoleName=observed.id)["Role"]
        given = tags_to_dict(role.get("Tags"))
        yield from retagged(aws, tag_calls.ROLE, dataclasses.replace(observed, tags=given))
        present = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        wanted = self._boundary_argument(aws).get("PermissionsBoundary", "")

        def limit() -> None:
            if wanted:
                aws.iam.put_role_permissions_boundary(RoleName=observed.id, PermissionsBoundary=wanted)
            else:
                with tolerate("NoSuchEntity"):
                    aws.iam.delete_role_permissions_boundary(RoleName=observed.id)

        if present != wanted:
            impact = "" if wanted else "to keep it, set iam.permissions_boundary"
            yield Change("permissions boundary", present or None, wanted or None, limit, impact)

    def _diff_inline_policy(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        wanted, present = self.inline_policy(aws), None
        if not observed.new:
            with tolerate("NoSuchEntity"):
                present = aws.iam.get_role_policy(RoleName=observed.id, PolicyName=INLINE)["PolicyDocument"]

        def put() -> None:
            aws.iam.put_role_policy(RoleName=observed.id, PolicyName=INLINE, PolicyDocument=json.dumps(wanted))

        if present != wanted:
            for field, old, new in grants.differences(present, wanted):
                yield Change(field, old, new, put)

    def _diff_managed_policies(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present: set[str] = set()
        if not observed.new:
            with tolerate("NoSuchEntity"):
                attached = aws.iam.pages("list_attached_role_policies", "AttachedPolicies", RoleName=observed.id)
                present = {one["PolicyArn"] for one in attached}
        for arn in sorted({*self.attached} - present):

            def attach(arn: str = arn) -> None:
                aws.iam.attach_role_policy(RoleName=observed.id, PolicyArn=arn)

            yield Change("managed policy", None, arn, attach)
        for arn in sorted(present - {*self.attached}):

            def detach(arn: str = arn) -> None:
                with tolerate("NoSuchEntity"):
                    aws.iam.detach_role_policy(RoleName=observed.id, PolicyArn=arn)

            yield Change("managed policy", arn, None, detach)

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        """GitHub Actions needs the ARN of its role; machines do not."""
        return {"ARN": str(observed.raw["Arn"])} if self.federation and observed.raw else {}

    @classmethod
    def leftovers(cls, observed: Observed) -> str:
        return LEFTOVER if subjects(observed.raw.get("AssumeRolePolicyDocument")) else ""

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchEntity"):
            attached = aws.iam.pages("list_attached_role_policies", "AttachedPolicies", RoleName=observed.id)
            for policy in attached:
                with tolerate("NoSuchEntity"):
                    aws.iam.detach_role_policy(RoleName=observed.id, PolicyArn=policy["PolicyArn"])
            for name in aws.iam.list_role_policies(RoleName=observed.id)["PolicyNames"]:
                with tolerate("NoSuchEntity"):
                    aws.iam.delete_role_policy(RoleName=observed.id, PolicyName=name)
            aws.iam.delete_role(RoleName=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class InstanceProfile(Resource):
    """Instance profile, which gives a machine its role."""

    role: Role

    tagging = tag_calls.INSTANCE_PROFILE
    immediate = True
    replaces = {"role"}
    idempotency = Idempotency.NAME
    is_global = True
    transient = (TransientError("AddRoleToInstanceProfile", "NoSuchEntity", seconds=120),)
    deletion = Deletion(retry_on={"DeleteConflict"}, immediate=True)
    arns = (":instance-profile/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.iam.pages("list_instance_profiles", "InstanceProfiles", PathPrefix=aws.stack.path):
            yield from _from_path(cls, aws, one["InstanceProfileName"], one)

    def create(self, aws: Aws) -> str | Observed:
        name = aws.name(self, 128)
        with tolerate("EntityAlreadyExists"):
            about = {"InstanceProfileName": name, "Path": _path(aws, self)}
            made = aws.iam.create_instance_profile(**about, Tags=aws.tags(self))
            return aws.made(self, name, made["InstanceProfile"])
        return name

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """AWS: an instance profile contains at most one role."""
        role = aws[self.role].id
        present = [one["RoleName"] for one in observed.raw.get("Roles", ())]
        if role in present:
            return

        def give() -> None:
            for name in present:
                with tolerate("NoSuchEntity"):
                    aws.iam.remove_role_from_instance_profile(InstanceProfileName=observed.id, RoleName=name)
            with tolerate("LimitExceeded"):
                aws.iam.add_role_to_instance_profile(InstanceProfileName=observed.id, RoleName=role)

        yield Change("role", ", ".join(present) or None, role, give)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchEntity"):
            for one in observed.raw.get("Roles", ()):
                with tolerate("NoSuchEntity"):
                    aws.iam.remove_role_from_instance_profile(InstanceProfileName=observed.id, RoleName=one["RoleName"])
            aws.iam.delete_instance_profile(InstanceProfileName=observed.id)


def _path(aws: Aws, resource: Resource) -> str:
    """Path of the resource. AWS: at most 512 visible characters, with a slash at both ends."""
    return f"{aws.stack.path}{resource.key}/{aws.generation(resource)}/"


def _from_path(kind: type[Resource], aws: Aws, name: str, raw: Mapping[str, Any]) -> Iterator[Observed]:
    """Yield the object with key and generation from its path; nothing if the path is not one of this stack."""
    path = str(raw["Path"])
    key, _, generation = path.removeprefix(aws.stack.path).strip("/").rpartition("/")
    if key and path.startswith(aws.stack.path):
        yield Observed(kind, key, name, generation, raw=raw, region=aws.region)
