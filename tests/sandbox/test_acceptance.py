"""Acceptance of values by AWS, and what it shows that a plain simulation leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.sample_application import PORT, SampleApplication, database, refused


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"EngineVersion": "5.7"}, "InvalidParameterCombination"),
        ({"EngineVersion": "8"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.t9.micro"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "micro"}, "InvalidParameterValue"),
        ({"AllocatedStorage": 5}, "InvalidParameterValue"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
        ({"MultiAZ": True, "AvailabilityZone": "ap-northeast-2a"}, "InvalidParameterCombination"),
        ({"AvailabilityZone": "ap-northeast-2b"}, "InvalidVPCNetworkStateFault"),
        ({"EngineVersion": "8.0"}, "InvalidParameterCombination"),  # its parameter group is of 8.4
        ({"MasterUsername": "rdsadmin"}, "InvalidParameterValue"),
        ({"DBInstanceIdentifier": "two--hyphens"}, "InvalidParameterValue"),
    ],
)
def test_rds_refuses_what_it_does_not_offer(sample: SampleApplication, wanted: dict[str, Any], code: str) -> None:
    with refused(code):
        sample.rds.create_db_instance(**database(DBInstanceIdentifier="second") | wanted)


@pytest.mark.parametrize(
    "password", ["seven77", "x" * 42, "with/slash-1", "with@sign-12", 'with"quote-1', "with space 1"]
)
def test_rds_refuses_a_bad_password(sample: SampleApplication, password: str) -> None:
    with refused("InvalidParameterValue", "MasterUserPassword"):
        sample.rds.create_db_instance(**database(DBInstanceIdentifier="second", MasterUserPassword=password))
    with refused("InvalidParameterValue", "MasterUserPassword"):
        sample.rds.modify_db_instance(DBInstanceIdentifier="main", MasterUserPassword=password)


def test_rds_keeps_a_password_itself_or_is_given_one(sample: SampleApplication) -> None:
    with refused("InvalidParameterCombination"):
        sample.rds.create_db_instance(**database(DBInstanceIdentifier="second", ManageMasterUserPassword=True))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"EngineVersion": "9.9"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.t9.micro"}, "InvalidParameterCombination"),
        ({"AllocatedStorage": 10}, "InvalidParameterCombination"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
    ],
)
def test_rds_refuses_a_change_to_what_it_does_not_offer(
    sample: SampleApplication, wanted: dict[str, Any], code: str
) -> None:
    with refused(code):
        sample.rds.modify_db_instance(DBInstanceIdentifier="main", ApplyImmediately=True, **wanted)
    assert sample.database()["DBInstanceStatus"] == "available"


def test_a_subnet_group_covers_two_zones(sample: SampleApplication) -> None:
    one = {"DBSubnetGroupName": "one", "DBSubnetGroupDescription": "one", "SubnetIds": [sample.private[0]]}
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        sample.rds.create_db_subnet_group(**one)
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        sample.rds.modify_db_subnet_group(DBSubnetGroupName="main", SubnetIds=[sample.private[0]])


@pytest.mark.parametrize(
    ("name", "how", "code"),
    [
        ("slow_query_logs", "immediate", "InvalidParameterValue"),
        ("performance_schema", "immediate", "InvalidParameterCombination"),
    ],
)
def test_a_database_parameter_is_one_that_mysql_has(sample: SampleApplication, name: str, how: str, code: str) -> None:
    parameters = [{"ParameterName": name, "ParameterValue": "1", "ApplyMethod": how}]
    with refused(code):
        sample.rds.modify_db_parameter_group(DBParameterGroupName="main", Parameters=parameters)


def test_a_database_parameter_says_that_a_user_has_set_it(sample: SampleApplication) -> None:
    """Terraform's provider leaves out parameters without a source."""
    one = {"ParameterName": "slow_query_log", "ParameterValue": "1", "ApplyMethod": "immediate"}
    sample.rds.modify_db_parameter_group(DBParameterGroupName="main", Parameters=[one])
    found = sample.rds.describe_db_parameters(DBParameterGroupName="main")["Parameters"]
    assert [each["Source"] for each in found if each["ParameterName"] == "slow_query_log"] == ["user"]


