"""S3 buckets: what every one of ours has in common, and the kind whose contents can be made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
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
from awsdeploy.errors import AwsFailure, next_command
from awsdeploy.resources import tag_calls
from awsdeploy.resources.storage import bucket_name as names
from awsdeploy.resources.storage import bucket_setting as settings
from awsdeploy.resources.storage.bucket_contents import empty, location
from awsdeploy.resources.storage.bucket_setting import Expiry, Setting

CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
"""Block Public Access as AWS sets it for every new bucket: nothing in it can be opened to the public."""

NEW = {"public access block": CLOSED, "ownership": "BucketOwnerEnforced", "encryption": "AES256"}
"""Settings of a bucket that was just created. AWS: S3, default settings of new buckets."""

SETTINGS = (
    *("PublicAccessBlock", "BucketEncryption", "BucketOwnershipControls", "BucketVersioning", "BucketPolicy"),
    *("BucketLifecycleConfiguration", "BucketReplication", "BucketMetricsConfiguration", "BucketCors"),
)

DELIVERERS = {
    "af-south-1": "098369216593",
    "ap-east-1": "754344448648",
    "ap-northeast-1": "582318560864",
    "ap-northeast-2": "600734575887",
    "ap-northeast-3": "383597477331",
    "ap-south-1": "718504428378",
    "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266",
    "ap-southeast-3": "589379963580",
    "ca-central-1": "985666609251",
    "eu-central-1": "054676820928",
    "eu-north-1": "897822967062",
    "eu-south-1": "635631232127",
    "eu-west-1": "156460612806",
    "eu-west-2": "652711504416",
    "eu-west-3": "009996457667",
    "me-south-1": "076674570225",
    "sa-east-1": "507241528517",
    "us-east-1": "127311923021",
    "us-east-2": "033677994240",
    "us-west-1": "027434742980",
    "us-west-2": "797873946194",
}
"""AWS: the account from which load balancers of the older regions deliver access logs; newer ones have none."""


def _buckets(aws: Aws) -> list[dict[str, Any]]:
    """The account's buckets, in all regions, whose names begin as the stack's do."""
    return list(aws.s3.pages("list_buckets", "Buckets", Prefix=names.prefix(aws)))


def region_of(aws: Aws, listed: Mapping[str, Any]) -> str:
    """The region of a bucket in a list; "" where it is gone. Endpoints other than AWS's do not list regions."""
    if region := listed.get("BucketRegion"):
        return str(region)
    with tolerate("NoSuchBucket"):
        return location(aws.s3, listed["Name"])
    return ""


