"""Deletion of the network and its machines, which AWS refuses while something else needs them."""

from __future__ import annotations

import pytest

from tests.sandbox.standing import Standing, refused, without_rules


def test_a_vpc_with_subnets_stays(stands: Standing) -> None:
    vpc, group = stands.other_network()
    stands.ec2.delete_security_group(GroupId=group)
    subnet = stands.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    with refused("DependencyViolation"):
        stands.ec2.delete_vpc(VpcId=vpc)
    stands.ec2.delete_subnet(SubnetId=subnet)
    stands.ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize("left", ["gateway", "security group", "route table", "nothing"])
def test_a_vpc_with_anything_of_its_own_stays(stands: Standing, left: str) -> None:
    vpc, group = stands.other_network()
    if left != "security group":
        stands.ec2.delete_security_group(GroupId=group)
    if left == "gateway":
        gateway = stands.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        stands.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    if left == "route table":
        stands.ec2.create_route_table(VpcId=vpc)
    if left == "nothing":
        stands.ec2.delete_vpc(VpcId=vpc)
    else:
        with refused("DependencyViolation"):
            stands.ec2.delete_vpc(VpcId=vpc)


def test_an_attached_internet_gateway_stays(stands: Standing) -> None:
    with refused("DependencyViolation"):
        stands.ec2.delete_internet_gateway(InternetGatewayId=stands.gateway)


def test_an_internet_gateway_is_held_by_public_addresses(stands: Standing) -> None:
    """Of the machine, the load balancer and the NAT gateway, each alone."""

    def detach() -> None:
        stands.ec2.detach_internet_gateway(InternetGatewayId=stands.gateway, VpcId=stands.vpc)

    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.ec2.terminate_instances(InstanceIds=[stands.machine])
    stands.pass_time(200)
    with refused("DependencyViolation", "mapped public address"):
        detach()
    stands.ec2.delete_nat_gateway(NatGatewayId=stands.nat)
    stands.pass_time(60)
    machine = stands.run()
    with refused("DependencyViolation", "mapped public address"):
        detach()
    stands.ec2.terminate_instances(InstanceIds=[machine])
    stands.pass_time(60)
    stands.elbv2.create_load_balancer(Name="second", Subnets=list(stands.public), SecurityGroups=[stands.web])
    with refused("DependencyViolation", "mapped public address"):
        detach()


def test_an_internet_gateway_goes_when_the_addresses_have_gone(stands: Standing) -> None:
    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.ec2.terminate_instances(InstanceIds=[stands.machine])
    stands.ec2.delete_nat_gateway(NatGatewayId=stands.nat)
    stands.pass_time(150)
    stands.ec2.detach_internet_gateway(InternetGatewayId=stands.gateway, VpcId=stands.vpc)
    stands.ec2.delete_internet_gateway(InternetGatewayId=stands.gateway)


def test_a_route_table_with_subnets_stays(stands: Standing) -> None:
    with refused("DependencyViolation"):
        stands.ec2.delete_route_table(RouteTableId=stands.routes)


def test_a_subnet_is_held_by_each_thing_in_it(stands: Standing) -> None:
    """NAT gateway, machine, database and load balancer: gone one after another, the last one frees the subnet."""
    one, two = stands.public
    stands.ec2.delete_nat_gateway(NatGatewayId=stands.nat)
    stands.pass_time(40)
    with refused("DependencyViolation"):
        stands.ec2.delete_subnet(SubnetId=one)
    stands.pass_time(20)
    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.pass_time(139)
    with refused("DependencyViolation"):
        stands.ec2.delete_subnet(SubnetId=two)
    stands.pass_time(2)
    stands.ec2.delete_subnet(SubnetId=two)
    with refused("DependencyViolation"):
        stands.ec2.delete_subnet(SubnetId=one)
    stands.ec2.terminate_instances(InstanceIds=[stands.machine])
    stands.pass_time(46)
    stands.ec2.delete_subnet(SubnetId=one)