def test_twenty_database_parameters_at_a_time(sample: SampleApplication) -> None:
    one = {"ParameterName": "slow_query_log", "ParameterValue": "1", "ApplyMethod": "immediate"}
    with refused("InvalidParameterValue"):
        sample.rds.modify_db_parameter_group(DBParameterGroupName="main", Parameters=[one] * 21)


def test_a_load_balancer_stands_in_two_zones(sample: SampleApplication) -> None:
    with refused("ValidationError"):
        sample.elbv2.create_load_balancer(Name="one", Subnets=[sample.public[0]], SecurityGroups=[sample.web])
    with refused("InvalidConfigurationRequest"):
        sample.elbv2.set_subnets(LoadBalancerArn=sample.balancer, Subnets=[sample.public[0]])


@pytest.mark.parametrize("name", ["x" * 33, "-edge", "edge-", "under_score", "internal-one"])
def test_a_load_balancers_name_is_short_and_plain(sample: SampleApplication, name: str) -> None:
    with refused("ValidationError"):
        sample.elbv2.create_load_balancer(Name=name, Subnets=list(sample.public), SecurityGroups=[sample.web])


def test_a_load_balancer_shows_all_its_attributes(sample: SampleApplication) -> None:
    """API_LoadBalancerAttribute: those of an application load balancer."""

    def shown() -> dict[str, str]:
        answer = sample.elbv2.describe_load_balancer_attributes(LoadBalancerArn=sample.balancer)
        return {one["Key"]: one["Value"] for one in answer["Attributes"]}

    assert len(shown()) > 15
    expected = {"routing.http2.enabled": "true", "waf.fail_open.enabled": "false", "client_keep_alive.seconds": "3600"}
    assert shown().items() >= expected.items()
    wanted = [{"Key": "routing.http2.enabled", "Value": "false"}]
    sample.elbv2.modify_load_balancer_attributes(LoadBalancerArn=sample.balancer, Attributes=wanted)
    assert shown()["routing.http2.enabled"] == "false"


def https(sample: SampleApplication, **more: Any) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": sample.group}]
    sample.elbv2.create_listener(
        LoadBalancerArn=sample.balancer, Protocol="HTTPS", Port=443, DefaultActions=forward, **more
    )


def test_https_needs_a_certificate_that_is_issued(sample: SampleApplication) -> None:
    with refused("ValidationError", "certificate"):
        https(sample)
    shown = [{"CertificateArn": sample.certificate}]
    with refused("UnsupportedCertificate"):
        https(sample, Certificates=shown)
    with refused("CertificateNotFound"):
        https(sample, Certificates=[{"CertificateArn": sample.certificate[:-12] + "000000000000"}])
    sample.change("CREATE", sample.proof(sample.certificate))
    sample.pass_time(45 + 121)
    https(sample, Certificates=shown)


def test_a_target_is_a_running_machine_of_the_groups_network(sample: SampleApplication) -> None:
    starting = sample.run()
    for target in ("i-0123456789abcdef0", starting):
        with refused("InvalidTarget"):
            sample.elbv2.register_targets(TargetGroupArn=sample.group, Targets=[{"Id": target}])
    sample.pass_time(16)
    sample.elbv2.register_targets(TargetGroupArn=sample.group, Targets=[{"Id": starting}])


