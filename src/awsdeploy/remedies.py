"""What to do about AWS's no, where it is about the account and not about what was asked: the remedy that really is one.

AWS's codes and words, as accounts have met them; pure text.
"""

from __future__ import annotations

from dataclasses import dataclass

from awsdeploy.hints import next_command

FORBIDDEN = frozenset(
    "AccessDenied AccessDeniedException AuthorizationError UnauthorizedOperation Client.UnauthorizedOperation".split()
)
"""SNS alone says AuthorizationError."""
AGAIN = "run the same command again: it goes on from here."
GO_ON = AGAIN[0].upper() + AGAIN[1:]


@dataclass(frozen=True)
class Remedy:
    """For a refusal with `code` and with `text` in it. `{region}` and `{again}` are filled in."""

    code: str
    words: str
    text: str = ""

    def covers(self, code: str, text: str) -> bool:
        return code == self.code and self.text in text


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
    Remedy(
        "VcpuLimitExceeded",
        "The account's quota of vCPUs is too low; 8 are enough for two machines of two and room to replace them: aws "
        "service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 8 "
        "--region {region}. When AWS has granted it (minutes to days), {again}",
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
            return remedy.words.format(region=region or "REGION", again=AGAIN)
    return GO_ON


def of_billing(action: str) -> str:
    """What else it takes where IAM's `action` is one of billing's; empty for any other."""
    return BILLING.get(action.partition(":")[0], "")


def delete_data() -> str:
    """How what holds data is deleted regardless, and what else goes with it."""
    command = next_command("destroy", "--delete-data")
    return f"`{command}` deletes it with its data, and all else that would stay (files, snapshots, images)."
