"""Refusals by AWS: which pass, which may be sent again, and answers that never came.

Codes are AWS's own words. Knows nothing of how a call is made.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from awsdeploy.aws import denials, remedies
from awsdeploy.aws.denials import Denied
from awsdeploy.aws.remedies import FORBIDDEN
from awsdeploy.errors import AwsFailure, next_command

__all__ = ["FORBIDDEN", "STALE_CREDENTIALS", "THROTTLES", "AnswerLost", "AwsRefusal", "TransientError", "tolerate"]

# botocore's own throttling codes (retries/standard.py) and the services' older spellings.
THROTTLES = frozenset(
    "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
    "TooManyRequestsException RequestLimitExceeded EC2ThrottledException SlowDown BandwidthLimitExceeded "
    "PriorRequestNotComplete ProvisionedThroughputExceededException".split()
)
STALE_CREDENTIALS = frozenset(
    "ExpiredToken ExpiredTokenException RequestExpired InvalidClientTokenId UnrecognizedClientException "
    "SignatureDoesNotMatch InvalidToken InvalidAccessKeyId InvalidSignatureException IncompleteSignature "
    "MissingAuthenticationToken MissingAuthenticationTokenException RequestTimeTooSkewed TokenRefreshRequired".split()
)
# A fault inside AWS, told with HTTP 5xx (botocore's models and the services' older spellings): it may have happened.
UNDECIDED = frozenset(
    "InternalError InternalFailure InternalServerError InternalServerException InternalServiceError "
    "InternalServiceException InternalServiceFault InternalErrorException InternalException Server.InternalError "
    "ServerException ServiceException ServiceFailure ServiceFailureException ServiceUnavailable "
    "ServiceUnavailableException Unavailable ServerInternal GatewayTimeout RequestTimeout Unknown".split()
)


def not_accepted(code: str, text: str) -> bool:
    """True if AWS does not accept the credentials. EC2 says AuthFailure of images and snapshots, too."""
    return code in STALE_CREDENTIALS or (code == "AuthFailure" and "access credentials" in text)


def undecided(code: str) -> bool:
    """True if an HTTP 5xx with this code leaves open what became of the call. botocore makes a number of no code."""
    return code in UNDECIDED or not code or code.isdigit()


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
    on: as AWS says, else `arn`, else `*`.
    """

    def __init__(self, operation: str, code: str, text: str, region: str = "", arn: str = "") -> None:
        self.operation, self.code, self.text = operation, code, text
        self.action = self.resource = self.decoding = ""
        hint = remedies.of(code, text, region)
        if code in FORBIDDEN:
            self.exit_code = 3
            said = Denied.read(text)
            self.decoding = said.decoding
            self.action = said.action or _action(operation)
            self.resource = said.resource or arn or "*"
            whole = replace(said, action=self.action, resource=self.resource)
            self.barred = denials.remedy(whole, remedies.AGAIN)
            hint = allowing([self])
            known = bool(said.action or self.barred)
            text = said.text if known else f"{said.text}: needs the permission {self.action} on {self.resource}"
        super().__init__(f"{operation}: {text or 'AWS gives no reason'} ({code})", hint)

    barred: str = ""
    """Remedy, where no statement of a policy can allow it."""


def allowing(refusals: Iterable[AwsRefusal]) -> str:
    """Remedies for denials: the statements to add, or what helps where none can. Empty where nothing is denied."""
    denied = [one for one in refusals if one.action]
    wanted: dict[str, set[str]] = {}
    for one in denied:
        if not one.barred:
            wanted.setdefault(one.action, set()).add(one.resource)
    lines = [one.barred for one in denied if one.barred]
    if wanted:
        statements = ",\n".join(
            json.dumps({"Effect": "Allow", "Action": action, "Resource": sorted(resources)}, indent=2)
            for action, resources in wanted.items()
        )
        lines += [
            "Add this statement to a policy of these credentials, then run the same command again. To print all "
            f"permissions that awsdeploy needs: {next_command('policy')}",
            statements,
            *map(remedies.of_billing, wanted),
            *(one.decoding for one in denied if not one.barred),
        ]
    return "\n".join(dict.fromkeys(filter(None, lines)))


def _action(operation: str) -> str:
    service, _, name = operation.partition(":")
    return _ACTIONS.get(operation, f"{_SERVICES.get(service, service)}:{name}")


def s3_arn(operation: str, parameters: Mapping[str, object], region: str) -> str:
    """The bucket or object that a call to S3 is about; empty where it names none."""
    bucket = parameters.get("Bucket") if operation.startswith("s3:") else ""
    if not bucket:
        return ""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    key = parameters.get("Key") or ("*" if "Delete" in parameters else "")
    return f"arn:{partition}:s3:::{bucket}{'/' if key else ''}{key}"


class AnswerLost(AwsFailure):
    """A call was sent and no answer of AWS says what became of it: a write may or may not have happened."""

    def __init__(self, operation: str, cause: str, read: bool = False) -> None:
        hint = "Run the same command again: it looks for what was created and continues from there."
        super().__init__(f"{operation}: {cause}", remedies.GO_ON if read else hint)
        self.operation = operation


def unread(error: Exception) -> str:
    """Say why no answer of AWS could be read."""
    from botocore.parsers import ResponseParserError

    if isinstance(error, ResponseParserError):
        return "the response did not come from AWS, but from something in between, such as a proxy"
    return f"no answer from AWS ({type(error).__name__})"


@dataclass(frozen=True)
class TransientError:
    """A refusal that goes away by itself: `operation` refused with `code` (and `text` in it) for up to `seconds`."""

    operation: str
    code: str
    seconds: float
    text: str = ""

    @property
    def absent(self) -> bool:
        """True if the code says that something does not exist (yet). During a delete that means: deleted."""
        return "NotFound" in self.code or self.code.startswith("NoSuch")

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
        _passed.count = tolerated() + 1


_passed = threading.local()


def tolerated() -> int:
    """Number of refusals that `tolerate` has let pass in this thread so far."""
    return int(getattr(_passed, "count", 0))
