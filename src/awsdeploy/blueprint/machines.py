"""The machines of each service, and who they are to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awsdeploy.blueprint.network import Network, SecurityGroups
from awsdeploy.config import Service, Settings
from awsdeploy.resource import Resource
from awsdeploy.resources.identity import InstanceProfile, Role
from awsdeploy.resources.instance import Instance
from awsdeploy.resources.launch_template import LaunchTemplate
from awsdeploy.resources.load_balancer import TargetGroup
from awsdeploy.resources.scaling import AutoScalingGroup, MembersInService, ScalingPolicy

SYSTEMS = {"documented": "al2", "supported": "al2023"}

# What a machine may do: be reached by Session Manager, and read its own stack's parameters. The managed
# policies for this open every parameter of the account.
MACHINE_POLICY: tuple[Mapping[str, object], ...] = (
    {
        "Sid": "SessionManager",
        "Effect": "Allow",
        "Action": [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
            "ec2messages:AcknowledgeMessage",
            "ec2messages:DeleteMessage",
            "ec2messages:FailMessage",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:SendReply",
        ],
        "Resource": "*",
    },
    {
        "Sid": "OwnParameters",
        "Effect": "Allow",
        "Action": ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
        "Resource": ["{parameters}", "{parameters}/*"],
    },
)


class Machines:
    """The first service's machines begin in the first zone, the second's in the second."""

    def __init__(self, settings: Settings, network: Network, groups: SecurityGroups) -> None:
        self.settings, self.network, self.groups = settings, network, groups
        role = Role(key="machines/role", service="ec2.amazonaws.com", statements=MACHINE_POLICY)
        self.profile = InstanceProfile(key="machines/profile", role=role)
        self.instances: dict[str, tuple[Instance, ...]] = {
            name: tuple(self._instance(service, place, number) for number in range(_fixed(service)))
            for place, (name, service) in enumerate(settings.services.items())
        }
        self.resources: list[Resource] = [role, self.profile]
        for instances in self.instances.values():
            self.resources += instances

    def _instance(self, service: Service, place: int, number: int) -> Instance:
        return Instance(
            key=f"machines/{service.name}-{number + 1}",
            subnet=self.network.public[(place + number) % len(self.network.public)],
            after=(self.network.internet,),
            **self._machine(service),
        )

    def _machine(self, service: Service) -> dict[str, Any]:
        """What every machine of a service is started with."""
        return {
            "security": (self.groups.services[service.name],),
            "profile": self.profile,
            "system": SYSTEMS[self.settings.platform],
            "size": service.instance_type,
            "disk": service.volume_gb,
            "port": service.port,
            "health": service.health or "/",
        }

    def scaling(self, target_groups: Mapping[str, TargetGroup]) -> dict[str, AutoScalingGroup]:
        """The Auto Scaling groups of the services that have one, over every public subnet."""
        found: dict[str, AutoScalingGroup] = {}
        for name, service in self.settings.services.items():
            if service.scaling is None:
                continue
            key = f"machines/{name}"
            template = LaunchTemplate(key=f"{key}-template", **self._machine(service))
            found[name] = AutoScalingGroup(
                key=f"{key}-group",
                template=template,
                subnets=self.network.public,
                targets=tuple(group for served, group in target_groups.items() if served == name),
                min=service.scaling.min,
                max=service.scaling.max,
                health=service.scaling.health,
                after=(self.network.internet,),
            )
            policy = ScalingPolicy(key=f"{key}-scaling", group=found[name], target=service.scaling.target_cpu)
            self.resources += [template, found[name], policy]
            if name not in target_groups:  # nobody else looks whether a worker's machines come
                self.resources.append(MembersInService(key=f"{key}-in-service", group=found[name]))
        return found


def _fixed(service: Service) -> int:
    """How many machines there are, whatever the load; none where a group decides."""
    return 0 if service.scaling else service.instances
