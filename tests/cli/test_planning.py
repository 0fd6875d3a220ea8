"""Plans as text."""

from __future__ import annotations

import pytest

from awsdeploy.cli.planning import _said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "nothing"),
        ([], "nothing"),
        ("t3.micro", "t3.micro"),
        (False, "False"),
        (["a", "c"], "a, c"),
        ([{"Name": "InstanceId", "Value": "i-1"}, {"Name": "path", "Value": "/"}], "InstanceId=i-1, path=/"),
        ({"Key": "Owner", "Value": "shop"}, "Owner=shop"),
        ({"Days": 30, "Prefix": ""}, "Days=30, Prefix="),
    ],
)
def test_a_value_is_shown_without_python(value: object, said: str) -> None:
    assert _said(value) == said
