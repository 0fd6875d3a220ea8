"""Buckets of what cannot be made again: the users' files, and the copy of them in another region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws import prices
from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import Aws, DestroyOptions, Observed, Retained
from awsdeploy.resources.identity.role import Role
from awsdeploy.resources.storage import bucket_name as names
from awsdeploy.resources.storage import bucket_setting as settings
from awsdeploy.resources.storage.bucket import CLOSED, S3Bucket
from awsdeploy.resources.storage.bucket_contents import weigh
from awsdeploy.resources.storage.bucket_setting import Setting

BY_POLICY = {**CLOSED, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}
"""Block Public Access with policies allowed: an object's own access control list opens nothing."""

GIGABYTE = 1024**3

ACCOUNT_BLOCKS = (
    "S3 Block Public Access of this account keeps every bucket private, so the uploads could not be read. Turn off "
    "BlockPublicPolicy and RestrictPublicBuckets for the account (S3 console, Block Public Access settings for this "
    'account), or set access = "private" under [uploads].'
)


@dataclass(frozen=True, eq=False, kw_only=True)
class DataBucket(S3Bucket):
    """A versioned bucket that `destroy` keeps while it holds files.

    A copy (`is_copy`) is not public and is not copied again. `readable` are the prefixes of the objects that anyone can
    read. `role` copies everything to `replica`.
    """

    is_copy: bool = False
    readable: tuple[str, ...] = ()
    replica: DataBucket | None = None
    role: Role | None = None
    metrics: bool = False

    data = True

    def conflict(self, aws: Aws) -> str:
        return super().conflict(aws) or (ACCOUNT_BLOCKS if self.readable and _account_blocks(aws) else "")

    def settings(self, aws: Aws, name: str) -> Iterator[Setting]:
        block, *others = super().settings(aws, name)
        yield settings.block(aws, name, BY_POLICY) if self.readable else block
        yield from others
        if self.is_copy:
            return
        if self.replica and self.role:
            target = names.bucket_name(aws, self.replica)
            yield settings.replication(aws, name, aws[self.role].raw["Arn"], target)
        else:
            yield settings.replication(aws, name)
        yield settings.metrics(aws, name, self.metrics)

    def allowed(self) -> str:
        return f"anyone may read {', '.join(self.readable)}" if self.readable else ""

    def allowances(self, aws: Aws, name: str) -> list[dict[str, Any]]:
        """Permission to read, not to list: names stay unknown to those who do not have them."""
        if not self.readable:
            return []
        places = [f"arn:aws:s3:::{name}/{place}*" for place in self.readable]
        return [
            {"Sid": "PublicRead", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": places}
        ]

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        return {"bucket": observed.id}

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        """Files are kept, an empty bucket is not."""
        if options.data:
            return None
        with tolerate("NoSuchBucket"):
            anything, size = weigh(aws, observed.id)
            if anything:
                monthly = None if size is None else prices.monthly_price(observed.region, "S3 storage", size / GIGABYTE)
                return Retained("uploaded files; --delete-data deletes it, a later up reuses it", monthly)
        return None

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchBucket"):
            aws.s3.delete_bucket_replication(Bucket=observed.id)
        super().delete(aws, observed, options)


def _account_blocks(aws: Aws) -> bool:
    """Does the account forbid what a policy would allow? Who may not ask finds out when the policy is refused."""
    with tolerate("NoSuchPublicAccessBlockConfiguration", "AccessDenied"):
        answer = aws.client("s3control").get_public_access_block(AccountId=aws.account)
        block = answer["PublicAccessBlockConfiguration"]
        return bool(block.get("BlockPublicPolicy") or block.get("RestrictPublicBuckets"))
    return False
