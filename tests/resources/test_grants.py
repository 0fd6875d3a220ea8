"""Changes of a policy in a plan: actions by name, and what covers a whole service."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy.resources.identity import grants


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


READ = document(allow(["s3:GetObject"], ["arn:aws:s3:::a/*"]))
CASES: list[tuple[Any, Any, list[tuple[str, str | None, str | None]]]] = [
    (None, READ, [("actions added", None, "s3:GetObject")]),
    (READ, READ, []),
    (
        document(allow(["s3:GetObject", "iam:*"])),
        document(allow(["s3:GetObject", "ses:SendEmail", "ses:SendRawEmail"])),
        [("actions added", None, "ses:SendEmail, ses:SendRawEmail"), ("actions removed", "iam:*", None)],
    ),
    (
        document(allow("s3:GetObject", "arn:aws:s3:::*/*")),
        READ,
        [("scope of s3:GetObject", "arn:aws:s3:::*/*", "arn:aws:s3:::a/*")],
    ),
    (
        document(allow(["s3:GetObject"], ["arn:aws:s3:::a/*"], Condition={"Bool": {"aws:SecureTransport": "true"}})),
        READ,
        [
            (
                "scope of s3:GetObject",
                'arn:aws:s3:::a/* {"Condition": {"Bool": {"aws:SecureTransport": ["true"]}}}',
                "arn:aws:s3:::a/*",
            )
        ],
    ),
    (
        document({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}),
        document(),
        [("actions removed", "Deny s3:*", None)],
    ),
    (
        document({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}),
        document(),
        [("actions removed", "everything but iam:*", None)],
    ),
    # AWS may write a list of one as a word, and a policy by hand has other Sids.
    (
        document({**allow("s3:GetObject", "arn:aws:s3:::a/*"), "Sid": "x"}),
        READ,
        [("policy", "same permissions, different wording", "as declared")],
    ),
    (document("nonsense"), READ, [("actions added", None, "s3:GetObject")]),
]


@pytest.mark.parametrize(("present", "wanted", "shown"), CASES)
def test_a_changed_policy_is_told_by_its_actions(present: Any, wanted: Any, shown: Any) -> None:
    assert list(grants.differences(present, wanted)) == shown


@pytest.mark.parametrize("action", ["*", "iam:*", "sts:*", "s3:Get*", "ec2:?"])
def test_a_wildcard_is_flagged(action: str) -> None:
    assert grants.wide([allow(action)]) == [action]
    assert grants.wide([{**allow(action), "Effect": "Deny"}]) == []


def test_single_actions_are_not_flagged_and_policies_for_administrators_are() -> None:
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert grants.wide([allow("ses:SendEmail")], ["arn:aws:iam::aws:policy/AmazonSESFullAccess"]) == []
    assert grants.wide([], [administrator]) == [administrator]
