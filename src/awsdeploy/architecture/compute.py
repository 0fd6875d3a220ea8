"""The machines of each service, and who they are to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from awsdeploy.architecture import permissions
from awsdeploy.architecture.network import Network, SecurityGroups
from awsdeploy.architecture.storage import Storage
from awsdeploy.config import Service, Settings
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.compute import bootstrap
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup, MembersInService
from awsdeploy.resources.compute.bootstrapped import Bootstrapped
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.compute.launch_template import LaunchTemplate
from awsdeploy.resources.compute.parameter import Parameter, Password
from awsdeploy.resources.compute.scaling_policy import ScalingPolicy
from awsdeploy.resources.identity.role import InstanceProfile, Role
from awsdeploy.resources.storage.bucket_object import BucketObject
from awsdeploy.resources.web.target_group import TargetGroup

SYSTEMS = {"documented": "al2", "supported": "al2023"}

ASSUMED_BY = "ec2.amazonaws.com"


class Machines:
    """Machines of all services. Each service has its own IAM role and its own folder of parameters.

    The machines of the first service start in the first zone, those of the second service in the second zone.
    """

    def __init__(self, settings: Settings, network: Network, groups: SecurityGroups, storage: Storage) -> None:
        self.settings, self.network, self.groups, self.storage = settings, network, groups, storage
        # What a machine fetches when it begins, and the program of releases, which `deploy` brings again.
        self.bootstrap = tuple(
            BucketObject(key=f"storage/artifacts/{name}", bucket=storage.artifacts, content=content)
            for name, content in (
                (bootstrap.OBJECT, bootstrap.script()),
                (bootstrap.TOOLS, bootstrap.tools_lock()),
                (bootstrap.RELEASE_SCRIPT, bootstrap.release_script()),
            )
        )
        roles = {name: self._role(service) for name, service in settings.services.items()}
        self.profiles = {
            name: InstanceProfile(key=f"machines/{name}-profile", role=role) for name, role in roles.items()
        }
        self.instances: dict[str, tuple[Instance, ...]] = {
            name: tuple(self._instance(service, place, number) for number in range(_fixed(service)))
            for place, (name, service) in enumerate(settings.services.items())
        }
        parameters = (parameter for name in settings.services for parameter in self._parameters(name))
        self.resources: tuple[Resource, ...] = (
            *self.bootstrap,
            *roles.values(),
            *self.profiles.values(),
            *parameters,
            *self._started(),
        )

    def _role(self, service: Service) -> Role:
        return Role(
            key=f"machines/{service.name}-role",
            service=ASSUMED_BY,
            statements=permissions.statements(self.settings, service),
            attached=service.policies,
            boundary=self.settings.iam.permissions_boundary,
        )

    def _started(self) -> Iterator[Resource]:
        """The machines of each service, and the gate of their bootstrap."""
        for name, instances in self.instances.items():
            yield from instances
            if instances:
                yield Bootstrapped(key=f"machines/{name}-bootstrapped", instances=instances)

    def _parameters(self, name: str) -> Iterator[Resource]:
        """The parameters in a service's own folder."""
        stored = self.settings.stored_variables(self.settings.services[name])
        yield Parameter(key=f"machines/{name}/S3_BUCKET", source=self.storage.uploads)
        if "JWT_SECRET" in stored:
            yield Password(key=f"machines/{name}/JWT_SECRET")

    def _instance(self, service: Service, place: int, number: int) -> Instance:
        return Instance(
            key=f"machines/{service.name}-{number + 1}",
            subnet=self.network.public[(place + number) % len(self.network.public)],
            rolling=f"web/{service.name}" if service.port is not None and service.instances > 1 else "",
            after=self.network.internet,
            **self.launched(service),
        )

    def launched(self, service: Service) -> dict[str, Any]:
        """Launch settings that all machines of a service share."""
        return {
            "security": (self.groups.services[service.name],),
            "service": service.name,
            "bootstrap": self.bootstrap,
            "profile": self.profiles[service.name],
            "system": SYSTEMS[self.settings.platform],
            "size": service.instance_type,
            "disk": service.volume_gb,
            "port": service.port,
            "key_pair": self.settings.network.key_pair,
        }


class Scaling:
    """The Auto Scaling groups of the services that have one, over every public subnet."""

    def __init__(
        self, settings: Settings, network: Network, machines: Machines, target_groups: Mapping[str, TargetGroup]
    ) -> None:
        self.groups: dict[str, AutoScalingGroup] = {}
        resources: list[Resource] = []
        for name, service in settings.services.items():
            if service.scaling is None:
                continue
            key, wanted = f"machines/{name}", service.scaling
            template = LaunchTemplate(key=f"{key}-template", **machines.launched(service))
            group = self.groups[name] = AutoScalingGroup(
                key=f"{key}-group",
                template=template,
                subnets=network.public,
                targets=tuple(one for served, one in target_groups.items() if served == name),
                min=wanted.min,
                max=wanted.max,
                health=wanted.health,
                after=network.internet,
            )
            policy = ScalingPolicy(key=f"{key}-scaling", group=group, target=wanted.target_cpu)
            come: tuple[MembersInService, ...] = ()
            if name not in target_groups:  # a worker has no target group whose health would show this
                come = (MembersInService(key=f"{key}-in-service", group=group),)
            booted = Bootstrapped(key=f"{key}-bootstrapped", group=group, least=wanted.min, after=come)
            resources += [template, group, policy, *come, booted]
        self.resources: tuple[Resource, ...] = tuple(resources)


def _fixed(service: Service) -> int:
    """Number of machines of a service without scaling; 0 where an Auto Scaling group decides."""
    return 0 if service.scaling else service.instances
