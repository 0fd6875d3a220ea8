"""GitHub as an identity provider: the provider of the account, and the trust policy for one repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import Aws, Change, Gate, Observed, Wait

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
"""Audience of GitHub's tokens; aws-actions/configure-aws-credentials requests this one."""
LEFTOVER = f"identity provider {ISSUER}: shared by the account, other roles may use it ($0.00 a month)"

SUBJECT = f"{ISSUER}:sub"


@dataclass(frozen=True, eq=False, kw_only=True)
class IdentityProvider(Gate):
    """GitHub's identity provider in the account, which all stacks share.

    Created if missing; never changed and never deleted.
    """

    wait = Wait(ready={"available", "missing"}, failed={"unfit"})
    remedy = (
        "aws iam add-client-id-to-open-id-connect-provider "
        f"--client-id {AUDIENCE} --open-id-connect-provider-arn (the ARN above)"
    )

    def observe(self, aws: Aws) -> Observed:
        found: dict[str, Any] | None = None
        with tolerate("NoSuchEntity"):
            found = aws.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn(aws))
        status = "missing" if found is None else "available" if AUDIENCE in found["ClientIDList"] else "unfit"
        reason = f"{arn(aws)} does not accept tokens for {AUDIENCE}" if status == "unfit" else ""
        return Observed(
            type(self), self.key, arn(aws), status=status, raw=found or {}, region=aws.region, reason=reason
        )

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """AWS: GitHub's certificate is known to IAM, no thumbprint is needed (since July 2024)."""

        def make() -> None:
            with tolerate("EntityAlreadyExists"):
                aws.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE])

        if observed.status == "missing":
            yield Change("identity provider", None, ISSUER, make)


@dataclass(frozen=True, eq=False)
class Federation:
    """Trust in tokens of the provider with exactly this `subject`."""

    provider: IdentityProvider
    subject: str

    def trust(self, aws: Aws) -> dict[str, Any]:
        """The role's trust policy. AWS: without a condition on the subject any repository could assume it."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": arn(aws)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, SUBJECT: self.subject}},
        }
        return {"Version": "2012-10-17", "Statement": [statement]}


def arn(aws: Aws) -> str:
    return f"arn:aws:iam::{aws.account}:oidc-provider/{ISSUER}"


def subjects(trust: Any) -> list[str]:
    """Return the GitHub subjects in a trust policy; none if it is not about GitHub or cannot be parsed."""
    statements = trust.get("Statement", []) if isinstance(trust, dict) else []
    found: list[str] = []
    for statement in statements if isinstance(statements, list) else [statements]:
        for keys in statement.get("Condition", {}).values():
            named = keys.get(SUBJECT, [])
            found += [named] if isinstance(named, str) else named
    return found
