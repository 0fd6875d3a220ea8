"""Contents of an account that a fresh one has not, asked without awsdeploy."""

from __future__ import annotations

from collections import defaultdict

from tests.simulated import REGION, World


def account(world: World) -> dict[str, list[str]]:
    """Ids or names by kind."""
    ec2, elbv2, rds, iam = world.client("ec2"), world.client("elbv2"), world.client("rds"), world.client("iam")
    scaling, ssm, logs = world.client("autoscaling"), world.client("ssm"), world.client("logs")
    own = [{"Name": "owner-id", "Values": ["123456789012"]}]
    reservations = ec2.describe_instances()["Reservations"]
    machines = [one for reservation in reservations for one in reservation["Instances"]]
    found = defaultdict(
        list,
        {
            "vpc": [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]],
            "gateway": [one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]],
            "address": [one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]],
            "nat": [
                one["NatGatewayId"] for one in ec2.describe_nat_gateways()["NatGateways"] if one["State"] != "deleted"
            ],
            "group": [
                one["GroupId"]
                for one in ec2.describe_security_groups()["SecurityGroups"]
                if one["GroupName"] != "default"
            ],
            "machine": [one["InstanceId"] for one in machines if one["State"]["Name"] != "terminated"],
            "scaling group": [
                one["AutoScalingGroupName"] for one in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
            ],
            "template": [one["LaunchTemplateName"] for one in ec2.describe_launch_templates()["LaunchTemplates"]],
            "volume": [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]],
            "image": [one["ImageId"] for one in ec2.describe_images(Owners=["self"])["Images"]],
            "snapshot": [one["SnapshotId"] for one in ec2.describe_snapshots(Filters=own)["Snapshots"]],
            "lifecycle": [one["PolicyId"] for one in world.client("dlm").get_lifecycle_policies()["Policies"]],
            "balancer": [one["LoadBalancerArn"] for one in elbv2.describe_load_balancers()["LoadBalancers"]],
            "target group": [one["TargetGroupArn"] for one in elbv2.describe_target_groups()["TargetGroups"]],
            "database": [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]],
            "database snapshot": [one["DBSnapshotIdentifier"] for one in rds.describe_db_snapshots()["DBSnapshots"]],
            "subnet group": [one["DBSubnetGroupName"] for one in rds.describe_db_subnet_groups()["DBSubnetGroups"]],
            "parameter group": [
                one["DBParameterGroupName"]
                for one in rds.describe_db_parameter_groups()["DBParameterGroups"]
                if not one["DBParameterGroupName"].startswith("default")
            ],
            "bucket": [one["Name"] for one in world.client("s3").list_buckets()["Buckets"]],
            "role": [one["RoleName"] for one in iam.list_roles(PathPrefix="/awsdeploy/")["Roles"]],
            "profile": [
                one["InstanceProfileName"]
                for one in iam.list_instance_profiles(PathPrefix="/awsdeploy/")["InstanceProfiles"]
            ],
            "parameter": [
                one["Name"]
                for page in ssm.get_paginator("describe_parameters").paginate()
                for one in page["Parameters"]
                if one["Name"].startswith("/deploy/")
            ],
            "certificate": [
                one["CertificateArn"] for one in world.client("acm").list_certificates()["CertificateSummaryList"]
            ],
            "log group": [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]],
        },
    )
    for region in (REGION, "us-east-1"):
        cloudwatch, sns = world.client("cloudwatch", region), world.client("sns", region)
        found["alarm"] += [one["AlarmArn"] for one in cloudwatch.describe_alarms()["MetricAlarms"]]
        found["dashboard"] += [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]]
        found["topic"] += [one["TopicArn"] for one in sns.list_topics()["Topics"]]
        found["subscription"] += [one["TopicArn"] for one in sns.list_subscriptions()["Subscriptions"]]
    budgets = world.client("budgets").describe_budgets(AccountId="123456789012")["Budgets"]
    found["budget"] = [one["BudgetName"] for one in budgets]
    route53 = world.client("route53")
    found["health check"] = [one["Id"] for one in route53.list_health_checks()["HealthChecks"]]
    for zone in route53.list_hosted_zones()["HostedZones"]:
        records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        found["record"] += [f"{one['Name']} {one['Type']}" for one in records if one["Type"] not in {"NS", "SOA"}]
    return dict(found)


def leftovers(world: World) -> list[str]:
    """All of it, for an account that should be as empty as a fresh one."""
    return [one for ids in account(world).values() for one in ids]


def how_many(world: World) -> dict[str, int]:
    """Number of resources of each kind."""
    return {kind: len(ids) for kind, ids in account(world).items()}
