"""Acceptance of values by AWS, and what it shows that a plain simulation leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.standing import PORT, Standing, database, refused


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
def test_rds_refuses_what_it_does_not_offer(stands: Standing, wanted: dict[str, Any], code: str) -> None:
    with refused(code):
        stands.rds.create_db_instance(**database(DBInstanceIdentifier="second") | wanted)


@pytest.mark.parametrize(
    "password", ["seven77", "x" * 42, "with/slash-1", "with@sign-12", 'with"quote-1', "with space 1"]
)
def test_rds_refuses_a_bad_password(stands: Standing, password: str) -> None:
    with refused("InvalidParameterValue", "MasterUserPassword"):
        stands.rds.create_db_instance(**database(DBInstanceIdentifier="second", MasterUserPassword=password))
    with refused("InvalidParameterValue", "MasterUserPassword"):
        stands.rds.modify_db_instance(DBInstanceIdentifier="main", MasterUserPassword=password)


def test_rds_keeps_a_password_itself_or_is_given_one(stands: Standing) -> None:
    with refused("InvalidParameterCombination"):
        stands.rds.create_db_instance(**database(DBInstanceIdentifier="second", ManageMasterUserPassword=True))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"EngineVersion": "9.9"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.t9.micro"}, "InvalidParameterCombination"),
        ({"AllocatedStorage": 10}, "InvalidParameterCombination"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
    ],
)
def test_rds_refuses_a_change_to_what_it_does_not_offer(stands: Standing, wanted: dict[str, Any], code: str) -> None:
    with refused(code):
        stands.rds.modify_db_instance(DBInstanceIdentifier="main", ApplyImmediately=True, **wanted)
    assert stands.database()["DBInstanceStatus"] == "available"


def test_a_subnet_group_covers_two_zones(stands: Standing) -> None:
    one = {"DBSubnetGroupName": "one", "DBSubnetGroupDescription": "one", "SubnetIds": [stands.private[0]]}
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        stands.rds.create_db_subnet_group(**one)
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        stands.rds.modify_db_subnet_group(DBSubnetGroupName="main", SubnetIds=[stands.private[0]])


@pytest.mark.parametrize(
    ("name", "how", "code"),
    [
        ("slow_query_logs", "immediate", "InvalidParameterValue"),
        ("performance_schema", "immediate", "InvalidParameterCombination"),
    ],
)
def test_a_database_parameter_is_one_that_mysql_has(stands: Standing, name: str, how: str, code: str) -> None:
    parameters = [{"ParameterName": name, "ParameterValue": "1", "ApplyMethod": how}]
    with refused(code):
        stands.rds.modify_db_parameter_group(DBParameterGroupName="main", Parameters=parameters)


def test_twenty_database_parameters_at_a_time(stands: Standing) -> None:
    one = {"ParameterName": "slow_query_log", "ParameterValue": "1", "ApplyMethod": "immediate"}
    with refused("InvalidParameterValue"):
        stands.rds.modify_db_parameter_group(DBParameterGroupName="main", Parameters=[one] * 21)


def test_a_load_balancer_stands_in_two_zones(stands: Standing) -> None:
    with refused("ValidationError"):
        stands.elbv2.create_load_balancer(Name="one", Subnets=[stands.public[0]], SecurityGroups=[stands.web])
    with refused("InvalidConfigurationRequest"):
        stands.elbv2.set_subnets(LoadBalancerArn=stands.balancer, Subnets=[stands.public[0]])


@pytest.mark.parametrize("name", ["x" * 33, "-edge", "edge-", "under_score", "internal-one"])
def test_a_load_balancers_name_is_short_and_plain(stands: Standing, name: str) -> None:
    with refused("ValidationError"):
        stands.elbv2.create_load_balancer(Name=name, Subnets=list(stands.public), SecurityGroups=[stands.web])


def https(stands: Standing, **more: Any) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": stands.group}]
    stands.elbv2.create_listener(
        LoadBalancerArn=stands.balancer, Protocol="HTTPS", Port=443, DefaultActions=forward, **more
    )


def test_https_needs_a_certificate_that_is_issued(stands: Standing) -> None:
    with refused("ValidationError", "certificate"):
        https(stands)
    shown = [{"CertificateArn": stands.certificate}]
    with refused("UnsupportedCertificate"):
        https(stands, Certificates=shown)
    with refused("CertificateNotFound"):
        https(stands, Certificates=[{"CertificateArn": stands.certificate[:-12] + "000000000000"}])
    stands.change("CREATE", stands.proof(stands.certificate))
    stands.pass_time(45 + 121)
    https(stands, Certificates=shown)


def test_a_target_is_a_running_machine_of_the_groups_network(stands: Standing) -> None:
    starting = stands.run()
    for target in ("i-0123456789abcdef0", starting):
        with refused("InvalidTarget"):
            stands.elbv2.register_targets(TargetGroupArn=stands.group, Targets=[{"Id": target}])
    stands.pass_time(16)
    stands.elbv2.register_targets(TargetGroupArn=stands.group, Targets=[{"Id": starting}])


def test_nothing_joins_a_security_group_of_another_network(stands: Standing) -> None:
    _, group = stands.other_network()
    pair = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}]
    with refused("InvalidGroup.NotFound", "different networks"):
        stands.ec2.authorize_security_group_ingress(GroupId=stands.app, IpPermissions=pair)
    with refused("InvalidParameter", "different networks"):
        stands.run(SecurityGroupIds=[group])
    with refused("InvalidGroup.NotFound", "different networks"):
        stands.ec2.modify_instance_attribute(InstanceId=stands.machine, Groups=[group])
    with refused("InvalidConfigurationRequest"):
        stands.elbv2.create_load_balancer(Name="second", Subnets=list(stands.public), SecurityGroups=[group])
    with refused("InvalidConfigurationRequest"):
        stands.elbv2.set_security_groups(LoadBalancerArn=stands.balancer, SecurityGroups=[group])
    with refused("InvalidParameterCombination"):
        stands.rds.create_db_instance(**database(DBInstanceIdentifier="second", VpcSecurityGroupIds=[group]))
    with refused("InvalidParameterCombination"):
        stands.rds.modify_db_instance(DBInstanceIdentifier="main", VpcSecurityGroupIds=[group])


def test_a_vpc_has_one_internet_gateway(stands: Standing) -> None:
    second = stands.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue", "already has an internet gateway"):
        stands.ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=stands.vpc)


def test_five_vpcs_and_five_addresses_a_region(stands: Standing) -> None:
    present = len(stands.ec2.describe_vpcs()["Vpcs"])
    for number in range(present, 5):
        stands.ec2.create_vpc(CidrBlock=f"10.{number + 20}.0.0/16")
    with refused("VpcLimitExceeded"):
        stands.ec2.create_vpc(CidrBlock="10.40.0.0/16")
    for _ in range(4):
        stands.ec2.allocate_address(Domain="vpc")
    with refused("AddressLimitExceeded"):
        stands.ec2.allocate_address(Domain="vpc")


def test_a_machine_needs_an_image_and_a_type_that_exist_where_it_stands(stands: Standing) -> None:
    with refused("InvalidAMIID.NotFound"):
        stands.run(ImageId="ami-0123456789abcdef0")
    with refused("InvalidParameterValue", "InstanceType"):
        stands.run(InstanceType="t9.micro")
    subnet = stands.ec2.create_subnet(VpcId=stands.vpc, CidrBlock="10.0.9.0/24", AvailabilityZone="ap-northeast-2b")[
        "Subnet"
    ]["SubnetId"]
    with refused("Unsupported", "Availability Zone"):
        stands.run(InstanceType="t2.micro", SubnetId=subnet)


def test_an_unknown_profile_is_a_wrong_value(stands: Standing) -> None:
    with refused("InvalidParameterValue", "Invalid IAM Instance Profile name"):
        stands.run(IamInstanceProfile={"Name": "nobody"})


def test_user_data_has_at_most_16_kb(stands: Standing) -> None:
    with refused("InvalidParameterValue", "16384"):
        stands.run(UserData="#!/bin/bash\n" + "x" * 16384)


def test_a_machine_changes_its_type_only_when_stopped(stands: Standing) -> None:
    wanted = {"InstanceId": stands.machine, "InstanceType": {"Value": "t3.small"}}
    with refused("IncorrectInstanceState"):
        stands.ec2.modify_instance_attribute(**wanted)
    stands.ec2.stop_instances(InstanceIds=[stands.machine])
    stands.pass_time(46)
    stands.ec2.modify_instance_attribute(**wanted)


def test_a_machine_has_one_disk_which_goes_with_it(stands: Standing) -> None:
    """The block device named as the image's root is the root, and AWS deletes it with the machine."""
    machine = stands.run()
    filters = [{"Name": "attachment.instance-id", "Values": [machine]}]
    (disk,) = stands.ec2.describe_volumes(Filters=filters)["Volumes"]
    assert (disk["Size"], disk["VolumeType"]) == (20, "gp3")
    stands.ec2.terminate_instances(InstanceIds=[machine])
    stands.pass_time(46)
    assert disk["VolumeId"] not in {one["VolumeId"] for one in stands.ec2.describe_volumes()["Volumes"]}


