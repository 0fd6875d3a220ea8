"""Data Lifecycle Manager, of which moto has nothing: policies that make images of machines by the clock.

Simulated is what images of machines take: one policy type, schedules by the hour, retention by count.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.backup import images
from awsdeploy.sandbox.aws.identity import iam
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

WORDS = re.compile(r"[0-9A-Za-z _-]{1,500}")
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
INTERVALS = {1, 2, 3, 4, 6, 8, 12, 24}
SERVICE = "dlm.amazonaws.com"
HOUR, DAY = 3600, 86400
BEGINS = 1800  # AWS: within an hour of the time that was asked for


@dataclass
class StoredLifecyclePolicy:
    """`edition` counts its changes: what an older one had put on the agenda no longer counts."""

    region: str
    shown: dict[str, Any]
    edition: int = 0


@dataclass
class LifecyclePolicies:
    """All policies of the account."""

    by_id: dict[str, StoredLifecyclePolicy] = field(default_factory=dict)


@before("dlm:CreateLifecyclePolicy")
def create(world: World, call: ApiCall) -> Answer:
    wanted = call.parameters
    _role(world, wanted["ExecutionRoleArn"], call.region)
    _words(wanted["Description"])
    details = _details(wanted.get("PolicyDetails") or {})
    id, now = f"policy-0{secrets.token_hex(8)}", datetime.fromtimestamp(world.now, UTC)
    policy = StoredLifecyclePolicy(
        call.region,
        {
            "PolicyId": id,
            "Description": wanted["Description"],
            "State": wanted["State"],
            "StatusMessage": wanted["State"],
            "ExecutionRoleArn": wanted["ExecutionRoleArn"],
            "DateCreated": now,
            "DateModified": now,
            "PolicyDetails": details,
            "Tags": dict(wanted.get("Tags") or {}),
            "PolicyArn": f"arn:aws:dlm:{call.region}:{ACCOUNT}:policy/{id}",
            "DefaultPolicy": False,
        },
    )
    world.of(LifecyclePolicies).by_id[id] = policy
    _schedule(world, policy)
    return {"PolicyId": id}


@before("dlm:GetLifecyclePolicies")
def many(world: World, call: ApiCall) -> Answer:
    asked = call.parameters
    found = [one.shown for one in world.of(LifecyclePolicies).by_id.values() if one.region == call.region]
    if asked.get("PolicyIds"):
        found = [one for one in found if one["PolicyId"] in asked["PolicyIds"]]
    if asked.get("State"):
        found = [one for one in found if one["State"] == asked["State"]]
    summary = ("PolicyId", "Description", "State", "Tags", "DefaultPolicy")
    return {
        "Policies": [
            {**{name: one[name] for name in summary}, "PolicyType": one["PolicyDetails"]["PolicyType"]} for one in found
        ]
    }


@before("dlm:GetLifecyclePolicy")
def one(world: World, call: ApiCall) -> Answer:
    return {"Policy": copy.deepcopy(_named(world, call).shown)}


@before("dlm:UpdateLifecyclePolicy")
def update(world: World, call: ApiCall) -> Answer:
    policy, wanted = _named(world, call), call.parameters
    if "ExecutionRoleArn" in wanted:
        _role(world, wanted["ExecutionRoleArn"], call.region)
    if "Description" in wanted:
        _words(wanted["Description"])
    if "PolicyDetails" in wanted:
        details = _details(wanted["PolicyDetails"])
        if details["PolicyType"] != policy.shown["PolicyDetails"]["PolicyType"]:
            raise AwsRefuses("InvalidRequestException", "The type of a policy can't be changed.", 400)
        policy.shown["PolicyDetails"] = details
    for name in ("ExecutionRoleArn", "Description", "State"):
        if name in wanted:
            policy.shown[name] = wanted[name]
    policy.shown["StatusMessage"] = policy.shown["State"]
    policy.shown["DateModified"] = datetime.fromtimestamp(world.now, UTC)
    _schedule(world, policy)
    return {}


@before("dlm:DeleteLifecyclePolicy")
def delete(world: World, call: ApiCall) -> Answer:
    del world.of(LifecyclePolicies).by_id[_named(world, call).shown["PolicyId"]]
    return {}


@before("dlm:TagResource", "dlm:UntagResource", "dlm:ListTagsForResource")
def tags(world: World, call: ApiCall) -> Answer:
    found = next(
        (
            one
            for one in world.of(LifecyclePolicies).by_id.values()
            if one.shown["PolicyArn"] == call.parameters["ResourceArn"]
        ),
        None,
    )
    if found is None:
        raise AwsRefuses("ResourceNotFoundException", "The requested resource was not found.", 404)
    kept: dict[str, str] = found.shown["Tags"]
    kept.update(call.parameters.get("Tags") or {})
    for key in call.parameters.get("TagKeys") or ():
        kept.pop(key, None)
    return {"Tags": dict(kept)} if call.operation == "ListTagsForResource" else {}


def _named(world: World, call: ApiCall) -> StoredLifecyclePolicy:
    id = call.parameters["PolicyId"]
    policy = world.of(LifecyclePolicies).by_id.get(id)
    if policy is None or policy.region != call.region:
        raise AwsRefuses("ResourceNotFoundException", f"No such policy: {id}", 404)
    return policy


def _role(world: World, arn: str, region: str) -> None:
    if not _known(world, arn, region) or not iam.role_assumable(world, arn):
        message = f"Invalid execution role: {arn}. It does not exist or can't be assumed by dlm.amazonaws.com."
        raise AwsRefuses("InvalidRequestException", message, 400)


def _known(world: World, arn: str, region: str) -> bool:
    """True if the role trusts the service when that acts for a policy of this account and region."""
    role = next((one for one in world.moto("iam").roles.values() if one.arn == arn), None)
    document = json.loads(role.assume_role_policy_document) if role is not None else {"Statement": []}
    return any(
        SERVICE in str(one.get("Principal")) and _meant_for(one.get("Condition", {}), region)
        for one in document["Statement"]
    )


def _meant_for(condition: dict[str, dict[str, str]], region: str) -> bool:
    account = condition.get("StringEquals", {}).get("aws:SourceAccount", ACCOUNT)
    source = condition.get("ArnLike", {}).get("aws:SourceArn", "*")
    return account == ACCOUNT and fnmatch.fnmatchcase(f"arn:aws:dlm:{region}:{ACCOUNT}:policy/policy-1", source)


def _words(text: str) -> None:
    if not WORDS.fullmatch(text):
        raise AwsRefuses("InvalidRequestException", "Description must match [0-9A-Za-z _-]+", 400)


def _details(wanted: dict[str, Any]) -> dict[str, Any]:
    """The details as AWS keeps them: with what it adds. Raises `AwsRefuses`."""
    details = copy.deepcopy(wanted)
    schedules = details.get("Schedules") or []
    wrong = ""
    if details.get("PolicyType") != "IMAGE_MANAGEMENT":
        wrong = "The sandbox simulates policies of type IMAGE_MANAGEMENT only."
    elif details.get("ResourceTypes") != ["INSTANCE"]:
        wrong = "ResourceTypes of an AMI policy must be INSTANCE."
    elif not details.get("TargetTags"):
        wrong = "TargetTags is required."
    elif not 1 <= len(schedules) <= 4:
        wrong = "A policy has one to four schedules."
    elif not {one["Key"] for one in details["TargetTags"]}.isdisjoint({"aws:dlm:lifecycle-policy-id", "dlm:managed"}):
        wrong = "Target tags can't be AWS's own."
    for schedule in schedules:
        rule, retain = schedule.get("CreateRule") or {}, schedule.get("RetainRule") or {}
        times = rule.get("Times") or []
        if rule.get("IntervalUnit") != "HOURS" or rule.get("Interval") not in INTERVALS:
            wrong = wrong or "CreateRule: Interval must be 1, 2, 3, 4, 6, 8, 12 or 24 HOURS."
        if len(times) != 1 or not TIME.fullmatch(times[0]):
            wrong = wrong or "CreateRule: Times must be one time, hh:mm."
        if not 1 <= int(retain.get("Count") or 0) <= 1000:
            wrong = wrong or "RetainRule: Count must be from 1 to 1000."
        if not WORDS.fullmatch(schedule.get("Name") or ""):
            wrong = wrong or "Schedule Name must match [0-9A-Za-z _-]+"
        rule.setdefault("Location", "CLOUD")
        schedule.setdefault("CopyTags", False)
    if wrong:
        raise AwsRefuses("InvalidRequestException", wrong, 400)
    details.setdefault("PolicyLanguage", "STANDARD")
    details.setdefault("Parameters", {}).setdefault("NoReboot", True)
    return details


def _schedule(world: World, policy: StoredLifecyclePolicy) -> None:
    """Put the next round of each schedule on the agenda."""
    policy.edition += 1
    if policy.shown["State"] == "ENABLED":
        for schedule in policy.shown["PolicyDetails"]["Schedules"]:
            _next_round(world, policy, schedule, policy.edition)


def _next_round(world: World, policy: StoredLifecyclePolicy, schedule: dict[str, Any], edition: int) -> None:
    rule = schedule["CreateRule"]
    hours, minutes = map(int, rule["Times"][0].split(":"))
    every = rule["Interval"] * HOUR
    first = hours * HOUR + minutes * 60 + BEGINS
    world.agenda.after((first - world.now) % every or every, lambda: _round(world, policy, schedule, edition))


def _round(world: World, policy: StoredLifecyclePolicy, schedule: dict[str, Any], edition: int) -> None:
    """Make an image of every machine that the policy finds, and retire what is beyond the count."""
    id = policy.shown["PolicyId"]
    if policy.edition != edition or world.of(LifecyclePolicies).by_id.get(id) is not policy:
        return
    if not _known(world, policy.shown["ExecutionRoleArn"], policy.region):
        policy.shown |= {"State": "ERROR", "StatusMessage": "The execution role can't be assumed."}
        return
    ec2 = world.moto("ec2", policy.region)
    targets = {(one["Key"], one["Value"]) for one in policy.shown["PolicyDetails"]["TargetTags"]}
    own = {
        "aws:dlm:lifecycle-policy-id": id,
        "aws:dlm:lifecycle-schedule-name": schedule["Name"],
        "dlm:managed": "true",
    }
    for instance in ec2.all_instances():
        found = dict(ec2.tags.get(instance.id, {}))
        if instance._state.name not in {"running", "stopped"} or not targets & set(found.items()):
            continue
        copied = {key: value for key, value in found.items() if not key.startswith("aws:")}
        given = {**(copied if schedule["CopyTags"] else {}), **own, "instance-id": instance.id}
        name = f"{id}_{instance.id}_{int(world.now * 1000)}"
        images.make(world, policy.region, instance, name, given, given)
        made = [
            image
            for image in ec2.amis.values()
            if image.instance_id == instance.id and ec2.tags.get(image.id, {}).get("aws:dlm:lifecycle-policy-id") == id
        ]
        made.sort(key=lambda image: image.creation_date)
        for image in made[: -int(schedule["RetainRule"]["Count"])]:
            images.retire(world, policy.region, image.id)
    _next_round(world, policy, schedule, edition)