def test_nothing_joins_a_security_group_of_another_network(sample: SampleApplication) -> None:
    _, group = sample.other_network()
    pair = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}]
    with refused("InvalidGroup.NotFound", "different networks"):
        sample.ec2.authorize_security_group_ingress(GroupId=sample.app, IpPermissions=pair)
    with refused("InvalidParameter", "different networks"):
        sample.run(SecurityGroupIds=[group])
    with refused("InvalidGroup.NotFound", "different networks"):
        sample.ec2.modify_instance_attribute(InstanceId=sample.machine, Groups=[group])
    with refused("InvalidConfigurationRequest"):
        sample.elbv2.create_load_balancer(Name="second", Subnets=list(sample.public), SecurityGroups=[group])
    with refused("InvalidConfigurationRequest"):
        sample.elbv2.set_security_groups(LoadBalancerArn=sample.balancer, SecurityGroups=[group])
    with refused("InvalidParameterCombination"):
        sample.rds.create_db_instance(**database(DBInstanceIdentifier="second", VpcSecurityGroupIds=[group]))
    with refused("InvalidParameterCombination"):
        sample.rds.modify_db_instance(DBInstanceIdentifier="main", VpcSecurityGroupIds=[group])


def test_a_vpc_has_one_internet_gateway(sample: SampleApplication) -> None:
    second = sample.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue", "already has an internet gateway"):
        sample.ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=sample.vpc)


def test_five_vpcs_and_five_addresses_a_region(sample: SampleApplication) -> None:
    present = len(sample.ec2.describe_vpcs()["Vpcs"])
    for number in range(present, 5):
        sample.ec2.create_vpc(CidrBlock=f"10.{number + 20}.0.0/16")
    with refused("VpcLimitExceeded"):
        sample.ec2.create_vpc(CidrBlock="10.40.0.0/16")
    for _ in range(4):
        sample.ec2.allocate_address(Domain="vpc")
    with refused("AddressLimitExceeded"):
        sample.ec2.allocate_address(Domain="vpc")


def test_a_machine_needs_an_image_and_a_type_that_exist_where_it_stands(sample: SampleApplication) -> None:
    with refused("InvalidAMIID.NotFound"):
        sample.run(ImageId="ami-0123456789abcdef0")
    with refused("InvalidParameterValue", "InstanceType"):
        sample.run(InstanceType="t9.micro")
    subnet = sample.ec2.create_subnet(VpcId=sample.vpc, CidrBlock="10.0.9.0/24", AvailabilityZone="ap-northeast-2b")[
        "Subnet"
    ]["SubnetId"]
    with refused("Unsupported", "Availability Zone"):
        sample.run(InstanceType="t2.micro", SubnetId=subnet)


def test_an_unknown_profile_is_a_wrong_value(sample: SampleApplication) -> None:
    with refused("InvalidParameterValue", "Invalid IAM Instance Profile name"):
        sample.run(IamInstanceProfile={"Name": "nobody"})


def test_user_data_has_at_most_16_kb(sample: SampleApplication) -> None:
    with refused("InvalidParameterValue", "16384"):
        sample.run(UserData="#!/bin/bash\n" + "x" * 16384)


def test_a_machine_changes_its_type_only_when_stopped(sample: SampleApplication) -> None:
    wanted = {"InstanceId": sample.machine, "InstanceType": {"Value": "t3.small"}}
    with refused("IncorrectInstanceState"):
        sample.ec2.modify_instance_attribute(**wanted)
    sample.ec2.stop_instances(InstanceIds=[sample.machine])
    sample.pass_time(46)
    sample.ec2.modify_instance_attribute(**wanted)


def test_a_machine_has_one_disk_which_goes_with_it(sample: SampleApplication) -> None:
    """The block device named as the image's root is the root, and AWS deletes it with the machine."""
    machine = sample.run()
    filters = [{"Name": "attachment.instance-id", "Values": [machine]}]
    (disk,) = sample.ec2.describe_volumes(Filters=filters)["Volumes"]
    assert (disk["Size"], disk["VolumeType"]) == (20, "gp3")
    sample.ec2.terminate_instances(InstanceIds=[machine])
    sample.pass_time(46)
    assert disk["VolumeId"] not in {one["VolumeId"] for one in sample.ec2.describe_volumes()["Volumes"]}


