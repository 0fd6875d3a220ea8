"""The shape of an answer holds botocore's words and nothing of what was answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from awsdeploy.rehearsal import shape

SESSION = botocore.session.get_session()


def of(service: str, operation: str, answer: dict[str, Any]) -> shape.Shape:
    return shape.of(SESSION.get_service_model(service).operation_model(operation).output_shape, answer)


def test_keys_and_types_stay_and_values_go() -> None:
    answer = {
        "Vpcs": [
            {"VpcId": "vpc-0abc", "IsDefault": False, "State": "available", "Tags": [{"Key": "Owner", "Value": "Kim"}]},
            {"VpcId": "vpc-0def", "IsDefault": True, "State": "pending", "CidrBlock": "10.0.0.0/16"},
        ],
        "ResponseMetadata": {"RequestId": "1234"},
    }
    assert of("ec2", "DescribeVpcs", answer) == {
        "Vpcs": [
            {
                "VpcId": "string",
                "CidrBlock": "string",
                "IsDefault": "boolean",
                "State": "=available|=pending",
                "Tags": [{"Key": "string", "Value": "string"}],
            }
        ]
    }


def test_a_value_that_the_model_does_not_list_is_only_a_string() -> None:
    assert of("ec2", "DescribeVpcs", {"Vpcs": [{"State": "vpc-0abc"}]}) == {"Vpcs": [{"State": "string"}]}


def test_the_keys_of_a_map_are_not_told() -> None:
    answer = {"Attributes": {"my-own-word": "arn:aws:sns:eu-west-1:123456789012:x"}}
    assert of("sns", "GetTopicAttributes", answer) == {"Attributes": {"*": "string"}}
    assert of("sns", "GetTopicAttributes", {"Attributes": {}}) == {"Attributes": {}}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
        ("x", "string"),
        (b"x", "blob"),
        (datetime(2026, 1, 1, tzinfo=UTC), "timestamp"),
    ],
)
def test_every_type_has_a_word(value: object, word: str) -> None:
    assert of("ec2", "DescribeVpcs", {"NextToken": value}) == {"NextToken": word}


def test_shapes_are_merged() -> None:
    several: list[shape.Shape] = [
        {"A": [], "B": "null"},
        {"A": [{"X": "string"}], "B": {"C": "=on"}},
        {"A": [{"X": "null", "Y": "number"}], "B": {"C": "=off|string"}},
    ]
    assert shape.merged(several) == {"A": [{"X": "null|string", "Y": "number"}], "B": {"C": "=off|=on|string"}}
    assert shape.merged([]) is None


def test_paths_name_everything() -> None:
    one: shape.Shape = {"A": [{"X": "string", "Y": {"*": "number"}}]}
    assert dict(shape.paths(one)) == {
        "A": "list",
        "A[]": "structure",
        "A[].X": "string",
        "A[].Y": "structure",
        "A[].Y.*": "number",
    }
