"""EC2 instances: the minutes between the states, what RunInstances checks, and what goes with a machine."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from moto.core.types import Base64EncodedString

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.identity import iam
from awsdeploy.sandbox.aws.network import interfaces
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

USER_DATA_LIMIT = 16384
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


InstanceHook = Callable[[World, str, Any], None]
STOPPED_HOOKS: list[InstanceHook] = []
"""Called with region and machine after a machine has stopped or was terminated."""
REBOOT_HOOKS: list[InstanceHook] = []
"""Called when a machine goes down for a reboot."""
BOOT_HOOKS: list[InstanceHook] = []
"""Called at each boot, after the system services have started."""


@dataclass
class InstanceStates:
    """Time of each machine's last start and of its status checks, and machines whose user data started no service."""

    running_since: dict[str, float] = field(default_factory=dict)
    status_ok_at: dict[str, float] = field(default_factory=dict)
    back_at: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)


def serves(world: World, instance: Any) -> bool:
    """Has it booted, and is it not down for a moment?"""
    return bootstrapped(world, instance) and world.now >= world.of(InstanceStates).back_at.get(instance.id, 0.0)


def bootstrapped(world: World, instance: Any) -> bool:
    """Has the user data's service had its time to start?"""
    since = world.of(InstanceStates).running_since.get(instance.id)
    return (
        instance._state.name == "running" and since is not None and world.now >= since + durations.INSTANCE_BOOTSTRAPPED
    )


@before("ec2:RunInstances")
def checks(world: World, call: ApiCall) -> None:
    wanted, ec2 = call.parameters, world.moto("ec2", call.region)
    if len(base64.b64decode(wanted.get("UserData") or "")) > USER_DATA_LIMIT:
        raise AwsRefuses("InvalidParameterValue", f"User data is limited to {USER_DATA_LIMIT} bytes")
    size, subnet = wanted.get("InstanceType"), None
    if wanted.get("SubnetId"):
        subnet = ec2.get_subnet(wanted["SubnetId"])
        _need_addresses(subnet, int(wanted.get("MinCount") or 1))
    _offered(size, call.region, subnet)
    for group_id in wanted.get("SecurityGroupIds") or ():
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise AwsRefuses("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if subnet is not None and group.vpc_id != subnet.vpc_id:
            message = f"Security group {group_id} and subnet {subnet.id} belong to different networks."
            raise AwsRefuses("InvalidParameter", message)
    iam.profile_known_to_ec2(world, wanted.get("IamInstanceProfile") or {})


def _need_addresses(subnet: Any, count: int) -> None:
    """AWS keeps five addresses of each subnet for itself (VPC User Guide, subnet sizing)."""
    if subnet.cidr.num_addresses - 5 - len(subnet._subnet_ips) < count:
        message = (
            f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the requested number of instances."
        )
        raise AwsRefuses("InsufficientFreeAddressesInSubnet", message)


def _offered(size: str | None, region: str, subnet: Any) -> None:
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

    if size is None:
        return
    if size not in INSTANCE_TYPES:
        raise AwsRefuses("InvalidParameterValue", f"Invalid value '{size}' for InstanceType.")
    offers = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, ())
    zones = sorted(offer["Location"] for offer in offers if offer["InstanceType"] == size)
    if subnet is not None and offers and subnet.availability_zone not in zones:
        message = (
            f"Your requested instance type ({size}) is not supported in your requested Availability Zone "
            f"({subnet.availability_zone}). Please retry your request by not specifying an Availability Zone "
            f"or choosing {', '.join(zones)}."
        )
        raise AwsRefuses("Unsupported", message)


@after("ec2:RunInstances")
def start(world: World, call: ApiCall, answer: Answer) -> None:
    ec2 = world.moto("ec2", call.region)
    specified = {one["DeviceName"]: one.get("Ebs") or {} for one in call.parameters.get("BlockDeviceMappings") or ()}
    for shown in answer["Instances"]:
        instance = ec2.get_instance(shown["InstanceId"])
        begin(world, instance)
        shown["State"] = {"Code": STATES["pending"], "Name": "pending"}
        # AWS: the root disk goes with its machine unless told otherwise; moto leaves it behind.
        for device, block in instance.block_device_mapping.items():
            if device == instance.root_device_name and "DeleteOnTermination" not in specified.get(device, {}):
                block.delete_on_termination = True
        for nic in instance.nics.values():
            nic.delete_on_termination = True


