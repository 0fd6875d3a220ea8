"""Deletion of the network and its machines, which AWS refuses while something else needs them."""

from __future__ import annotations

import pytest

from tests.sandbox.sample_application import SampleApplication, refused, without_rules


def test_a_vpc_with_subnets_stays(sample: SampleApplication) -> None:
    vpc, group = sample.other_network()
    sample.ec2.delete_security_group(GroupId=group)
    subnet = sample.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    with refused("DependencyViolation"):
        sample.ec2.delete_vpc(VpcId=vpc)
    sample.ec2.delete_subnet(SubnetId=subnet)
    sample.ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize("left", ["gateway", "security group", "route table", "nothing"])
def test_a_vpc_with_anything_of_its_own_stays(sample: SampleApplication, left: str) -> None:
    vpc, group = sample.other_network()
    if left != "security group":
        sample.ec2.delete_security_group(GroupId=group)
    if left == "gateway":
        gateway = sample.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        sample.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    if left == "route table":
        sample.ec2.create_route_table(VpcId=vpc)
    if left == "nothing":
        sample.ec2.delete_vpc(VpcId=vpc)
    else:
        with refused("DependencyViolation"):
            sample.ec2.delete_vpc(VpcId=vpc)


def test_an_attached_internet_gateway_stays(sample: SampleApplication) -> None:
    with refused("DependencyViolation"):
        sample.ec2.delete_internet_gateway(InternetGatewayId=sample.gateway)


def test_an_internet_gateway_is_held_by_public_addresses(sample: SampleApplication) -> None:
    """The addresses are those of the machine, the load balancer and the NAT gateway, each alone."""

    def detach() -> None:
        sample.ec2.detach_internet_gateway(InternetGatewayId=sample.gateway, VpcId=sample.vpc)

    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.ec2.terminate_instances(InstanceIds=[sample.machine])
    sample.pass_time(200)
    with refused("DependencyViolation", "mapped public address"):
        detach()
    sample.ec2.delete_nat_gateway(NatGatewayId=sample.nat)
    sample.pass_time(60)
    machine = sample.run()
    with refused("DependencyViolation", "mapped public address"):
        detach()
    sample.ec2.terminate_instances(InstanceIds=[machine])
    sample.pass_time(60)
    sample.elbv2.create_load_balancer(Name="second", Subnets=list(sample.public), SecurityGroups=[sample.web])
    with refused("DependencyViolation", "mapped public address"):
        detach()


def test_an_internet_gateway_goes_when_the_addresses_have_gone(sample: SampleApplication) -> None:
    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.ec2.terminate_instances(InstanceIds=[sample.machine])
    sample.ec2.delete_nat_gateway(NatGatewayId=sample.nat)
    sample.pass_time(150)
    sample.ec2.detach_internet_gateway(InternetGatewayId=sample.gateway, VpcId=sample.vpc)
    sample.ec2.delete_internet_gateway(InternetGatewayId=sample.gateway)


def test_a_route_table_with_subnets_stays(sample: SampleApplication) -> None:
    with refused("DependencyViolation"):
        sample.ec2.delete_route_table(RouteTableId=sample.routes)


def test_a_subnet_is_held_by_each_thing_in_it(sample: SampleApplication) -> None:
    """NAT gateway, machine, database and load balancer: gone one after another, the last one frees the subnet."""
    one, two = sample.public
    sample.ec2.delete_nat_gateway(NatGatewayId=sample.nat)
    sample.pass_time(40)
    with refused("DependencyViolation"):
        sample.ec2.delete_subnet(SubnetId=one)
    sample.pass_time(20)
    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.pass_time(139)
    with refused("DependencyViolation"):
        sample.ec2.delete_subnet(SubnetId=two)
    sample.pass_time(2)
    sample.ec2.delete_subnet(SubnetId=two)
    with refused("DependencyViolation"):
        sample.ec2.delete_subnet(SubnetId=one)
    sample.ec2.terminate_instances(InstanceIds=[sample.machine])
    sample.pass_time(46)
    sample.ec2.delete_subnet(SubnetId=one)


