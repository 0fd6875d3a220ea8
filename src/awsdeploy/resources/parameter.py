"""Secrets in Parameter Store: made in the call that stores them, read back when needed, nowhere else."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws import tolerate
from awsdeploy.resource import UNKNOWN, Again, Aws, Live, Parting, Resource

PASSWORD_LENGTH = 32
ALPHABET = string.ascii_letters + string.digits  # RDS refuses / @ " and spaces; no shell or URL needs quoting
INCARNATION = "awsdeploy:incarnation"


@dataclass(frozen=True, eq=False, kw_only=True)
class Password(Resource):
    """A random password in a SecureString parameter `/deploy/<name>/<environment>/<path>`.

    Its `awsdeploy:incarnation` tag is a random word, not the secret: what uses the password carries a
    copy, which shows whether it was given this one.
    """

    path: str

    replaces = {"path"}
    again = Again.NAME
    arns = (":parameter/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        filters = [
            {"Key": "Path", "Option": "Recursive", "Values": [aws.stack.parameter("").rstrip("/")]},
            {"Key": "Type", "Values": ["SecureString"]},
        ]
        for one in aws.ssm.pages("describe_parameters", "Parameters", ParameterFilters=filters):
            with tolerate("InvalidResourceId"):
                answer = aws.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=one["Name"])
                tags = answer["TagList"]
                raw = {**one, "Tags": {tag["Key"]: tag["Value"] for tag in tags}}
                yield from aws.found(cls, one["Name"], tags, raw)

    def create(self, aws: Aws) -> str:
        name = aws.stack.parameter(self.path)
        tags = [*aws.tags(self), {"Key": INCARNATION, "Value": secrets.token_hex(8)}]
        with tolerate("ParameterAlreadyExists"):
            aws.ssm.put_parameter(
                Name=name,
                Value="".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH)),
                Type="SecureString",
                Tags=tags,
            )
        return name

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("ParameterNotFound"):
            aws.ssm.delete_parameter(Name=live.id)


def reveal(aws: Aws, password: Password) -> str:
    """The secret itself, for the one call that needs it. Never keep it."""
    answer = aws.ssm.get_parameter(Name=aws[password].id, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def incarnation(aws: Aws, password: Password) -> str:
    """Which password this is, without saying it: another after every change of the parameter."""
    raw: Any = aws[password].raw
    return str(UNKNOWN) if raw is UNKNOWN else f"{raw['Tags'].get(INCARNATION, '')}.{raw['Version']}"