def begin(world: World, instance: Any) -> None:
    """Start a machine: pending, running, then status checks."""
    _become(instance, "pending")
    machines = world.of(InstanceStates)
    machines.status_ok_at[instance.id] = world.now + durations.INSTANCE_STATUS_OK

    def run() -> None:
        if instance._state.name == "pending":
            _become(instance, "running")
            machines.running_since[instance.id] = world.now
            world.agenda.after(durations.INSTANCE_BOOTSTRAPPED, partial(_booted, world, instance))

    world.agenda.after(durations.INSTANCE_RUNNING, run)


def _booted(world: World, instance: Any) -> None:
    if serves(world, instance):
        for hook in BOOT_HOOKS:
            hook(world, instance.ec2_backend.region_name, instance)


@before("ec2:RebootInstances")
def reboot(world: World, call: ApiCall) -> Answer:
    """AWS: the state stays `running`; the machine is away for some seconds."""
    for instance in _named(world, call):
        if instance._state.name == "running":
            world.of(InstanceStates).back_at[instance.id] = world.now + durations.INSTANCE_REBOOTED
            for hook in REBOOT_HOOKS:
                hook(world, call.region, instance)
            world.agenda.after(durations.INSTANCE_REBOOTED, partial(_booted, world, instance))
    return {}


def _become(instance: Any, state: str) -> None:
    instance._state.name, instance._state.code = state, STATES[state]


def _move(instances: Iterable[Any], state: str) -> list[dict[str, Any]]:
    changes = []
    for instance in instances:
        before = {"Name": instance._state.name, "Code": instance._state.code}
        if instance._state.name != "terminated":
            _become(instance, state)
        after = {"Name": instance._state.name, "Code": instance._state.code}
        changes.append({"InstanceId": instance.id, "PreviousState": before, "CurrentState": after})
    return changes


@before("ec2:TerminateInstances")
def terminate(world: World, call: ApiCall) -> Answer:
    instances = _named(world, call)
    for instance in instances:
        if instance.disable_api_termination:
            message = (
                f"The instance '{instance.id}' may not be terminated. "
                "Modify its 'disableApiTermination' instance attribute and try again."
            )
            raise AwsRefuses("OperationNotPermitted", message)
    leaving = [one for one in instances if one._state.name not in {"shutting-down", "terminated"}]
    changes = _move(instances, "shutting-down")
    for instance in leaving:
        world.agenda.after(durations.INSTANCE_TERMINATED, partial(_terminated, world, call.region, instance))
    return {"TerminatingInstances": changes}


def _terminated(world: World, region: str, instance: Any) -> None:
    ec2 = world.moto("ec2", region)
    for address in ec2.addresses:
        if address.instance is instance:
            ec2.disassociate_address(association_id=address.association_id)
    nics = [nic.id for nic in instance.nics.values() if nic.delete_on_termination]
    for nic in instance.nics.values():
        nic.delete_on_termination = False
    instance.terminate()
    interfaces.remove(world, region, nics)
    instance._private_ips.clear()  # another machine may have them now
    _tell(world, region, instance)

    def forget() -> None:
        for key, reservation in list(ec2.reservations.items()):
            reservation.instances = [one for one in reservation.instances if one is not instance]
            if not reservation.instances:
                del ec2.reservations[key]

    world.agenda.after(durations.DELETED_SHOWN, forget)


def _tell(world: World, region: str, instance: Any) -> None:
    for hook in STOPPED_HOOKS:
        hook(world, region, instance)


