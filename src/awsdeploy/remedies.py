"""What to do about AWS's no, where it is about the account and not about what was asked: the remedy that really is one.

AWS's codes and words, as accounts have met them; pure text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from awsdeploy.hints import next_command

FORBIDDEN = frozenset(
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation Client.UnauthorizedOperation 403 "
    "KMSAccessDenied KMSAccessDeniedException".split()
)
"""SNS alone says AuthorizationError; S3 answers a HEAD without a word, with 403."""
AGAIN = "run the same command again: it goes on from here."
GO_ON = AGAIN[0].upper() + AGAIN[1:]


@dataclass(frozen=True)
class Remedy:
    """For a refusal whose code is all of `code`, a regular expression, and with `text` in it.

    `{region}` and `{again}` (`{Again}` as a sentence) are filled in. The first that fits is taken.
    """

    code: str
    words: str
    text: str = ""

    def covers(self, code: str, text: str) -> bool:
        return re.fullmatch(self.code, code) is not None and self.text in text


UPGRADE = "aws freetier upgrade-account-plan --account-plan-type PAID --region us-east-1"
SUPPORT = "https://support.console.aws.amazon.com/support/home#/case/create?issueType=customer-service"

REMEDIES = (
    # New accounts since July 2025 begin on the Free plan: micro classes, and backups for a day at most.
    Remedy(
        "FreeTierRestrictionError",
        f"This account is on AWS's Free plan. Upgrade it (Billing console, or {UPGRADE}), or stay within it with "
        'database.instance_class = "db.t3.micro", database.multi_az = false and database.backup_days = 1; then {again}',
    ),
    Remedy(
        "InvalidParameterCombination",
        f"This account is on AWS's Free plan. Upgrade it (Billing console, or {UPGRADE}), or set instance_type of "
        "every service to one that it has (t3.micro; aws ec2 describe-instance-types --filters "
        "Name=free-tier-eligible,Values=true --region {region}); then {again}",
        text="not eligible for Free Tier",
    ),
    # On paid accounts too; no permission and no waiting changes it.
    Remedy(
        "OperationNotPermitted",
        "AWS has to allow load balancers in this account, which no permission does: open a support case, Account and "
        f"billing, free of charge ({SUPPORT}), with AWS's sentence above. When they have, {{again}}",
        text="does not support creating load balancers",
    ),
    # Minutes to 4 hours.
    Remedy(
        "PendingVerification",
        "AWS is still verifying this new account, usually for some minutes and at most 4 hours; it is no permission. "
        "Wait for AWS's mail, then {again}",
    ),
    Remedy(
        "OptInRequired",
        "This account has not finished signing up for the service: complete it (payment method, phone number) at "
        "https://portal.aws.amazon.com/billing/signup#/start, wait for AWS's mail, then {again}",
    ),
    Remedy(
        "Blocked",
        "AWS has blocked this account: only AWS can lift that. Look for its mail and open a support case, Account and "
        f"billing ({SUPPORT}); when it is lifted, {{again}}",
    ),
    # AWS: a change of a disk ends with the state completed, after minutes to hours (API_ModifyVolume).
    *(
        Remedy(
            code,
            "AWS takes one change of a disk at a time, and the next one six hours after the last. The disk works on as "
            "it is. Wait until then, and {again} When the last change ends: aws ec2 describe-volumes-modifications "
            "--region {region}",
        )
        for code in ("IncorrectModificationState", "VolumeModificationRateExceeded")
    ),
    Remedy(
        "VcpuLimitExceeded",
        "The account's quota of vCPUs is too low; 8 are enough for two machines of two and room to replace them: aws "
        "service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 8 "
        "--region {region}. When AWS has granted it (minutes to days), {again}",
    ),
    # AWS answers these with HTTP 500 or 400. They are no quota and no permission: others have taken what there was.
    Remedy(
        "InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientReservedInstanceCapacity",
        "AWS has no more of this instance type in this zone for now; no quota or permission changes that. Set "
        "instance_type of the service to a similar type (t3a.small for t3.small), or [network] zones to other zones "
        "before anything stands in them, or wait some minutes; then {again}",
    ),
    Remedy(
        "Unsupported",
        "AWS does not offer this instance type in this zone. Where it is offered: aws ec2 "
        "describe-instance-type-offerings --location-type availability-zone --region {region}. Set instance_type of "
        "the service, or [network] zones, to what is in that list; then {again}",
    ),
    Remedy(
        "InsufficientDBInstanceCapacity|InsufficientDBInstanceCapacityFault",
        "AWS has no more of this database class in these zones for now; no quota or permission changes that. Set "
        "database.instance_class to another (db.t4g.small for db.t3.small), or wait some minutes; then {again}",
    ),
    Remedy(
        "InsufficientAddressCapacity",
        "AWS has no free public addresses in {region} for now; no quota or permission changes that. Wait some "
        "minutes, or go without a NAT gateway (network.nat = false); then {again}",
    ),
    Remedy(
        "InsufficientVolumeCapacity|InsufficientStorageClusterCapacity|StorageTypeNotSupported.*",
        "AWS has no more storage of this kind in this zone for now; no quota or permission changes that. Wait some "
        "minutes, then {again}",
    ),
    Remedy(
        "Insufficient.*Capacity.*|CapacityNotAvailable.*",
        "AWS has no capacity for this for now; no quota or permission changes that. Wait some minutes, then {again}",
    ),
    Remedy(
        "InsufficientFreeAddressesInSubnet|InvalidSubnet",
        "A subnet has no free addresses left. Delete what nobody uses in it (aws ec2 describe-network-interfaces "
        "--region {region}), then {again}",
        text="free addresses",
    ),
    Remedy(
        "ServiceLinkedRoleFailure",
        "AWS is still making the service's own role, as with an account's first group of machines. Wait a minute, "
        "then {again}",
    ),
    Remedy(
        "TagPolicyViolation",
        "A tag policy of the organization does not allow this tag's value. Put the tags that it demands under [tags] "
        "in config.toml, then {again}",
    ),
    Remedy(
        r"KMS.*|InvalidKMSKey.*|InvalidKeyId",
        "The KMS key that encrypts this has to be enabled and in {region}, and its key policy has to allow these "
        "credentials: aws kms describe-key --key-id KEY --region {region}. Then {again}",
    ),
    Remedy(
        r"AddressLimitExceeded",
        "The account's quota of elastic IPs is used up: release one that nobody uses (aws ec2 describe-addresses "
        "--region {region}), go without a NAT gateway (network.nat = false), or ask for more: aws service-quotas "
        "request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 --desired-value 10 "
        "--region {region}. Then {again}",
    ),
    Remedy(
        r".*(?:Limit|Quota)Exceeded(?:Exception|Fault)?|TooMany(?!Requests).*|Maximum.*Exceeded",
        "A quota of this account is used up. Delete what nobody uses, or ask for more: "
        "https://{region}.console.aws.amazon.com/servicequotas/home. When AWS has granted it, {again}",
    ),
    # Of these the kind is all that can be said.
    Remedy(
        r"Invalid(?:Parameter|Input|Argument|ChangeBatch|Config|Request)\w*(?:\.\w+)?|Validation(?:Error|Exception)|"
        r"Malformed\w*|Missing(?:Parameter|Required\w*)|UnknownParameter",
        "AWS does not accept a value, which its sentence names. Where it comes from config.toml, correct it, then "
        "{again} Else report it.",
    ),
    Remedy(
        r"(?:Duplicate|Conflicting)\w*|\w*AlreadyExists?(?:Exception|Fault)?(?:\.\w+)?|\w+\.Duplicate",
        "Something of this name exists that is not the stack's. Rename or delete it if nobody needs it, then {again}",
    ),
    Remedy(
        r"DependencyViolation|\w*InUse(?:Exception|Fault)?|DeleteConflict|Incorrect\w*State|Invalid\w*State\w*|"
        r"\w*Conflict(?:Exception)?|ResourceContention",
        "Something else uses it, or it is being changed. Wait some minutes, then {again}",
    ),
    Remedy(
        r"NoSuch\w*|\w*NotFound\w*(?:\.\w+)?|Invalid\w+\.NotFound|404",
        "It is not there, or not any more: something else may have deleted it. {Again}",
    ),
)

# AWS: IAM users see the bill only once the root user has opened it to them.
_ROOT = (
    "The bill is open to IAM users and roles only once the account's root user has turned on IAM user and role access "
    "to Billing information (Account settings)."
)
_BUDGETS = f"{_ROOT} Or go without a budget: monitoring.budget = false."
BILLING = {"billing": _BUDGETS, "budgets": _BUDGETS, "ce": _ROOT}


def of(code: str, text: str, region: str) -> str:
    """The next thing to do about a refusal that is not about a permission."""
    for remedy in REMEDIES:
        if remedy.covers(code, text):
            return remedy.words.format(region=region or "REGION", again=AGAIN, Again=GO_ON)
    return GO_ON


def of_billing(action: str) -> str:
    """What else it takes where IAM's `action` is one of billing's; empty for any other."""
    return BILLING.get(action.partition(":")[0], "")


def delete_data() -> str:
    """The command that deletes data regardless, and what else it deletes."""
    command = next_command("destroy", "--delete-data")
    return f"`{command}` deletes it with its data, and all else that would stay (files, snapshots, images)."
