"""Faster functions of the sandbox give what moto's and xmltodict's own give."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.tags import TagBackend

from awsdeploy.sandbox.server import faster_moto

# Taken when this file is imported: whoever installs the faster functions in this process later changes nothing here.
SLOW_VALUE, SLOW_UNPARSE, SLOW_TAGS = faster_moto.slow_value, faster_moto.slow_unparse, TaggedEC2Resource.get_tags


class DBInstance:
    """Names members as moto's models do: short, in snake case, and as AWS has them."""

    def __init__(self) -> None:
        self.identifier = "main"
        self.db_instance_class = "db.t3.micro"
        self.Engine = "mysql"
        self.status = "available"
        self.db_subnet_group = {"DBSubnetGroupName": "ours", "vpc_id": "vpc-1", "subnets": []}


class Aliased(DBInstance):
    class Meta:
        serialization_aliases = {"AllocatedStorage": "disk"}

    disk = 20


@pytest.mark.parametrize(
    "source", [DBInstance(), Aliased(), vars(DBInstance()), {"DBInstanceIdentifier": "x", "Engine": None}, {}]
)
@pytest.mark.parametrize("transformers", [None, {"DBInstance.Engine": repr, ".Engine": lambda value: f"{value}!"}])
def test_each_member_of_an_answer_has_the_same_value(source: Any, transformers: Any) -> None:
    model = get_service_model("rds").operation_model("CreateDBInstance")
    picker = XFormedAttributePicker(response_transformers=transformers)
    serializer = get_serializer_class("rds", "query")(model, value_picker=picker)
    shape = model.output_shape.members["DBInstance"]
    serializer.path.append("DBInstance")
    for name, member in shape.members.items():
        member.parent = shape
        for _ in range(2):  # the second time from memory
            got = faster_moto.value_of(serializer, source, name, member)
            assert got == SLOW_VALUE(serializer, source, name, member), name


DOCUMENTS: list[dict[str, Any]] = [
    {"A": None},
    {"A": ""},
    {"A": {}},
    {"A": {"B": [], "C": [None, "", "x"], "D": ("y", 1, True, 2.5, b"z")}},
    {"A": {"@xmlns": "http://a/?b&c", "@n": None, "#text": "a < b & c > d", "E": {"F": [{"G": "1"}, {}, {"G": "2"}]}}},
    {"A": {"#text": None, "@quoted": 'it\'s "so"\n'}},
    {"A": "한글"},
    {"A": "1", "B": "2"},
    {"A": ["1", "2"]},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_the_xml_is_the_same(document: dict[str, Any], short: bool, whole: bool) -> None:
    def result(unparse: Any) -> Any:
        try:
            return unparse(document, full_document=whole, pretty=False, short_empty_elements=short)
        except ValueError as wrong:
            return str(wrong)

    assert result(faster_moto.unparse) == result(SLOW_UNPARSE)


@pytest.mark.parametrize("name", ["a b", "a<b", "?a", "a/b", 'a"', "a=b"])
def test_a_name_that_would_break_the_xml_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Invalid element name"):
        faster_moto.unparse({"A": {name: "x"}})
    with pytest.raises(ValueError, match="Invalid attribute name"):
        faster_moto.unparse({"A": {f"@{name}": "x"}})


@pytest.mark.parametrize("id", ["i-0123", "vol-9", "other-1", ""])
def test_the_tags_of_a_resource_are_the_same(id: str) -> None:
    backend = TagBackend()
    backend.tags = defaultdict(
        dict, {"i-0123": {"Name": "one", "b": "2"}, "vol-9": {"Name": "two"}, "i-01234": {"c": ""}}
    )
    resource: Any = SimpleNamespace(id=id, ec2_backend=backend)
    assert faster_moto.tags(resource) == SLOW_TAGS(resource)
    assert len(backend.tags) == 3


def test_random_strings_have_their_length_and_letters() -> None:
    from moto.moto_api._internal import mock_random

    assert len(faster_moto.random_string(mock_random, 52)) == 52
    assert faster_moto.random_string(mock_random, 200, include_digits=False, lower_case=True).isalpha()
    assert faster_moto.random_string(mock_random) != faster_moto.random_string(mock_random)
