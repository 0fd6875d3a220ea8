"""What AWS's no means: which refusals pass, which may be sent again, and an answer that never came.

Codes are AWS's own words. Knows nothing of how a call is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from awsdeploy import remedies
from awsdeploy.errors import AwsFailure
from awsdeploy.hints import next_command
from awsdeploy.remedies import FORBIDDEN

__all__ = ["FORBIDDEN", "STALE_CREDENTIALS", "THROTTLES", "AnswerLost", "AwsRefusal", "Passing", "tolerate"]

# botocore's own throttling codes (retries/standard.py) and the services' older spellings.
THROTTLES = frozenset(
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
    "TooManyRequestsException RequestLimitExceeded EC2ThrottledException SlowDown BandwidthLimitExceeded "
    "PriorRequestNotComplete ProvisionedThroughputExceededException".split()
)
STALE_CREDENTIALS = frozenset(
    "ExpiredToken ExpiredTokenException RequestExpired InvalidClientTokenId UnrecognizedClientException "
    "SignatureDoesNotMatch InvalidToken".split()
)
# AWS: "User: … is not authorized to perform: ec2:CreateVpc on resource: … because no identity-based policy allows …".
_DENIED = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>[^\s,]+))?")
_ENCODED = re.compile(r"\s*Encoded authorization failure message: \S+")
# Where a service does not say which action it wants, and IAM's word for it is not the operation's.
_SERVICES = {
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "service-quotas": "servicequotas",
}
_ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:GetBucketMetricsConfiguration": "s3:GetMetricsConfiguration",
    "s3:PutBucketMetricsConfiguration": "s3:PutMetricsConfiguration",
    "s3:DeleteBucketMetricsConfiguration": "s3:PutMetricsConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:PutBucketReplication": "s3:PutReplicationConfiguration",
    "s3:DeleteBucketReplication": "s3:PutReplicationConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:CreateNotification": "budgets:ModifyBudget",
    "budgets:CreateSubscriber": "budgets:ModifyBudget",
    "budgets:DeleteSubscriber": "budgets:ModifyBudget",
}


class AwsRefusal(AwsFailure):
    """AWS answered no. `code` and `text` are AWS's own words; `region` is where it was asked.

    Where a permission is missing, `action` is IAM's name of what is not allowed and `resource` what it is not allowed
    on, `*` where AWS does not say.
    """

    def __init__(self, operation: str, code: str, text: str, region: str = "") -> None:
        self.operation, self.code, self.text = operation, code, text
        self.action = self.resource = ""
        hint = remedies.of(code, text, region)
        if code in FORBIDDEN:
            self.exit_code = 3
            said = _DENIED.search(text)
            self.action = said["action"] if said else _action(operation)
            self.resource = ((said and said["resource"]) or "*").removesuffix(".")
            hint = allowing([self])
            text = f"{_ENCODED.sub('', text)}: it takes {self.action} on {self.resource}"
        super().__init__(f"{operation}: {text} ({code})", hint)


def allowing(refusals: Iterable[AwsRefusal]) -> str:
    """What to do about missing permissions: the statements to add. Empty where none of them is about permission."""
    wanted: dict[str, set[str]] = {}
    denied = [one for one in refusals if one.action]
    for one in denied:
        wanted.setdefault(one.action, set()).add(one.resource)
    if not wanted:
        return ""
    if any("explicit deny" in one.text for one in denied):
        # AWS: an explicit deny wins over whatever else allows.
        return "A policy denies it in so many words, and no other can allow it: ask whoever manages the account."
    statements = ",\n".join(
        json.dumps({"Effect": "Allow", "Action": action, "Resource": sorted(resources)}, indent=2)
        for action, resources in wanted.items()
    )
    return "\n".join(
        [
            "Add to a policy of these credentials what follows, then run the same command again. "
            f"All that a deployer needs is printed by: {next_command('policy')}",
            statements,
            *dict.fromkeys(filter(None, map(remedies.of_billing, wanted))),
        ]
    )


def _action(operation: str) -> str:
    service, _, name = operation.partition(":")
    return _ACTIONS.get(operation, f"{_SERVICES.get(service, service)}:{name}")


class AnswerLost(AwsFailure):
    """A write was sent and no answer came: it may or may not have happened."""

    def __init__(self, operation: str, cause: str) -> None:
        super().__init__(
            f"{operation}: no answer from AWS ({cause})",
            "Run the same command again: it looks for what was created and goes on from there.",
        )
        self.operation = operation


@dataclass(frozen=True)
class Passing:
    """A refusal that goes away by itself: `operation` refused with `code` (and `text` in it) for up to `seconds`."""

    operation: str
    code: str
    seconds: float
    text: str = ""

    def covers(self, refusal: BaseException | None) -> bool:
        return (
            isinstance(refusal, AwsRefusal)
            and refusal.operation.endswith(f":{self.operation}")
            and refusal.code == self.code
            and self.text in refusal.text
        )


@contextmanager
def tolerate(*codes: str, text: str = "") -> Iterator[None]:
    """Let these refusals pass: what they complain of is what we wanted."""
    try:
        yield
    except AwsRefusal as refusal:
        if refusal.code not in codes or text not in refusal.text:
            raise
