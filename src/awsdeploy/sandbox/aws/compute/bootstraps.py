"""User data that fetches a script and runs it: the machine needs the object, and a role that may read it.

Like the user data itself the script is read, never run: one that would report its outcome in a tag has gone well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from awsdeploy.sandbox.aws import Answer, after
from awsdeploy.sandbox.aws.compute.instances import InstanceStates, bootstrapped
from awsdeploy.sandbox.machines.user_data import fetches, reports, unless
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.anonymous_access import decided, listed
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World

BOOTSTRAPPED_HOOKS: list[Callable[[World, str, Any, str], None]] = []
"""Called with region, machine and bucket of its script after a successful first boot."""


@after("ec2:RunInstances")
def first_boot(world: World, call: ApiCall, answer: Answer) -> None:
    """AWS: cloud-init runs user data once, when a machine first boots."""
    ec2 = world.moto("ec2", call.region)
    for shown in answer["Instances"]:
        boot = partial(_boot, world, call.region, ec2.get_instance(shown["InstanceId"]))
        world.agenda.after(durations.INSTANCE_RUNNING + durations.INSTANCE_BOOTSTRAPPED, boot)


def _boot(world: World, region: str, instance: Any) -> None:
    text = instance.user_data or ""
    script = text if isinstance(text, str) else text.decode()
    if not bootstrapped(world, instance):
        return
    if (condition := unless(script)) and _read(world, region, instance, *condition) is not None:
        world.of(InstanceStates).silent.add(instance.id)
    place = fetches(script)
    if place is None:
        return
    stored = _read(world, region, instance, *place)
    tagged = ("ec2:CreateTags", f"arn:aws:ec2:{region}:{instance.owner_id}:instance/{instance.id}")
    if stored is None or not permits(world, region, instance, *tagged):
        return
    if outcome := reports(stored):
        instance.add_tags(dict([outcome]))
        for hook in BOOTSTRAPPED_HOOKS:
            hook(world, region, instance, place[0])


def _read(world: World, region: str, instance: Any, bucket_name: str, key: str) -> str | None:
    """The text of an object, if it is there and the machine's role may read it."""
    bucket = world.moto("s3").buckets.get(bucket_name)
    stored = bucket.keys.get(key) if bucket else None
    allowed = permits(world, region, instance, "s3:GetObject", f"arn:aws:s3:::{bucket_name}/{key}")
    return stored.value.decode(errors="replace") if stored is not None and allowed else None


def permits(world: World, region: str, instance: Any, action: str, resource: str) -> bool:
    """True if the machine's role allows this, and the role's permissions boundary does, where it has one.

    Conditions other than TLS are taken as met.
    """
    association = world.moto("ec2", region).iam_instance_profile_associations.get(instance.id)
    roles = association.iam_instance_profile.roles if association else ()
    own = [statement for role in roles for policy in role.policies.values() for statement in _statements(policy)]
    policies = world.moto("iam").managed_policies
    limits = [policies[role.permissions_boundary_arn] for role in roles if role.permissions_boundary_arn in policies]
    said = [version.document for limit in limits for version in limit.versions if version.is_default]
    every = [own, *map(_statements, said)]
    return all(decided(statements, action, resource) == "Allow" for statements in every)


def _statements(policy: str) -> list[dict[str, Any]]:
    return [{**statement, "Condition": {}} for statement in listed(json.loads(policy)["Statement"])]
