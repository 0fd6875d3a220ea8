"""A refusal by AWS, in AWS's own words."""

from __future__ import annotations


class AwsRefuses(Exception):
    """The call fails with this code, message and HTTP status (default: the model's), serialised as its service does."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status
