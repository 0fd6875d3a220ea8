"""Parameter Store in the sandbox: what stays as it is, how much it holds, and who wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulated import World


@pytest.fixture
def ssm(world: World) -> Any:
    return world.client("ssm")


def refused(ssm: Any, **wanted: Any) -> str:
    with pytest.raises(ClientError) as raised:
        ssm.put_parameter(**wanted)
    return str(raised.value.response["Error"]["Code"])


def test_a_parameter_keeps_its_type_and_its_tier(ssm: Any) -> None:
    ssm.put_parameter(Name="/a", Value="x", Type="String")
    again = {"Name": "/a", "Value": "y", "Overwrite": True}
    assert refused(ssm, **again, Type="SecureString") == "HierarchyTypeMismatchException"
    ssm.put_parameter(**again, Tier="Advanced")
    assert refused(ssm, **again, Tier="Standard") == "ValidationException"
    assert refused(ssm, **again) == "ValidationException"
    ssm.put_parameter(**again, Type="String", Tier="Advanced")


def test_a_version_of_a_parameter_has_the_time_of_the_world(world: World, ssm: Any) -> None:
    ssm.put_parameter(Name="/a", Value="x", Type="String")
    world.pass_time(7200)
    ssm.put_parameter(Name="/a", Value="y", Overwrite=True)
    first, second = (one["LastModifiedDate"] for one in ssm.get_parameter_history(Name="/a")["Parameters"])
    assert (second - first).total_seconds() >= 7200


def test_a_parameter_holds_4_kb_or_8(ssm: Any) -> None:
    wanted = {"Name": "/b", "Type": "String"}
    assert refused(ssm, **wanted, Value="x" * 4097) == "ValidationException"
    assert refused(ssm, **wanted, Value="x" * 8193, Tier="Advanced") == "ValidationException"
    ssm.put_parameter(**wanted, Value="x" * 8192, Tier="Advanced")


def test_a_list_says_who_wrote_last(ssm: Any) -> None:
    ssm.put_parameter(Name="/c", Value="x", Type="String")
    (found,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": ["/c"]}])["Parameters"]
    assert found["LastModifiedUser"] == "arn:aws:iam::123456789012:user/sandbox"
