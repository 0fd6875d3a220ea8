"""Remedies for refusals that are about the account and not about what was asked.

AWS's codes and words, as accounts have met them; pure text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from awsdeploy.errors import next_command

FORBIDDEN = frozenset(
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation Client.UnauthorizedOperation 403 "
    "KMSAccessDenied KMSAccessDeniedException".split()
)
"""SNS alone says AuthorizationError; S3 answers a HEAD without a word, with 403."""
AGAIN = "run the same command again: it continues from here."
GO_ON = AGAIN[0].upper() + AGAIN[1:]


@dataclass(frozen=True)
class Remedy:
    """Remedy for a refusal whose whole code matches `code`, a regular expression, and whose message contains `text`.

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
        f"This account is on AWS's Free plan. Upgrade it (Billing console, or {UPGRADE}), or stay within its limits "
        "with database.instance_class"
        ' = "db.t3.micro", database.multi_az = false and database.backup_days = 1; then {again}',
    ),
    Remedy(
        "InvalidParameterCombination",
        f"This account is on AWS's Free plan. Upgrade it (Billing console, or {UPGRADE}), or set instance_type of "
        "every service to one that the plan includes (t3.micro; aws ec2 describe-instance-types --filters "
        "Name=free-tier-eligible,Values=true --region {region}); then {again}",
        text="not eligible for Free Tier",
    ),
    # On paid accounts too; no permission and no waiting changes it.
    Remedy(
        "OperationNotPermitted",
        "AWS must enable load balancers for this account; permissions do not change this: open a support case, "
        f"Account and billing, free of charge ({SUPPORT}), with the message above. When AWS has enabled them, "
        f"{{again}}",
        text="does not support creating load balancers",
    ),
    # Minutes to 4 hours.
    Remedy(
        "PendingVerification",
        "AWS is still verifying this new account, usually for some minutes and at most 4 hours; permissions do not "
        "change this. Wait for the e-mail from AWS, then {again}",
    ),
    Remedy(
        "OptInRequired",
        "This account has not finished signing up for the service: complete it (payment method, phone number) at "
        "https://portal.aws.amazon.com/billing/signup#/start, wait for the e-mail from AWS, then {again}",
    ),
    Remedy(
        "Blocked",
        "AWS has blocked this account; only AWS can unblock it. Look for the e-mail from AWS and open a support "
        f"case, Account and billing ({SUPPORT}); when the account is unblocked, {{again}}",
    ),
    # AWS: a change of a disk ends with the state completed, after minutes to hours (API_ModifyVolume).
    *(
        Remedy(
            code,
            "AWS accepts one change of a disk at a time, and the next one six hours after the last. The disk keeps "
            "working. Wait until then, and {again} To see when the last change ends: aws ec2 "
            "describe-volumes-modifications --region {region}",
        )
        for code in ("IncorrectModificationState", "VolumeModificationRateExceeded")
    ),
    Remedy(
        "VcpuLimitExceeded",
        "The account's quota of vCPUs is too low; 8 are enough for two machines with two vCPUs each and for "
        "replacing them: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code "
        "L-1216C47A --desired-value 8 --region {region}. When AWS has granted it (minutes to days), {again}",
    ),
    # AWS answers these with HTTP 500 or 400. They are no quota and no permission: others have taken what there was.
    Remedy(
        "InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientReservedInstanceCapacity",
        "AWS has no more of this instance type in this zone for now; no quota or permission changes that. Set "
        "instance_type of the service to a similar type (t3a.small for t3.small), or [network] zones to other zones "
        "if nothing is deployed yet, or wait a few minutes; then {again}",
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
        "A subnet has no free addresses left. Delete unused network interfaces in it (aws ec2 "
        "describe-network-interfaces --region {region}), then {again}",
        text="free addresses",
    ),
    Remedy(
        "ServiceLinkedRoleFailure",
        "AWS is still creating the service-linked role. This happens with the first Auto Scaling group of an "
        "account. Wait a minute, then {again}",
    ),
    Remedy(
        "TagPolicyViolation",
        "A tag policy of the organization does not allow this tag's value. Put the required tags under [tags] in "
        "config.toml, then {again}",
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
        "A quota of this account is used up. Delete unused resources, or request an increase: "
        "https://{region}.console.aws.amazon.com/servicequotas/home. When AWS has granted it, {again}",
    ),
    # Of these the kind is all that can be said.
    Remedy(
        r"Invalid(?:Parameter|Input|Argument|ChangeBatch|Config|Request)\w*(?:\.\w+)?|Validation(?:Error|Exception)|"
        r"Malformed\w*|Missing(?:Parameter|Required\w*)|UnknownParameter",
        "AWS does not accept a value; see its message. If the value comes from config.toml, correct it, then {again} "
        "Otherwise, report it.",
    ),
    Remedy(
        r"(?:Duplicate|Conflicting)\w*|\w*AlreadyExists?(?:Exception|Fault)?(?:\.\w+)?|\w+\.Duplicate",
        "A resource with this name exists and does not belong to the stack. Rename or delete it if it is not needed, "
        "then {again}",
    ),
    Remedy(
        r"DependencyViolation|\w*InUse(?:Exception|Fault)?|DeleteConflict|Incorrect\w*State|Invalid\w*State\w*|"
        r"\w*Conflict(?:Exception)?|ResourceContention",
        "Something else uses it, or it is being changed. Wait some minutes, then {again}",
    ),
    Remedy(
        r"NoSuch\w*|\w*NotFound\w*(?:\.\w+)?|Invalid\w+\.NotFound|404",
        "It does not exist: something else may have deleted it. {Again}",
    ),
)

# AWS: IAM users see the bill only once the root user has opened it to them.
_ROOT = (
    'IAM users and roles can read billing data only after the root user has turned on "IAM user and role access to '
    'Billing information" (Account settings).'
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
    """Additional requirement if IAM's `action` is about billing; empty for other actions."""
    return BILLING.get(action.partition(":")[0], "")


def delete_data() -> str:
    """The command that deletes data regardless, and what else it deletes."""
    command = next_command("destroy", "--delete-data")
    return f"`{command}` deletes it with its data, and everything that would be retained (files, snapshots, images)."
