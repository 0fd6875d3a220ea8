"""SNS: mail is confirmed by the addressee (a control call plays it), not by asking for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

PENDING = "PendingConfirmation"


@dataclass
class Mail:
    """Subscriptions (ARN → region) that are not confirmed yet."""

    unanswered: dict[str, str] = field(default_factory=dict)


@before("sns:CreateTopic")
def same_tags(world: World, call: ApiCall) -> None:
    """AWS: CreateTopic with the name of an existing topic returns that topic, if the tags are the same."""
    wanted = {tag["Key"]: tag["Value"] for tag in call.parameters.get("Tags") or ()}
    for arn, topic in world.moto("sns", call.region).topics.items():
        if arn.rpartition(":")[2] == call.parameters["Name"] and wanted and wanted != topic._tags:
            message = "Invalid parameter: Tags Reason: Topic already exists with different tags"
            raise AwsRefuses("InvalidParameter", message)


@after("sns:Subscribe")
def mailed(world: World, call: ApiCall, answer: Answer) -> None:
    arn, mail = answer["SubscriptionArn"], world.of(Mail)
    subscription = world.moto("sns", call.region).subscriptions[arn]
    if call.parameters["Protocol"] not in ("email", "email-json") or subscription.confirmed:
        return
    if arn not in mail.unanswered:
        mail.unanswered[arn] = call.region
        world.agenda.after(durations.CONFIRMATION_EXPIRES, lambda: _forgotten(world, arn))
    if not call.parameters.get("ReturnSubscriptionArn"):
        answer["SubscriptionArn"] = "pending confirmation"


def _forgotten(world: World, arn: str) -> None:
    if region := world.of(Mail).unanswered.pop(arn, ""):
        world.moto("sns", region).unsubscribe(arn)


def confirm(world: World, address: str) -> int:
    """The addressee follows the link in every mail so far; returns in how many."""
    mail, confirmed = world.of(Mail), 0
    for arn, region in list(mail.unanswered.items()):
        subscription = world.moto("sns", region).subscriptions.get(arn)
        if subscription is None or subscription.endpoint == address:
            del mail.unanswered[arn]
        if subscription is not None and subscription.endpoint == address:
            subscription.confirmed, confirmed = True, confirmed + 1
    return confirmed


@after("sns:ListSubscriptions", "sns:ListSubscriptionsByTopic")
def listed(world: World, _: ApiCall, answer: Answer) -> None:
    for one in answer.get("Subscriptions", ()):
        if one["SubscriptionArn"] in world.of(Mail).unanswered:
            one["SubscriptionArn"] = PENDING


@before("sns:Unsubscribe")
def by_arn(world: World, call: ApiCall) -> None:
    arn = str(call.parameters["SubscriptionArn"])
    if not arn.startswith("arn:"):
        raise AwsRefuses("InvalidParameter", "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6")
    if arn in world.of(Mail).unanswered:
        message = "Invalid parameter: This operation can only be called for confirmed subscriptions"
        raise AwsRefuses("InvalidParameter", message)