def test_a_subnet_is_held_by_a_nat_gateway_alone(sample: SampleApplication) -> None:
    subnet = sample.ec2.create_subnet(VpcId=sample.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    address = sample.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = sample.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    sample.pass_time(106)
    with refused("DependencyViolation"):
        sample.ec2.delete_subnet(SubnetId=subnet)
    sample.ec2.delete_nat_gateway(NatGatewayId=nat)
    sample.pass_time(51)
    sample.ec2.delete_subnet(SubnetId=subnet)


def test_a_subnet_is_held_by_a_database(sample: SampleApplication) -> None:
    zone = sample.database()["AvailabilityZone"]
    subnet = sample.private["ac".index(zone[-1])]
    with refused("DependencyViolation"):
        sample.ec2.delete_subnet(SubnetId=subnet)
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    sample.pass_time(121)
    sample.ec2.delete_subnet(SubnetId=subnet)


def test_a_security_group_is_held_by_another_that_names_it(sample: SampleApplication) -> None:
    ec2 = sample.ec2
    named, naming = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=sample.vpc)["GroupId"]
        for name in ("named", "naming")
    )
    rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": named}]}]
    ec2.authorize_security_group_ingress(GroupId=naming, IpPermissions=rule)
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=named)
    ec2.revoke_security_group_ingress(GroupId=naming, IpPermissions=rule)
    ec2.delete_security_group(GroupId=named)


def test_a_security_group_is_held_by_its_machine(sample: SampleApplication) -> None:
    without_rules(sample)
    with refused("DependencyViolation"):
        sample.ec2.delete_security_group(GroupId=sample.app)
    sample.ec2.terminate_instances(InstanceIds=[sample.machine])
    sample.pass_time(46)
    sample.ec2.delete_security_group(GroupId=sample.app)


def test_a_security_group_is_let_go_by_a_machine_that_joins_another(sample: SampleApplication) -> None:
    without_rules(sample)
    other = sample.ec2.create_security_group(GroupName="other", Description="other", VpcId=sample.vpc)["GroupId"]
    sample.ec2.modify_instance_attribute(InstanceId=sample.machine, Groups=[other])
    sample.ec2.delete_security_group(GroupId=sample.app)
    with refused("DependencyViolation"):
        sample.ec2.delete_security_group(GroupId=other)


def test_a_security_group_is_held_by_its_load_balancer(sample: SampleApplication) -> None:
    without_rules(sample)
    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.pass_time(139)
    with refused("DependencyViolation"):
        sample.ec2.delete_security_group(GroupId=sample.web)
    sample.pass_time(2)
    sample.ec2.delete_security_group(GroupId=sample.web)


def test_a_security_group_is_held_by_its_database(sample: SampleApplication) -> None:
    without_rules(sample)
    with refused("DependencyViolation"):
        sample.ec2.delete_security_group(GroupId=sample.data)
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    sample.pass_time(121)
    sample.ec2.delete_security_group(GroupId=sample.data)


def test_the_default_security_group_stays(sample: SampleApplication) -> None:
    filters = [{"Name": "vpc-id", "Values": [sample.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = sample.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    with refused("CannotDelete"):
        sample.ec2.delete_security_group(GroupId=group["GroupId"])


def test_the_address_of_a_nat_gateway_stays_until_that_is_gone(sample: SampleApplication) -> None:
    (address,) = sample.ec2.describe_addresses(AllocationIds=[sample.address])["Addresses"]
    with refused("AuthFailure"):
        sample.ec2.disassociate_address(AssociationId=address["AssociationId"])
    sample.ec2.delete_nat_gateway(NatGatewayId=sample.nat)
    with refused("InvalidIPAddress.InUse"):
        sample.ec2.release_address(AllocationId=sample.address)
    sample.pass_time(51)
    sample.ec2.release_address(AllocationId=sample.address)


def test_an_interface_in_use_stays(sample: SampleApplication) -> None:
    filters = [{"Name": "vpc-id", "Values": [sample.vpc]}]
    found = sample.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert len(found) == 5  # machine, NAT gateway, database, load balancer in two zones
    for one in found:
        with refused("InvalidParameterValue", "in use"):
            sample.ec2.delete_network_interface(NetworkInterfaceId=one["NetworkInterfaceId"])


def test_an_attached_disk_stays(sample: SampleApplication) -> None:
    filters = [{"Name": "attachment.instance-id", "Values": [sample.machine]}]
    (disk,) = sample.ec2.describe_volumes(Filters=filters)["Volumes"]
    with refused("VolumeInUse"):
        sample.ec2.delete_volume(VolumeId=disk["VolumeId"])


def test_a_protected_machine_stays(sample: SampleApplication) -> None:
    sample.ec2.modify_instance_attribute(InstanceId=sample.machine, DisableApiTermination={"Value": True})
    with refused("OperationNotPermitted", "disableApiTermination"):
        sample.ec2.terminate_instances(InstanceIds=[sample.machine])
    assert sample.state(sample.machine) == "running"