def test_a_load_balancer_names_its_regions_zone_and_an_alias_must_repeat_it(stands: Standing) -> None:
    (shown,) = stands.elbv2.describe_load_balancers(LoadBalancerArns=[stands.balancer])["LoadBalancers"]
    assert shown["CanonicalHostedZoneId"] == "ZWKZPGTI48KDX"
    right = {"HostedZoneId": "ZWKZPGTI48KDX", "DNSName": shown["DNSName"], "EvaluateTargetHealth": True}
    for wrong in ({"HostedZoneId": "Z2P70J7EXAMPLE"}, {"DNSName": "gone-1.ap-northeast-2.elb.amazonaws.com"}):
        with refused("InvalidChangeBatch", "target was not found"):
            stands.change("CREATE", {"Name": "example.com", "Type": "A", "AliasTarget": right | wrong})
    stands.change("CREATE", {"Name": "example.com", "Type": "A", "AliasTarget": right})


def test_a_record_is_deleted_only_as_it_is(stands: Standing) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    with refused("InvalidChangeBatch", "not found"):
        stands.change("DELETE", record)
    stands.change("CREATE", record)
    with refused("InvalidChangeBatch", "do not match"):
        stands.change("DELETE", record | {"ResourceRecords": [{"Value": "192.0.2.2"}]})
    with refused("InvalidChangeBatch", "already exists"):
        stands.change("CREATE", record)
    stands.change("DELETE", record)