@before("ec2:StopInstances")
def stop(world: World, call: ApiCall) -> Answer:
    instances = _named(world, call)
    for instance in instances:
        if instance._state.name not in {"running", "stopping", "stopped"}:
            message = f"The instance '{instance.id}' is not in a state from which it can be stopped."
            raise AwsRefuses("IncorrectInstanceState", message)
    stopping = [one for one in instances if one._state.name == "running"]
    changes = _move(stopping, "stopping") + _move([one for one in instances if one not in stopping], "stopped")
    for instance in stopping:
        world.agenda.after(durations.INSTANCE_STOPPED, partial(_stopped, world, call.region, instance))
    return {"StoppingInstances": changes}


def _stopped(world: World, region: str, instance: Any) -> None:
    if instance._state.name == "stopping":
        instance.stop()
        _tell(world, region, instance)


@before("ec2:StartInstances")
def restart(world: World, call: ApiCall) -> Answer:
    instances = _named(world, call)
    for instance in instances:
        if instance._state.name not in {"stopped", "pending", "running"}:
            message = f"The instance '{instance.id}' is not in a state from which it can be started."
            raise AwsRefuses("IncorrectInstanceState", message)
    starting = [one for one in instances if one._state.name == "stopped"]
    changes = [
        {"InstanceId": one.id, "PreviousState": _state(one), "CurrentState": _state(one)}
        for one in instances
        if one not in starting
    ]
    for instance in starting:
        previous = _state(instance)
        instance.start()
        begin(world, instance)
        changes.append({"InstanceId": instance.id, "PreviousState": previous, "CurrentState": _state(instance)})
    return {"StartingInstances": changes}


def _state(instance: Any) -> dict[str, Any]:
    return {"Name": instance._state.name, "Code": instance._state.code}


@before("ec2:ModifyInstanceAttribute")
def modify(world: World, call: ApiCall) -> Answer | None:
    instance = world.moto("ec2", call.region).get_instance(call.parameters["InstanceId"])
    for attribute in ("InstanceType", "UserData", "EbsOptimized"):
        if attribute in call.parameters and instance._state.name != "stopped":
            raise AwsRefuses("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
    if "InstanceType" in call.parameters:
        _offered(call.parameters["InstanceType"].get("Value"), call.region, None)
    if "UserData" in call.parameters:
        value = call.parameters["UserData"].get("Value", b"")
        instance.user_data = Base64EncodedString.from_raw_bytes(value if isinstance(value, bytes) else value.encode())
        return {}  # moto would decode it a second time
    return None


@before("ec2:ModifyInstanceAttribute")
def groups(world: World, call: ApiCall) -> None:
    """Set the security groups of a machine's network interface, which must be of its VPC."""
    wanted, ec2 = call.parameters.get("Groups"), world.moto("ec2", call.region)
    if not wanted:
        return
    instance = ec2.get_instance(call.parameters["InstanceId"])
    found = [ec2.get_security_group_from_id(group_id) for group_id in wanted]
    for group_id, group in zip(wanted, found, strict=True):
        if group is None:
            raise AwsRefuses("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        if group.vpc_id != instance.vpc_id:
            message = "You have specified two resources that belong to different networks."
            raise AwsRefuses("InvalidGroup.NotFound", message)
    for nic in instance.nics.values():
        nic._group_set = list(found)


@before("ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation")
def associate_profile(world: World, call: ApiCall) -> None:
    iam.profile_known_to_ec2(world, call.parameters.get("IamInstanceProfile") or {})


@after("ec2:DescribeInstanceStatus")
def status(world: World, call: ApiCall, answer: Answer) -> None:
    ok_at = world.of(InstanceStates).status_ok_at
    for row in answer.get("InstanceStatuses", ()):
        if row["InstanceState"]["Name"] == "running" and world.now < ok_at.get(row["InstanceId"], 0):
            for kind in ("InstanceStatus", "SystemStatus"):
                row[kind] = {"Status": "initializing", "Details": [{"Name": "reachability", "Status": "initializing"}]}


def _named(world: World, call: ApiCall) -> list[Any]:
    instances: list[Any] = world.moto("ec2", call.region).get_multi_instances_by_id(call.parameters["InstanceIds"])
    return instances
