"""Log groups as the agents on a machine find them: each takes its own way to a group, with the machine's role."""

from __future__ import annotations

from typing import Any

from awsdeploy.sandbox.aws.compute.bootstraps import permits
from awsdeploy.sandbox.server.call import ACCOUNT
from awsdeploy.sandbox.server.world import World


def for_command(world: World, region: str, instance: Any, name: str) -> bool:
    """Return whether the SSM agent streams a command's output to the group `name`.

    amazon-ssm-agent, iohandler.go: it creates the group; on any error but ResourceAlreadyExists it lists the groups,
    and where it finds none it drops the name and streams nothing.
    """
    logs = world.moto("logs", region)
    if may(world, region, instance, "CreateLogGroup", name):
        logs.ensure_log_group(name)
        return True
    return may(world, region, instance, "DescribeLogGroups", "*") and name in logs.groups


def for_file(world: World, region: str, instance: Any, name: str) -> Any:
    """Return the group that the CloudWatch agent writes a file to, or None.

    amazon-cloudwatch-agent, pusher: it creates a group only where there is none.
    """
    logs = world.moto("logs", region)
    if may(world, region, instance, "CreateLogGroup", name):
        logs.ensure_log_group(name)
    return logs.groups.get(name)


def takes(world: World, region: str, instance: Any, group: Any, stream: str) -> bool:
    """Return whether the machine may write to the stream, which it may have to create."""
    wanted = ["PutLogEvents", *(["CreateLogStream"] if stream not in group.streams else [])]
    return all(may(world, region, instance, action, group.name) for action in wanted)


def may(world: World, region: str, instance: Any, action: str, group: str) -> bool:
    """Return whether the machine's role allows an action of CloudWatch Logs on a group."""
    resource = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}:log-stream:any"
    return permits(world, region, instance, f"logs:{action}", resource)