def test_a_database_in_two_zones_names_both(stands: Standing) -> None:
    stands.rds.modify_db_instance(DBInstanceIdentifier="main", MultiAZ=True, ApplyImmediately=True)
    stands.pass_time(301)
    shown = stands.database()
    zones = {shown["AvailabilityZone"], shown["SecondaryAvailabilityZone"]}
    assert zones == {"ap-northeast-2a", "ap-northeast-2c"}


def test_an_unknown_nat_gateway_is_an_error(stands: Standing) -> None:
    with refused("NatGatewayNotFound"):
        stands.ec2.describe_nat_gateways(NatGatewayIds=["nat-0123456789abcdef0"])


def test_the_interfaces_of_services_are_seen(stands: Standing) -> None:
    filters = [{"Name": "vpc-id", "Values": [stands.vpc]}]
    found = stands.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    seen = sorted((one["Description"].split("/")[0], one["RequesterManaged"]) for one in found)
    assert [name for name, managed in seen if managed] == [
        "ELB app",
        "ELB app",
        f"Interface for NAT Gateway {stands.nat}",
        "RDSNetworkInterface",
    ]


def test_a_route_through_a_nat_gateway_that_is_gone_leads_nowhere(stands: Standing) -> None:
    ec2 = stands.ec2
    table = ec2.create_route_table(VpcId=stands.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=stands.nat)
    ec2.delete_nat_gateway(NatGatewayId=stands.nat)
    (shown,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [one["State"] for one in shown["Routes"] if "NatGatewayId" in one] == ["blackhole"]


@pytest.mark.parametrize("name", ["/aws/one", "/awsdeploy/one", "/ssm/one", "/" + "/".join("x" * 16)])
def test_some_parameter_names_are_not_to_be_had(stands: Standing, name: str) -> None:
    code = "HierarchyLevelLimitExceededException" if name.startswith("/x") else "ValidationException"
    with refused(code):
        stands.client("ssm").put_parameter(Name=name, Value="x", Type="String")


def test_tags_are_read_for_twenty_at_a_time(stands: Standing) -> None:
    with refused("ValidationError"):
        stands.elbv2.describe_tags(ResourceArns=[stands.group] * 21)


def test_a_target_group_serves_one_load_balancer(stands: Standing) -> None:
    made = stands.elbv2.create_load_balancer(Name="second", Subnets=list(stands.public), SecurityGroups=[stands.web])
    with refused("TargetGroupAssociationLimit"):
        stands.elbv2.create_listener(
            LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
            Protocol="HTTP",
            Port=PORT,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": stands.group}],
        )
