"""Comparisons of recordings, word for word, and how much it takes to be a difference."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.rehearsal import compare
from awsdeploy.rehearsal.compare import Matter
from tests.simulated import warm

GOLDEN = Path(__file__).with_name("compare.txt")


def call(answer: Any, errors: dict[str, int] | None = None, median: float = 0.1) -> dict[str, Any]:
    return {"count": 1, "errors": errors or {}, "seconds": {"median": median, "most": median}, "answer": answer}


def status(lasted: float | None, *then: str) -> dict[str, Any]:
    return {"objects": 1, "after": 0.0, "then": list(then)} | ({} if lasted is None else {"lasted": lasted})


def recording(endpoint: str, clock: float, acts: dict[str, tuple[int, float]], **more: Any) -> dict[str, Any]:
    head = {"format": "awsdeploy rehearsal", "version": 1, "endpoint": endpoint, "clock": clock}
    told = [{"act": name, "exit": code, "seconds": seconds, "calls": 1} for name, (code, seconds) in acts.items()]
    return {**head, "region": "ap-northeast-2", "day": "2026-11-27", "acts": told, **more}


AWS = recording(
    "aws",
    1,
    {"up": (0, 640), "deploy": (0, 300), "destroy": (0, 500)},
    calls={
        "dlm:GetLifecyclePolicies": call({"Policies": []}),
        "ec2:CreateNatGateway": call({"NatGateway": {"State": "=pending"}}),
        "ec2:DescribeVolumes": call(
            {"Volumes": [{"State": "=creating|=in-use", "Throughput": "number", "Operator": {"Managed": "boolean"}}]},
            {"RequestLimitExceeded": 2},
        ),
        "ec2:DescribeVpcs": call({"Vpcs": [{"Tags": [{"Key": "string"}], "IsDefault": "boolean"}]}),
        "rds:DeleteDBInstance": call({"DBInstance": {"DBInstanceStatus": "string"}}, median=6.0),
        "route53:GetChange": call(None, {"NoSuchChange": 1}),
    },
    statuses={
        "Database": {
            "creating": status(290.0, "backing-up", "configuring-enhanced-monitoring"),
            "configuring-enhanced-monitoring": status(35.0, "backing-up"),
            "backing-up": status(50.0, "available"),
            "available": status(None, "deleting"),
            "deleting": status(610.0, "gone"),
        },
        "LoadBalancer": {"provisioning": status(120.0, "active"), "active": status(None, "gone")},
        "NatGateway": {"pending": status(110.0, "available"), "available": status(None, "gone")},
    },
)
SANDBOX = recording(
    "other",
    60,
    {"up": (4, 10.5), "destroy": (0, 8.0)},
    calls={
        "dlm:GetLifecyclePolicies": call(None, {"unreadable": 3}),
        "ec2:DescribeVolumes": call({"Volumes": [{"State": "=in-use|=available", "Iops": "number"}]}),
        "ec2:DescribeVpcs": call({"Vpcs": [{"Tags": [], "IsDefault": "string|null"}]}, {"InvalidVpcID.NotFound": 1}),
        "rds:DeleteDBInstance": call({"DBInstance": {"DBInstanceStatus": "string"}}),
        "route53:GetChange": call(None, {"NoSuchChange": 1}),
        "sts:GetCallerIdentity": call({}),
    },
    statuses={
        "Database": {
            "creating": status(5.0, "backing-up"),
            "backing-up": status(0.7, "available"),
            "available": status(None, "deleting"),
            "deleting": status(2.0, "gone"),
        },
        "LoadBalancer": {"provisioning": status(2.7, "active"), "active": status(None, "gone"), "failed": status(None)},
    },
)


def run(folder: Path, *words: str) -> tuple[int, str]:
    for name, one in (("aws.json", AWS), ("sandbox.json", SANDBOX)):
        (folder / name).write_text(json.dumps(one))
    done = warm().run(["rehearsal", "compare", *words], folder, {"PATH": ""}, "", 60)
    return done.returncode, done.stdout + done.stderr


def test_the_differences_are_told_by_importance(tmp_path: Path) -> None:
    code, said = run(tmp_path, "aws.json", "sandbox.json")
    assert said == GOLDEN.read_text()
    assert code == 7


def test_a_recording_differs_in_nothing_from_itself(tmp_path: Path) -> None:
    code, said = run(tmp_path, "aws.json", "aws.json")
    assert (code, said.splitlines()[-1]) == (0, "No differences.")


def test_json_has_the_same(tmp_path: Path) -> None:
    code, said = run(tmp_path, "aws.json", "sandbox.json", "--json")
    assert code == 7
    assert len(json.loads(said)["differences"]) == len(compare.differences(AWS, SANDBOX))


def test_a_file_that_is_no_recording_is_a_mistake_in_the_command(tmp_path: Path) -> None:
    code, said = run(tmp_path, "aws.json", "none.json")
    assert code == 64
    assert said.startswith("Error: none.json cannot be read: No such file or directory.\n→ ")


@pytest.mark.parametrize(
    ("lasted", "differs"),
    [(290 / 60, False), (145.1 / 60, False), (144 / 60, True), (579 / 60, False), (581 / 60, True)],
)
def test_a_duration_differs_beyond_twice_on_awss_clock(lasted: float, differs: bool) -> None:
    other = copy.deepcopy(AWS) | {"clock": 60}
    for by_status in other["statuses"].values():
        for one in by_status.values():
            if "lasted" in one:
                one["lasted"] /= 60
    assert compare.differences(AWS, other) == []
    other["statuses"]["Database"]["creating"]["lasted"] = lasted
    assert [one.matter for one in compare.differences(AWS, other)] == [Matter.DURATION] * differs


def test_what_takes_seconds_only_is_not_told_apart() -> None:
    one, other = copy.deepcopy(AWS), copy.deepcopy(AWS)
    for each, lasted in ((one, 1.0), (other, 15.0)):
        each["statuses"]["Database"]["backing-up"]["lasted"] = lasted
    assert compare.differences(one, other) == []
