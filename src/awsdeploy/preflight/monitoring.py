"""Check that the alarm e-mails are confirmed."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.config.stack import APART
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.resources.monitoring.topic import PENDING


def alarm_mail(question: Question) -> Iterator[Finding]:
    """Find addresses of an existing stack that are not confirmed with the link in AWS's e-mail."""
    emails = question.settings.monitoring.emails
    if not emails:
        return
    silent: dict[str, None] = {}
    for one in question.client("sns").pages("list_subscriptions", "Subscriptions"):
        ours = one["TopicArn"].rpartition(":")[2].startswith(f"{question.settings.stack.slug}{APART}")
        if ours and one["Protocol"] == "email" and one["SubscriptionArn"] == PENDING and one["Endpoint"] in emails:
            silent[one["Endpoint"]] = None
    for email in silent:
        seen = "has not confirmed the e-mail from AWS: it gets no alarms"
        remedy = f"Open the mail from no-reply@sns.amazonaws.com to {email} and click its link (check the spam folder)."
        yield Finding(f"alarm mail to {email} (monitoring.emails)", seen, remedy, fatal=False)