def test_a_load_balancer_names_its_regions_zone_and_an_alias_must_repeat_it(sample: SampleApplication) -> None:
    (shown,) = sample.elbv2.describe_load_balancers(LoadBalancerArns=[sample.balancer])["LoadBalancers"]
    assert shown["CanonicalHostedZoneId"] == "ZWKZPGTI48KDX"
    right = {"HostedZoneId": "ZWKZPGTI48KDX", "DNSName": shown["DNSName"], "EvaluateTargetHealth": True}
    for wrong in ({"HostedZoneId": "Z2P70J7EXAMPLE"}, {"DNSName": "gone-1.ap-northeast-2.elb.amazonaws.com"}):
        with refused("InvalidChangeBatch", "target was not found"):
            sample.change("CREATE", {"Name": "example.com", "Type": "A", "AliasTarget": right | wrong})
    sample.change("CREATE", {"Name": "example.com", "Type": "A", "AliasTarget": right})


def test_a_record_is_deleted_only_as_it_is(sample: SampleApplication) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    with refused("InvalidChangeBatch", "not found"):
        sample.change("DELETE", record)
    sample.change("CREATE", record)
    with refused("InvalidChangeBatch", "do not match"):
        sample.change("DELETE", record | {"ResourceRecords": [{"Value": "192.0.2.2"}]})
    with refused("InvalidChangeBatch", "already exists"):
        sample.change("CREATE", record)
    sample.change("DELETE", record)


def test_a_database_in_two_zones_names_both(sample: SampleApplication) -> None:
    sample.rds.modify_db_instance(DBInstanceIdentifier="main", MultiAZ=True, ApplyImmediately=True)
    sample.pass_time(301)
    shown = sample.database()
    zones = {shown["AvailabilityZone"], shown["SecondaryAvailabilityZone"]}
    assert zones == {"ap-northeast-2a", "ap-northeast-2c"}


def test_an_unknown_nat_gateway_is_an_error(sample: SampleApplication) -> None:
    with refused("NatGatewayNotFound"):
        sample.ec2.describe_nat_gateways(NatGatewayIds=["nat-0123456789abcdef0"])


def test_the_interfaces_of_services_are_seen(sample: SampleApplication) -> None:
    filters = [{"Name": "vpc-id", "Values": [sample.vpc]}]
    found = sample.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    seen = sorted((one["Description"].split("/")[0], one["RequesterManaged"]) for one in found)
    assert [name for name, managed in seen if managed] == [
        "ELB app",
        "ELB app",
        f"Interface for NAT Gateway {sample.nat}",
        "RDSNetworkInterface",
    ]


def test_a_route_through_a_nat_gateway_that_is_gone_leads_nowhere(sample: SampleApplication) -> None:
    ec2 = sample.ec2
    table = ec2.create_route_table(VpcId=sample.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=sample.nat)
    ec2.delete_nat_gateway(NatGatewayId=sample.nat)
    (shown,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [one["State"] for one in shown["Routes"] if "NatGatewayId" in one] == ["blackhole"]


@pytest.mark.parametrize("name", ["/aws/one", "/awsdeploy/one", "/ssm/one", "/" + "/".join("x" * 16)])
def test_some_parameter_names_are_not_to_be_had(sample: SampleApplication, name: str) -> None:
    code = "HierarchyLevelLimitExceededException" if name.startswith("/x") else "ValidationException"
    with refused(code):
        sample.client("ssm").put_parameter(Name=name, Value="x", Type="String")


def test_tags_are_read_for_twenty_at_a_time(sample: SampleApplication) -> None:
    with refused("ValidationError"):
        sample.elbv2.describe_tags(ResourceArns=[sample.group] * 21)


def test_a_target_group_serves_one_load_balancer(sample: SampleApplication) -> None:
    made = sample.elbv2.create_load_balancer(Name="second", Subnets=list(sample.public), SecurityGroups=[sample.web])
    with refused("TargetGroupAssociationLimit"):
        sample.elbv2.create_listener(
            LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=PORT,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": sample.group}],
        )
