"""SNS topic of the alarms, and its addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import APART
from awsdeploy.engine.resource import (
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.resources import tag_calls

PENDING = "PendingConfirmation"
"""Text that AWS lists in place of an ARN until the recipient has followed the link in the e-mail."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Topic(Resource):
    """An SNS topic and its e-mail addresses.

    A subscription is not a separate resource, because AWS refuses to delete one that is not confirmed. It is deleted
    after three days or with its topic.
    """

    emails: tuple[str, ...]

    tagging = tag_calls.TOPIC
    title = "SNS topic"
    immediate = True
    deletion = Deletion(immediate=True)
    idempotency = Idempotency.NAME
    multi_region = True
    arns = (":sns:",)
    ignorable = {"e-mail"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        sns = aws.client("sns")
        for one in sns.pages("list_topics", "Topics"):
            arn = one["TopicArn"]
            if arn.rpartition(":")[2].startswith(f"{aws.stack.slug}-"):
                with tolerate("NotFound", "NotFoundException", "ResourceNotFound"):
                    tags = sns.list_tags_for_resource(ResourceArn=arn)["Tags"]
                    for observed in aws.found(cls, arn, tags, {}):
                        subscriptions = list(sns.pages("list_subscriptions_by_topic", "Subscriptions", TopicArn=arn))
                        yield dataclasses.replace(observed, raw={"Subscriptions": subscriptions})

    def create(self, aws: Aws) -> str | Observed:
        made = aws.client("sns").create_topic(Name=aws.name(self, 256, APART), Tags=aws.tags(self))
        return aws.made(self, made["TopicArn"], {"Subscriptions": []})

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Subscriptions of other protocols are left alone."""
        sns, present = aws.client("sns"), by_mail(observed)
        for email in self.emails:
            if email not in present:

                def subscribe(email: str = email) -> None:
                    sns.subscribe(TopicArn=observed.id, Protocol="email", Endpoint=email)

                yield Change("e-mail", None, email, subscribe, "AWS sends a confirmation e-mail to it")
        for email, arn in present.items():
            if email not in self.emails and arn.startswith("arn:"):

                def unsubscribe(arn: str = arn) -> None:
                    with tolerate("NotFound"):
                        sns.unsubscribe(SubscriptionArn=arn)

                yield Change("e-mail", email, None, unsubscribe)

    def advisory(self, aws: Aws, observed: Observed) -> str:
        if not self.emails:
            return "no one receives alarms: monitoring.emails is empty"
        reached = confirmed(observed, self.emails)
        silent = [email for email in self.emails if email not in reached]
        if not silent:
            return ""
        verb = "has" if len(silent) == 1 else "have"
        mail = "the e-mail from AWS" + (f" from {self.region}" if self.region else "")
        whom = "nobody" if len(silent) == len(self.emails) else "some recipients only"
        return f"alarms reach {whom}: {', '.join(silent)} {verb} not confirmed {mail}"

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """The subscriptions go with it."""
        aws.client("sns").delete_topic(TopicArn=observed.id)


def confirmed(observed: Observed | None, emails: Iterable[str]) -> list[str]:
    """Addresses among these that have confirmed their subscription."""
    present = by_mail(observed) if observed else {}
    return [email for email in emails if present.get(email, PENDING).startswith("arn:")]


def by_mail(observed: Observed) -> dict[str, str]:
    """E-mail address → the subscription's ARN, or AWS's word for one that is not confirmed."""
    subscriptions: list[dict[str, Any]] = list(observed.raw.get("Subscriptions", ()))
    return {one["Endpoint"]: one["SubscriptionArn"] for one in subscriptions if one["Protocol"] == "email"}
