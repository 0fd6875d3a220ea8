"""Reasons why AWS denies a call, read from its own words: what helps where no statement of an IAM policy can.

AWS: "Troubleshoot access denied error messages" (IAM User Guide) and S3's own sentences. Pure text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# AWS: "… is not authorized to perform: ec2:CreateVpc on resource: … because no identity-based policy allows …".
# S3 puts the resource into quotation marks.
_DENIED = re.compile(r"not authorized to perform: (?P<action>[\w-]+:\w+)(?: on resource: \"?(?P<resource>[^\s,\"]+))?")
_ENCODED = re.compile(r"\.?\s*Encoded authorization failure message: (\S+)")
_POLICY = re.compile(r"explicit deny in (?:an?|the) [\w -]+: (arn:[^\s,]+)")
_EXPLICIT = "explicit deny"


@dataclass(frozen=True)
class Denied:
    """A denial as AWS words it. `action` and `resource` are empty where it does not say."""

    action: str
    resource: str
    text: str
    encoded: str = ""

    @classmethod
    def read(cls, text: str) -> Denied:
        said, encoded = _DENIED.search(text), _ENCODED.search(text)
        return cls(
            action=said["action"] if said else "",
            resource=((said and said["resource"]) or "").removesuffix("."),
            text=_ENCODED.sub("", text),
            encoded=encoded[1] if encoded else "",
        )

    @property
    def decoding(self) -> str:
        """The command that decodes the reason, where EC2 gives it encoded only."""
        if not self.encoded or self.action:
            return ""
        return (
            "To see why it is denied: aws sts decode-authorization-message --query DecodedMessage "
            f"--output text --encoded-message {self.encoded}"
        )


@dataclass(frozen=True)
class Reason:
    """A row: if AWS's words contain `text` (a regular expression), `remedy` helps.

    `{action}`, `{resource}`, `{bucket}`, `{key}` and `{policy}` are filled in.
    """

    text: str
    remedy: str


_ASK = "No policy in this account can allow it: ask the administrator of the organization"
REASONS = (
    Reason(
        r"object lock",
        "S3 Object Lock keeps this version until a date, or while a legal hold is on; no permission can remove a "
        "lock in compliance mode. To see it: aws s3api get-object-retention --bucket {bucket} --key {key}. Wait for "
        "that date, or in governance mode delete it with s3:BypassGovernanceRetention, then {again}",
    ),
    Reason(
        r"\bMFA\b|multi-factor",
        "The bucket has MFA delete on: only the root user, with an MFA code, deletes versions or turns it off: "
        "aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration "
        'Status=Enabled,MFADelete=Disabled --mfa "SERIAL CODE". Then {again}',
    ),
    Reason(
        r"Block ?Public ?(?:Access|Policy|Acls)|RestrictPublicBuckets|public \w+ are (?:blocked|prevented)",
        "S3 Block Public Access denies it (on the bucket, the account or the organization). Permissions do not "
        "change this. To see which: aws s3api get-public-access-block --bucket {bucket}, aws s3control "
        "get-public-access-block --account-id ACCOUNT. Allow public policies there, or set uploads.access to private "
        "in config.toml; then {again}",
    ),
    Reason(
        r"service control policy",
        "A service control policy denies it{policy}. " + _ASK + " to except {action} on {resource}, then {again}",
    ),
    Reason(
        r"resource control policy",
        "A resource control policy denies it{policy}. " + _ASK + " to except {action} on {resource}, then {again}",
    ),
    Reason(
        r"permissions boundary",
        "The permissions boundary of these credentials does not allow it{policy}. Have {action} on {resource} "
        "added to the boundary itself (or its Deny removed): a statement elsewhere does not help. Then {again}",
    ),
    Reason(
        r"session policy",
        "These credentials were issued with a session policy that does not allow {action}. Sign in again without that "
        "policy, or with one that allows it, then {again}",
    ),
    Reason(
        r"VPC endpoint policy",
        "This machine reaches AWS through a VPC endpoint whose policy does not allow {action} on {resource}{policy}: "
        "aws ec2 describe-vpc-endpoints. Have it added there, or run from another network, then {again}",
    ),
    Reason(
        r"ciphertext refers to|kms:\w+ on this resource|KMS key",
        "The KMS key has to be enabled, in this region, and its key policy has to allow {action} to these credentials: "
        "aws kms get-key-policy --key-id KEY. Then {again}",
    ),
    Reason(
        r"explicit deny in a resource-based policy",
        "The resource policy of {resource} denies it{policy}. Remove the Deny from that policy{look}: no other policy "
        "can override a Deny. Then {again}",
    ),
    Reason(
        r"no resource-based polic(?:y|ies) allows?",
        "The resource policy of {resource} must allow {action} to these credentials{look}. Then {again}",
    ),
    Reason(
        r"no role trust policy allows",
        "The trust policy of {resource} must allow the caller: aws iam get-role. Then {again}",
    ),
    Reason(
        r"explicit deny in an identity-based policy",
        "A policy of these credentials denies it explicitly{policy}, and no Allow can override a Deny. Remove "
        "{action} on {resource} from that Deny, or ask the administrator of the account. Then {again}",
    ),
    Reason(
        _EXPLICIT,
        "A policy denies it explicitly{policy}, and no other policy can override that. Ask the administrator of the "
        "account to exclude {action} on {resource}. Then {again}",
    ),
)


def remedy(denied: Denied, again: str) -> str:
    """Find what helps where an `Allow` cannot; empty where a permission is simply missing."""
    for reason in REASONS:
        if re.search(reason.text, denied.text, re.IGNORECASE):
            return reason.remedy.format_map(_filled(denied) | {"again": again})
    return ""


def _filled(denied: Denied) -> dict[str, str]:
    by = _POLICY.search(denied.text)
    path = denied.resource.partition(":::")[2]
    bucket, _, key = path.partition("/")
    return {
        "action": denied.action,
        "resource": denied.resource if denied.resource != "*" else "the resource",
        "bucket": bucket or "BUCKET",
        "key": key or "KEY",
        "policy": f" ({by[1]})" if by else "",
        "look": f" (aws s3api get-bucket-policy --bucket {bucket})" if bucket else "",
    }
