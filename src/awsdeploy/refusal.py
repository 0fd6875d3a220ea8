"""What AWS's no means: which refusals pass, which may be sent again, and an answer that never came.

Codes are AWS's own words. Knows nothing of how a call is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from awsdeploy import remedies
from awsdeploy.errors import AwsFailure
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


class AwsRefusal(AwsFailure):
    """AWS answered no. `code` and `text` are AWS's own words; `region` is where it was asked."""

    def __init__(self, operation: str, code: str, text: str, region: str = "") -> None:
        if code in FORBIDDEN:
            self.exit_code = 3
        super().__init__(f"{operation}: {text} ({code})", remedies.of(operation, code, text, region))
        self.operation, self.code, self.text = operation, code, text


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
