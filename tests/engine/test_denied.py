"""Messages about a missing permission: IAM's name of the action, on what, and the statement to add."""

from __future__ import annotations

import pytest

from awsdeploy.aws.refusals import AwsRefusal
from awsdeploy.engine.summary import combined_error

USER = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform:"
ROLE = "arn:aws:iam::123456789012:role/awsdeploy/shop/prod/x"


@pytest.mark.parametrize(
    ("operation", "code", "text", "action", "resource"),
    [
        (
            "ec2:RunInstances",
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. {USER} iam:PassRole on resource: {ROLE} because no "
            "identity-based policy allows the iam:PassRole action. Encoded authorization failure message: abcDEF123",
            "iam:PassRole",
            ROLE,
        ),
        ("ec2:CreateVpc", "UnauthorizedOperation", "You are not authorized.", "ec2:CreateVpc", "*"),
        ("s3:PutBucketCors", "AccessDenied", "Access Denied", "s3:PutBucketCORS", "*"),
        ("elbv2:CreateRule", "AccessDenied", "No.", "elasticloadbalancing:CreateRule", "*"),
        (
            "sns:CreateTopic",
            "AuthorizationError",
            f"{USER} SNS:CreateTopic on resource: arn:aws:sns:eu-west-1:1:t because no identity-based policy allows it",
            "SNS:CreateTopic",
            "arn:aws:sns:eu-west-1:1:t",
        ),
    ],
)
def test_a_refusal_says_what_to_allow_on_what(operation: str, code: str, text: str, action: str, resource: str) -> None:
    refusal = AwsRefusal(operation, code, text)
    assert (refusal.exit_code, refusal.action, refusal.resource) == (3, action, resource)
    assert f'"Action": "{action}"' in refusal.hint
    assert f'"{resource}"' in refusal.hint
    assert "awsdeploy policy" in refusal.hint
    assert "abcDEF123" not in refusal.message


def test_several_at_once_are_told_together() -> None:
    lacking = {
        "a": AwsRefusal("ec2:CreateVpc", "UnauthorizedOperation", f"{USER} ec2:CreateTags on resource: arn:a because"),
        "b": AwsRefusal(
            "ec2:CreateSubnet", "UnauthorizedOperation", f"{USER} ec2:CreateTags on resource: arn:b because"
        ),
        "c": AwsRefusal(
            "logs:CreateLogGroup", "AccessDeniedException", f"{USER} logs:TagResource on resource: arn:c because"
        ),
        "d": AwsRefusal("rds:CreateDBInstance", "InvalidParameterValue", "no"),
    }
    total = combined_error(lacking.items())
    assert total.exit_code == 3
    assert total.hint.count('"Action"') == 2
    assert all(f'"arn:{name}"' in total.hint for name in "abc")


def test_what_is_denied_in_so_many_words_no_statement_can_allow() -> None:
    said = f"{USER} ec2:CreateVpc on resource: arn:a with an explicit deny in a service control policy"
    refusal = AwsRefusal("ec2:CreateVpc", "UnauthorizedOperation", said)
    assert refusal.exit_code == 3
    assert '"Action"' not in refusal.hint
    assert "ask the administrator of the organization" in refusal.hint


def test_any_other_refusal_is_no_matter_of_permission() -> None:
    refusal = AwsRefusal("ec2:CreateVpc", "VpcLimitExceeded", "too many")
    assert (refusal.exit_code, refusal.action, refusal.resource) == (4, "", "")