def test_a_subnet_is_held_by_a_nat_gateway_alone(stands: Standing) -> None:
    subnet = stands.ec2.create_subnet(VpcId=stands.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    address = stands.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = stands.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    stands.pass_time(106)
    with refused("DependencyViolation"):
        stands.ec2.delete_subnet(SubnetId=subnet)
    stands.ec2.delete_nat_gateway(NatGatewayId=nat)
    stands.pass_time(51)
    stands.ec2.delete_subnet(SubnetId=subnet)


def test_a_subnet_is_held_by_a_database(stands: Standing) -> None:
    zone = stands.database()["AvailabilityZone"]
    subnet = stands.private["ac".index(zone[-1])]
    with refused("DependencyViolation"):
        stands.ec2.delete_subnet(SubnetId=subnet)
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    stands.pass_time(121)
    stands.ec2.delete_subnet(SubnetId=subnet)


def test_a_security_group_is_held_by_another_that_names_it(stands: Standing) -> None:
    ec2 = stands.ec2
    named, naming = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=stands.vpc)["GroupId"]
        for name in ("named", "naming")
    )
    rule = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": named}]}]
    ec2.authorize_security_group_ingress(GroupId=naming, IpPermissions=rule)
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=named)
    ec2.revoke_security_group_ingress(GroupId=naming, IpPermissions=rule)
    ec2.delete_security_group(GroupId=named)


def test_a_security_group_is_held_by_its_machine(stands: Standing) -> None:
    without_rules(stands)
    with refused("DependencyViolation"):
        stands.ec2.delete_security_group(GroupId=stands.app)
    stands.ec2.terminate_instances(InstanceIds=[stands.machine])
    stands.pass_time(46)
    stands.ec2.delete_security_group(GroupId=stands.app)


def test_a_security_group_is_let_go_by_a_machine_that_joins_another(stands: Standing) -> None:
    without_rules(stands)
    other = stands.ec2.create_security_group(GroupName="other", Description="other", VpcId=stands.vpc)["GroupId"]
    stands.ec2.modify_instance_attribute(InstanceId=stands.machine, Groups=[other])
    stands.ec2.delete_security_group(GroupId=stands.app)
    with refused("DependencyViolation"):
        stands.ec2.delete_security_group(GroupId=other)


def test_a_security_group_is_held_by_its_load_balancer(stands: Standing) -> None:
    without_rules(stands)
    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.pass_time(139)
    with refused("DependencyViolation"):
        stands.ec2.delete_security_group(GroupId=stands.web)
    stands.pass_time(2)
    stands.ec2.delete_security_group(GroupId=stands.web)


def test_a_security_group_is_held_by_its_database(stands: Standing) -> None:
    without_rules(stands)
    with refused("DependencyViolation"):
        stands.ec2.delete_security_group(GroupId=stands.data)
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    stands.pass_time(121)
    stands.ec2.delete_security_group(GroupId=stands.data)


def test_the_default_security_group_stays(stands: Standing) -> None:
    filters = [{"Name": "vpc-id", "Values": [stands.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = stands.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    with refused("CannotDelete"):
        stands.ec2.delete_security_group(GroupId=group["GroupId"])


def test_the_address_of_a_nat_gateway_stays_until_that_is_gone(stands: Standing) -> None:
    (address,) = stands.ec2.describe_addresses(AllocationIds=[stands.address])["Addresses"]
    with refused("AuthFailure"):
        stands.ec2.disassociate_address(AssociationId=address["AssociationId"])
    stands.ec2.delete_nat_gateway(NatGatewayId=stands.nat)
    with refused("InvalidIPAddress.InUse"):
        stands.ec2.release_address(AllocationId=stands.address)
    stands.pass_time(51)
    stands.ec2.release_address(AllocationId=stands.address)


def test_an_interface_in_use_stays(stands: Standing) -> None:
    filters = [{"Name": "vpc-id", "Values": [stands.vpc]}]
    found = stands.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert len(found) == 5  # machine, NAT gateway, database, load balancer in two zones
    for one in found:
        with refused("InvalidParameterValue", "in use"):
            stands.ec2.delete_network_interface(NetworkInterfaceId=one["NetworkInterfaceId"])


def test_an_attached_disk_stays(stands: Standing) -> None:
    filters = [{"Name": "attachment.instance-id", "Values": [stands.machine]}]
    (disk,) = stands.ec2.describe_volumes(Filters=filters)["Volumes"]
    with refused("VolumeInUse"):
        stands.ec2.delete_volume(VolumeId=disk["VolumeId"])


def test_a_protected_machine_stays(stands: Standing) -> None:
    stands.ec2.modify_instance_attribute(InstanceId=stands.machine, DisableApiTermination={"Value": True})
    with refused("OperationNotPermitted", "disableApiTermination"):
        stands.ec2.terminate_instances(InstanceIds=[stands.machine])
    assert stands.state(stands.machine) == "running"
