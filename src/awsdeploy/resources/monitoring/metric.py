"""Metrics of a resource and their dimensions: for alarms and dashboards alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from awsdeploy.engine.resource import Aws
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.dns.certificate import Certificate
from awsdeploy.resources.monitoring.health_check import HealthCheck
from awsdeploy.resources.storage.bucket_setting import METRICS
from awsdeploy.resources.storage.data_bucket import DataBucket
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup

Measured = Instance | AutoScalingGroup | LoadBalancer | TargetGroup | Database | Certificate | HealthCheck | DataBucket

DIMENSIONS: Mapping[type, str] = {
    Instance: "InstanceId",
    AutoScalingGroup: "AutoScalingGroupName",
    LoadBalancer: "LoadBalancer",
    TargetGroup: "TargetGroup",
    Database: "DBInstanceIdentifier",
    Certificate: "CertificateArn",
    HealthCheck: "HealthCheckId",
    DataBucket: "BucketName",
}

AGENT = "CWAgent"
"""The namespace of what the CloudWatch agent on a machine measures."""
ROOT_DISK: Mapping[str, str] = {"path": "/", "fstype": "xfs"}
"""Dimensions of a machine's disk besides `InstanceId`: Amazon Linux 2 and 2023 keep `/` on XFS, and the agent's
settings drop the device (`drop_device`), which has another name on every kind of machine. Of a group it names none."""

WHOLE_BUCKET: Mapping[str, str] = {"FilterId": METRICS}
"""Dimension of S3's request metrics besides `BucketName`."""


@dataclass(frozen=True)
class Metric:
    """A metric of some resources. CloudWatch identifies it by the exact set of its dimensions.

    The CloudWatch agent is configured to send `InstanceId` only, without host name and image. Metrics of a group are
    also aggregated under `AutoScalingGroupName`: by AWS/EC2 always, by the agent with `aggregation_dimensions`.
    """

    namespace: str
    name: str
    of: tuple[Measured, ...]
    more: Mapping[str, str] = field(default_factory=dict)

    def dimensions(self, aws: Aws) -> dict[str, str]:
        """Name → value; `UNKNOWN` for what does not exist yet."""
        return {DIMENSIONS[type(one)]: _value(aws, one) for one in self.of} | dict(self.more)


def _value(aws: Aws, one: Measured) -> str:
    """AWS: the dimension of a load balancer (`app/…`) or target group (`targetgroup/…`) is the end of its ARN."""
    id = aws[one].id
    if isinstance(id, str) and isinstance(one, LoadBalancer | TargetGroup):
        return id.rpartition(":")[2].removeprefix("loadbalancer/")
    return id
