"""The control calls: what a test can do to the world, and to those who ask it."""

from __future__ import annotations

import dataclasses
import os
import signal
import urllib.error
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ConnectionClosedError

from awsdeploy.sandbox import control
from tests.conftest import entered
from tests.sandbox.sample_application import SampleApplication, refused
from tests.sandbox.signing import signed
from tests.simulated import World


def vpcs(world: World) -> int:
    return len(world.client("ec2").describe_vpcs()["Vpcs"])


def test_whoever_asks_before_sending_a_body_is_told_to_go_on(world: World) -> None:
    connection = HTTPConnection(urlsplit(world.url).netloc, timeout=10)
    connection.putrequest("PUT", "/bucket/object")
    connection.putheader("Expect", "100-continue")
    connection.putheader("Content-Length", "1")
    connection.endheaders()
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    connection.close()


def test_an_operation_is_refused_as_often_as_asked(world: World) -> None:
    row = {"operation": "ec2:CreateVpc", "code": "UnauthorizedOperation", "message": "no", "status": 403, "times": 2}
    world.control("POST", "refuse", row)
    for _ in range(2):
        with refused("UnauthorizedOperation", "no"):
            world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")


def test_a_refusal_without_a_message_says_where_it_comes_from(world: World) -> None:
    world.control("POST", "refuse", {"operation": "ssm:GetParameter", "code": "ExpiredTokenException"})
    with refused("ExpiredTokenException", "ssm:GetParameter is refused by a control call"):
        world.client("ssm").get_parameter(Name="/a")


@pytest.mark.parametrize(
    ("action", "service", "operation", "told", "code"),
    [
        ("ec2:CreateVpc", "ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "UnauthorizedOperation"),
        (
            "ec2:CreateTags",
            "ec2",
            "create_vpc",
            {
                "CidrBlock": "10.0.0.0/16",
                "TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}],
            },
            "UnauthorizedOperation",
        ),
        ("s3:ListAllMyBuckets", "s3", "list_buckets", {}, "AccessDenied"),
        ("elasticloadbalancing:DescribeRules", "elbv2", "describe_rules", {"RuleArns": ["arn:a"]}, "AccessDenied"),
        ("logs:CreateLogGroup", "logs", "create_log_group", {"logGroupName": "a"}, "AccessDeniedException"),
        ("sns:CreateTopic", "sns", "create_topic", {"Name": "a"}, "AuthorizationError"),
    ],
)
def test_whoever_lacks_an_action_is_refused_every_call_that_needs_it(
    world: World, action: str, service: str, operation: str, told: dict[str, Any], code: str
) -> None:
    world.control("POST", "deny", {"actions": [action]})
    with refused(code, f"not authorized to perform: {action} on resource: "):
        getattr(world.client(service), operation)(**told)
    world.control("POST", "deny", {"actions": []})
    world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")


def test_an_answer_is_lost_after_the_write_was_done(world: World) -> None:
    ec2, before = world.client("ec2"), vpcs(world)
    world.control("POST", "fault", {"kind": "lost-answer", "write": 2})
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.1.0.0/16")
    assert vpcs(world) == before + 2
    assert world.control("GET", "fault") == {"armed": False}


def test_a_fault_can_wait_for_one_operation_and_be_taken_back(world: World) -> None:
    world.control("POST", "fault", {"kind": "lost-answer", "write": 1, "operation": "ec2:CreateSubnet"})
    world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert world.control("GET", "fault") == {"armed": True}
    world.control("DELETE", "fault")
    assert world.control("GET", "fault") == {"armed": False}


def test_calls_are_listed_with_their_outcome(world: World) -> None:
    world.control("DELETE", "calls")
    world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    with refused("InvalidVpcID.NotFound"):
        world.client("ec2").delete_vpc(VpcId="vpc-0123456789abcdef0")
    listed = world.control("GET", "calls")
    assert [(row["call"], row["outcome"]) for row in listed["calls"]] == [
        ("ec2:CreateVpc", "ok"),
        ("ec2:DeleteVpc", "400"),
    ]
    assert listed["writes"] == 2


def test_time_moves_by_hand_and_at_any_speed_but_never_back(sample: SampleApplication) -> None:
    assert sample.world is not None
    before = sample.world.control("GET", "status")["now"]
    after = sample.world.control("POST", "advance", {"seconds": 500})["now"]
    assert 500 <= after - before < 501
    for path, body in (("advance", {"seconds": -1}), ("speed", {"speed": 0}), ("fault", {"kind": "fire", "write": 1})):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            sample.world.control("POST", path, body)


def test_a_fork_is_a_world_of_its_own(sandbox: control.RunningSandbox, world: World, tmp_path: Path) -> None:
    world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    child = world.control("POST", "fork")
    try:
        with entered(dataclasses.replace(sandbox, pid=child["pid"], port=child["port"]), tmp_path) as copy:
            assert vpcs(copy) == vpcs(world)
            copy.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")
            assert vpcs(copy) == vpcs(world) + 1
    finally:
        os.kill(child["pid"], signal.SIGTERM)


def test_a_reset_world_has_one_delegated_zone_and_nothing_else(world: World) -> None:
    before = vpcs(world)
    world.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    world.control("POST", "reset")
    assert vpcs(world) == before
    (zone,) = world.client("route53").list_hosted_zones()["HostedZones"]
    assert zone["Name"] == "example.com."


def test_what_is_not_simulated_says_so(world: World) -> None:
    with refused("UnknownOperationException", "does not simulate"):
        world.client("pricing", "us-east-1").describe_services()
    # Of a service whose protocol is not known the answer is XML: botocore shows its status and its text.
    with refused("404", "UnknownOperationException"):
        world.client("accessanalyzer").list_analyzers()


def test_header_names_are_read_in_any_case(world: World) -> None:
    """The JavaScript SDK writes them in lower case."""
    headers = signed(world, "s3")
    connection = HTTPConnection(urlsplit(world.url).netloc, timeout=10)
    connection.request("GET", "/", headers={name.lower(): value for name, value in headers.items()})
    assert connection.getresponse().status == 200
    connection.close()
