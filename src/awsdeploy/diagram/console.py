"""Addresses of resources in the AWS console."""

from __future__ import annotations

from awsdeploy.engine.resource import Observed

PAGES = {
    "Vpc": "vpcconsole/home?region={region}#VpcDetails:VpcId={id}",
    "Subnet": "vpcconsole/home?region={region}#SubnetDetails:subnetId={id}",
    "InternetGateway": "vpcconsole/home?region={region}#InternetGateway:internetGatewayId={id}",
    "NatGateway": "vpcconsole/home?region={region}#NatGatewayDetails:natGatewayId={id}",
    "SecurityGroup": "ec2/home?region={region}#SecurityGroup:groupId={id}",
    "LoadBalancer": "ec2/home?region={region}#LoadBalancer:loadBalancerArn={id}",
    "Instance": "ec2/home?region={region}#InstanceDetails:instanceId={id}",
    "AutoScalingGroup": "ec2/home?region={region}#AutoScalingGroupDetails:id={id}",
    "Database": "rds/home?region={region}#database:id={id}",
    "Bucket": "s3/buckets/{id}?region={region}",
    "DataBucket": "s3/buckets/{id}?region={region}",
    "Certificate": "acm/home?region={region}#/certificates/{last}",
    "LogGroup": "cloudwatch/home?region={region}#logsV2:log-groups",
    "Alarm": "cloudwatch/home?region={region}#alarmsV2:",
    "LifecyclePolicy": "ec2/home?region={region}#Lifecycle",
}
"""Pages by kind; `last` is what follows the last slash of an ARN."""

GLOBAL_PAGES = {
    "HostedZone": "route53/v2/hostedzones#ListRecordSets/{id}",
    "HealthCheck": "route53/healthchecks/home#/details/{id}",
}
"""Pages of global services."""


def page(observed: Observed | None, region: str) -> str:
    """Address of an object's page in the console; "" for what has none."""
    kind = observed.kind.__name__ if observed else ""
    if observed is None or kind not in {**PAGES, **GLOBAL_PAGES}:
        return ""
    region = observed.region or region
    parts = {"id": observed.id, "region": region, "last": observed.id.rpartition("/")[2]}
    if kind in GLOBAL_PAGES:
        return "https://console.aws.amazon.com/" + GLOBAL_PAGES[kind].format(**parts)
    return f"https://{region}.console.aws.amazon.com/" + PAGES[kind].format(**parts)
