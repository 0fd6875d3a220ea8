"""The rows of what is the account's own: its plan, its quotas, its bill."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.monitoring import budget


def limits(_scope: Scope) -> Iterator[Statement]:
    """Reads of the preflight. Without them, a check is reported as not made, and the run continues."""
    quotas = "GetAWSDefaultServiceQuota GetServiceQuota"
    yield allow("Limits", ["freetier:GetAccountPlanState", *actions("servicequotas", quotas)], ["*"])


def spending(scope: Scope) -> Iterator[Statement]:
    """The stack's budget, by its name, and the billed cost, which has no resource level."""
    own = [scope.arn("budgets", f"budget/{budget.named(scope.stack)}", "")]
    changes = "ListTagsForResource ModifyBudget TagResource UntagResource ViewBudget"
    yield allow("Budget", actions("budgets", changes), own)
    # AWS, Service Authorization Reference: what ViewBudget depends on.
    yield allow("BudgetView", ["billing:GetBillingViewData"], [scope.arn("billing", "billingview/primary", "")])
    yield allow("Billed", ["ce:GetCostAndUsage"], ["*"])
