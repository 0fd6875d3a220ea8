"""The documented architecture, value by value, by asking AWS: prod with `ssh_from` set."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from awsdeploy.resources.web.listener import HSTS
from tests.simulated import World
from tests.system.documented.asking import database, group, instance, listener, named, sources, subnet, target_group

ANYWHERE = "0.0.0.0/0"
OPERATOR = "203.0.113.7/32"
ZONES = {"ap-northeast-2a", "ap-northeast-2c"}


def test_a_the_steps_are_shown_in_the_documented_order(documented: World) -> None:
    """VPC, security groups, RDS, EC2, load balancer, Route 53, TLS: others stand between and around them."""
    shown = [step.title for step in documented.plan(documented.settings()).steps]
    documented_order = [
        "VPC and subnets",
        "Security groups",
        "RDS database",
        "EC2 instances",
        "Load balancer",
        "Route 53",
        "TLS certificate",
    ]
    assert [title for title in shown if title in documented_order] == documented_order


def test_b1_the_vpc_and_its_two_zones(ec2: Any) -> None:
    vpc = named(ec2.describe_vpcs()["Vpcs"], "network/vpc")
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert {one["AvailabilityZone"] for one in subnets} == ZONES
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True


@pytest.mark.parametrize(
    ("key", "cidr", "zone", "public"),
    [
        ("network/public-a", "10.0.1.0/24", "ap-northeast-2a", True),
        ("network/public-c", "10.0.2.0/24", "ap-northeast-2c", True),
        ("network/private-a", "10.0.3.0/24", "ap-northeast-2a", False),
        ("network/private-c", "10.0.4.0/24", "ap-northeast-2c", False),
    ],
)
def test_b2_b3_the_four_subnets(ec2: Any, key: str, cidr: str, zone: str, public: bool) -> None:
    found = subnet(ec2, key)
    assert (found["CidrBlock"], found["AvailabilityZone"], found["MapPublicIpOnLaunch"]) == (cidr, zone, public)


def test_b2_who_stands_in_the_public_subnets(ec2: Any, elbv2: Any) -> None:
    a, c = subnet(ec2, "network/public-a")["SubnetId"], subnet(ec2, "network/public-c")["SubnetId"]
    assert instance(ec2, "machines/frontend-1")["SubnetId"] == a
    assert instance(ec2, "machines/backend-1")["SubnetId"] == c
    assert named(ec2.describe_nat_gateways()["NatGateways"], "network/nat")["SubnetId"] == a
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == {a, c}


def test_b3_the_database_has_one_machine_in_each_private_zone(documented: World, ec2: Any) -> None:
    found = database(documented)
    private = {subnet(ec2, key)["SubnetId"] for key in ("network/private-a", "network/private-c")}
    assert {one["SubnetIdentifier"] for one in found["DBSubnetGroup"]["Subnets"]} == private
    assert {found["AvailabilityZone"], found["SecondaryAvailabilityZone"]} == ZONES


def test_b4_gateways_and_routes(ec2: Any) -> None:
    vpc = named(ec2.describe_vpcs()["Vpcs"], "network/vpc")["VpcId"]
    gateway = named(ec2.describe_internet_gateways()["InternetGateways"], "network/internet-gateway")
    assert [one["VpcId"] for one in gateway["Attachments"]] == [vpc]
    nat = named(ec2.describe_nat_gateways()["NatGateways"], "network/nat")
    assert nat["State"] == "available"
    tables = ec2.describe_route_tables()["RouteTables"]
    for key, target, value, subnets in (
        ("network/public-routes", "GatewayId", gateway["InternetGatewayId"], ("public-a", "public-c")),
        ("network/private-routes", "NatGatewayId", nat["NatGatewayId"], ("private-a", "private-c")),
    ):
        table = named(tables, key)
        (default,) = [route for route in table["Routes"] if route.get("DestinationCidrBlock") == ANYWHERE]
        assert default[target] == value
        expected = {subnet(ec2, f"network/{name}")["SubnetId"] for name in subnets}
        assert {one["SubnetId"] for one in table["Associations"] if one.get("SubnetId")} == expected


def test_c1_alb_takes_web_traffic_from_anywhere(ec2: Any) -> None:
    found = group(ec2, "security/alb")
    assert sources(found["IpPermissions"]) == {("tcp", 80, ANYWHERE), ("tcp", 443, ANYWHERE)}
    assert sources(found["IpPermissionsEgress"]) == {("-1", -1, ANYWHERE)}


@pytest.mark.parametrize(("name", "port"), [("frontend", 3000), ("backend", 9999)])
def test_c2_c3_machines_take_their_port_from_alb_and_ssh_from_the_operator(ec2: Any, name: str, port: int) -> None:
    found, alb = group(ec2, f"security/{name}"), group(ec2, "security/alb")["GroupId"]
    assert sources(found["IpPermissions"]) == {("tcp", port, alb), ("tcp", 22, OPERATOR)}
    assert sources(found["IpPermissionsEgress"]) == {("-1", -1, ANYWHERE)}
    assert {one["GroupId"] for one in instance(ec2, f"machines/{name}-1")["SecurityGroups"]} == {found["GroupId"]}


def test_c4_rds_takes_mysql_from_the_backend_only_and_sends_nothing(documented: World, ec2: Any) -> None:
    found, backend = group(ec2, "security/rds"), group(ec2, "security/backend")["GroupId"]
    assert sources(found["IpPermissions"]) == {("tcp", 3306, backend)}
    assert found["IpPermissionsEgress"] == []
    assert [one["VpcSecurityGroupId"] for one in database(documented)["VpcSecurityGroups"]] == [found["GroupId"]]


def test_d1_d2_the_database(documented: World) -> None:
    found = database(documented)
    assert found["Engine"] == "mysql"
    assert found["EngineVersion"].startswith("8.0")
    assert found["DBInstanceClass"] == "db.t3.small"
    assert (found["AllocatedStorage"], found["StorageType"]) == (20, "gp3")
    assert found["MaxAllocatedStorage"] > 20
    assert found["MultiAZ"] is True
    assert found["BackupRetentionPeriod"] == 7
    assert found["PubliclyAccessible"] is False
    assert found["StorageEncrypted"] is True
    assert found["DeletionProtection"] is True


def test_d3_slow_queries_are_logged_to_a_file(documented: World) -> None:
    (group,) = database(documented)["DBParameterGroups"]
    pages = documented.client("rds").get_paginator("describe_db_parameters")
    answers = pages.paginate(DBParameterGroupName=group["DBParameterGroupName"])
    values = {one["ParameterName"]: one.get("ParameterValue") for page in answers for one in page["Parameters"]}
    assert (values["slow_query_log"], values["long_query_time"], values["log_output"]) == ("1", "1", "FILE")


def test_the_password_is_a_secret_of_letters_and_digits(documented: World) -> None:
    ssm = documented.client("ssm")
    found = ssm.get_parameter(Name="/deploy/shop/prod/database/DB_PASSWORD", WithDecryption=True)["Parameter"]
    assert found["Type"] == "SecureString"
    assert found["Value"].isalnum()
    assert len(found["Value"]) >= 20
    for file in documented.folder.rglob("*"):
        assert not file.is_file() or found["Value"].encode() not in file.read_bytes()


@pytest.mark.parametrize("name", ["frontend", "backend"])
def test_e1_e2_the_machines(documented: World, ec2: Any, name: str) -> None:
    found = instance(ec2, f"machines/{name}-1")
    assert found["InstanceType"] == "t3.medium"
    (image,) = ec2.describe_images(ImageIds=[found["ImageId"]])["Images"]
    assert image["Name"].startswith("amzn2-ami")
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    ids = [one["Ebs"]["VolumeId"] for one in found["BlockDeviceMappings"]]
    (disk,) = ec2.describe_volumes(VolumeIds=ids)["Volumes"]
    assert (disk["Encrypted"], disk["VolumeType"]) == (True, "gp3")
    answer = ec2.describe_instance_attribute(InstanceId=found["InstanceId"], Attribute="userData")
    text = base64.b64decode(answer["UserData"]["Value"]).decode()
    assert database(documented)["Endpoint"]["Address"] not in text
    assert "password" not in text.lower()


@pytest.mark.parametrize(("port", "health"), [(3000, "/"), (9999, "/api/health")])
def test_f1_f2_the_target_groups(elbv2: Any, port: int, health: str) -> None:
    found = target_group(elbv2, port)
    assert (found["Protocol"], found["HealthCheckPath"]) == ("HTTP", health)


def test_f3_port_80_leads_to_https(elbv2: Any) -> None:
    (action,) = listener(elbv2, 80)["DefaultActions"]
    to = action["RedirectConfig"]
    assert (action["Type"], to["Protocol"], to["Port"], to["StatusCode"]) == ("redirect", "HTTPS", "443", "HTTP_301")
    assert to.get("Host", "#{host}") == "#{host}"
    assert to.get("Path", "/#{path}") == "/#{path}"
    assert to.get("Query", "#{query}") == "#{query}"


def test_f4_port_443_sends_the_api_to_the_backend_and_the_rest_to_the_frontend(elbv2: Any) -> None:
    found = listener(elbv2, 443)
    assert found["Protocol"] == "HTTPS"
    assert found["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    assert found["DefaultActions"][0]["TargetGroupArn"] == target_group(elbv2, 3000)["TargetGroupArn"]
    rules = elbv2.describe_rules(ListenerArn=found["ListenerArn"])["Rules"]
    by_field = {rule["Conditions"][0]["Field"]: rule for rule in rules if rule["Priority"] != "default"}
    api = by_field["path-pattern"]
    assert set(api["Conditions"][0]["PathPatternConfig"]["Values"]) == {"/api", "/api/*"}
    assert api["Actions"][0]["TargetGroupArn"] == target_group(elbv2, 9999)["TargetGroupArn"]
    www = by_field["host-header"]
    assert www["Conditions"][0]["HostHeaderConfig"]["Values"] == ["www.example.com"]
    to = www["Actions"][0]["RedirectConfig"]
    assert (to["Host"], to["StatusCode"]) == ("example.com", "HTTP_301")


def test_the_load_balancer_guards_the_services(elbv2: Any) -> None:
    found = listener(elbv2, 443)
    added = elbv2.describe_listener_attributes(ListenerArn=found["ListenerArn"])["Attributes"]
    assert {"Key": HSTS, "Value": "max-age=2592000"} in added
    guards = elbv2.describe_load_balancer_attributes(LoadBalancerArn=found["LoadBalancerArn"])["Attributes"]
    for key, value in (("desync_mitigation_mode", "defensive"), ("drop_invalid_header_fields.enabled", "true")):
        assert {"Key": f"routing.http.{key}", "Value": value} in guards


def test_f6_targets_are_checked_and_healthy(elbv2: Any) -> None:
    for port in (3000, 9999):
        group = target_group(elbv2, port)
        assert (group["HealthCheckIntervalSeconds"], group["UnhealthyThresholdCount"]) == (10, 3)
        answer = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        assert [one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]] == ["healthy"]


def test_g1_the_domain_is_an_alias_of_the_load_balancer(documented: World, elbv2: Any) -> None:
    route53 = documented.client("route53")
    (zone,) = [one for one in route53.list_hosted_zones()["HostedZones"] if one["Name"] == "example.com."]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    for name in ("example.com.", "www.example.com."):
        (found,) = [one for one in records if (one["Name"], one["Type"]) == (name, "A")]
        target = found["AliasTarget"]
        assert target["DNSName"].rstrip(".").removeprefix("dualstack.") == balancer["DNSName"]
        assert target["HostedZoneId"] == balancer["CanonicalHostedZoneId"]


def test_g3_the_certificate_is_issued_by_dns_and_used(documented: World, elbv2: Any) -> None:
    acm = documented.client("acm")
    (summary,) = acm.list_certificates()["CertificateSummaryList"]
    found = acm.describe_certificate(CertificateArn=summary["CertificateArn"])["Certificate"]
    assert found["Status"] == "ISSUED"
    assert set(found["SubjectAlternativeNames"]) == {"example.com", "www.example.com"}
    assert {one["ValidationMethod"] for one in found["DomainValidationOptions"]} == {"DNS"}
    assert [one["CertificateArn"] for one in listener(elbv2, 443)["Certificates"]] == [summary["CertificateArn"]]