@dataclass(frozen=True, eq=False, kw_only=True)
class S3Bucket(Resource):
    """A bucket: encrypted, its owner owns every object in it, closed to the public unless a kind says otherwise.

    Its region is always named: a bucket is known by its name, and its region is part of that. `tls_only`: its policy
    denies every request over plain HTTP.
    """

    versioned: bool = False
    lifecycle: tuple[Expiry, ...] = ()
    tls_only: bool = True

    abstract = True
    tagging = tag_calls.BUCKET
    title = "S3 bucket"
    immediate = True
    replaces = {"region"}
    idempotency = Idempotency.NAME
    is_global = True
    transient = (
        # AWS: a name is free again some minutes after its bucket was deleted.
        TransientError("CreateBucket", "OperationAborted", seconds=1200),
        # AWS: a fresh bucket is not known everywhere at once, and hears one thing at a time.
        *(TransientError(f"{verb}{name}", "NoSuchBucket", seconds=120) for verb in ("Get", "Put") for name in SETTINGS),
        *(TransientError(f"Put{name}", "OperationAborted", seconds=120) for name in SETTINGS),
        # AWS: a policy may name a principal that S3 has not heard of yet, or open what was closed a moment ago.
        TransientError("PutBucketPolicy", "MalformedPolicy", seconds=120, text="Invalid principal"),
        TransientError("PutBucketPolicy", "AccessDenied", seconds=60),
        TransientError("PutBucketReplication", "InvalidRequest", seconds=120, text="Versioning must be 'Enabled'"),
    )
    deletion = Deletion(
        retry_on={"BucketNotEmpty", "OperationAborted"}, timeout=6 * 3600, immediate=True
    )  # millions of objects
    arns = (":s3:::",)
    ignorable = {"encryption"}

    def brief(self) -> str:
        return self.key.removeprefix("storage/")

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """One list for all regions: the name says whose a bucket is, and which."""
        found = [one for one in aws.listed(_buckets) if names.may_be_ours(aws, one["Name"])]
        for one, region in zip(found, aws.each(lambda one: region_of(aws, one), found), strict=True):
            if region and (known := names.read(aws, one["Name"], region, cls.data)):
                key, counter = known
                generation = cls(key=key, region=region).generation({}, counter)
                yield Observed(cls, key, one["Name"], generation, raw=one, region=region)

    def conflict(self, aws: Aws) -> str:
        """A bucket of that name in another account: names are the world's, and ours can be guessed."""
        name = names.bucket_name(aws, self)
        try:
            aws.s3.head_bucket(Bucket=name)
        except AwsRefusal as refusal:
            if refusal.code == "403":
                return self._taken(name)
            if refusal.code not in ("404", "301", "NoSuchBucket"):
                raise
        return ""

    def _taken(self, name: str) -> str:
        other = next_command("up", "--replace", self.key)
        return f"The bucket name {name} belongs to another AWS account. To use another name: {other}"

    def create(self, aws: Aws) -> str | Observed:
        name = names.bucket_name(aws, self)
        # AWS: a bucket without LocationConstraint is in us-east-1.
        place = {} if aws.region == "us-east-1" else {"LocationConstraint": aws.region}
        try:
            with tolerate("BucketAlreadyOwnedByYou"):
                aws.s3.create_bucket(
                    Bucket=name,
                    ObjectOwnership="BucketOwnerEnforced",
                    CreateBucketConfiguration={**place, "Tags": aws.tags(self)},
                )
                return aws.made(self, name, {"Name": name})
        except AwsRefusal as refusal:
            if refusal.code != "BucketAlreadyExists":
                raise
            raise AwsFailure(self._taken(name)) from None
        return name

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        declared = list(self.settings(aws, observed.id))
        if observed.new:
            present = [NEW.get(setting.field) for setting in declared]
        else:
            present = aws.each(lambda setting: setting.ask(), declared)
        for setting, old in zip(declared, present, strict=True):
            if old != setting.wanted:
                shown = setting.shown(setting.wanted)
                impact, danger = setting.effect(old)
                yield Change(setting.field, setting.shown(old), shown, setting.tell, impact, danger=danger)

    def settings(self, aws: Aws, name: str) -> Iterator[Setting]:
        """All that is declared of it, in the order in which S3 wants to hear it."""
        yield settings.block(aws, name, CLOSED)
        yield settings.ownership(aws, name)
        yield settings.encryption(aws, name)
        if self.versioned:
            yield settings.versioning(aws, name)
        if self.lifecycle:
            yield settings.lifecycle(aws, name, self.lifecycle)
        tls = [_tls_only(name)] if self.tls_only else []
        words = [*filter(None, [self.allowed()]), *(["TLS only"] if tls else [])]
        yield settings.policy(aws, name, [*self.allowances(aws, name), *tls], ", ".join(words))

    def allowances(self, aws: Aws, name: str) -> list[dict[str, Any]]:
        """The statements of the bucket's policy that allow something."""
        return []

    def allowed(self) -> str:
        """The same for people."""
        return ""

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Delete the files of one round. If more are left, S3 refuses the last call, and the next round follows."""
        with tolerate("NoSuchBucket"):
            empty(aws, observed.id, files=options.data or options.files or not cls.data)
            aws.s3.delete_bucket(Bucket=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bucket(S3Bucket):
    """A bucket of what can be made again or is not missed. `takes_logs`: load balancers may write access logs."""

    takes_logs: bool = False

    def allowed(self) -> str:
        return "write access for load balancers" if self.takes_logs else ""

    def allowances(self, aws: Aws, name: str) -> list[dict[str, Any]]:
        """AWS: today's service principal, and the account that delivered before it. Both are needed somewhere.

        No condition on the source: AWS does not document that the delivery of ALB logs sends aws:SourceArn or
        aws:SourceAccount, and an account's root cannot.
        """
        if not self.takes_logs:
            return []
        principals = [{"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}]
        if account := DELIVERERS.get(aws.region):
            principals.append({"AWS": f"arn:aws:iam::{account}:root"})
        return [
            {
                "Effect": "Allow",
                "Principal": principal,
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{name}/AWSLogs/{aws.account}/*",
            }
            for principal in principals
        ]


def _tls_only(name: str) -> dict[str, Any]:
    """AWS Config rule s3-bucket-ssl-requests-only: the bucket itself and all in it, for everybody."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
