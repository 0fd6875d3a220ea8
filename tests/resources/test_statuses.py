"""Statuses of AWS: every kind has an answer for every status, and none loses data by one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from awsdeploy.engine.resource import KINDS, DestroyOptions, Gate, Observed, Resource
from awsdeploy.errors import AwsFailure
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.database.statuses import STATUSES
from awsdeploy.sandbox.aws.database import statuses as rds

ENUMS = {
    "Certificate": ("acm", "CertificateStatus"),
    "CertificateIssued": ("acm", "CertificateStatus"),
    "EbsSnapshot": ("ec2", "SnapshotState"),
    "Image": ("ec2", "ImageState"),
    "Instance": ("ec2", "InstanceStateName"),
    "LifecyclePolicy": ("dlm", "GettablePolicyStateValues"),
    "LoadBalancer": ("elbv2", "LoadBalancerStateEnum"),
    "Member": ("ec2", "InstanceStateName"),
    "NatGateway": ("ec2", "NatGatewayState"),
    "Record": ("route53", "ChangeStatus"),
    "Subnet": ("ec2", "SubnetState"),
    "TargetsHealthy": ("elbv2", "TargetHealthStateEnum"),
    "Volume": ("ec2", "VolumeState"),
    "Vpc": ("ec2", "VpcState"),
}
"""Kinds whose statuses botocore lists."""
WORDS_ALONE = {
    "AutoScalingGroup": "AWS has one status, of a group that is being deleted",
    "Bootstrapped": "what machines say in their tags",
    "Database": "AWS lists them on a page alone: see below",
    "ManualDns": "ours",
    "IdentityProvider": "ours",
    "MembersInService": "ours",
    "Snapshot": "AWS lists them nowhere",
    "SubnetGroup": "AWS has one, Complete",
}


def kinds() -> dict[str, type[Resource]]:
    return {name: kind for name, kind in KINDS.items() if "awsdeploy" in kind.__module__}


def every_kind() -> dict[str, type[Resource]]:
    """Gates included, which are no kinds of AWS's."""
    found = kinds()
    todo: list[type[Resource]] = [Gate]
    while todo:
        for kind in todo.pop().__subclasses__():
            todo.append(kind)
            if kind.__module__.startswith("awsdeploy."):
                found[kind.__name__] = kind
    return found


def named(kind: type[Resource]) -> set[str]:
    wait = kind.wait
    return {*wait.pending, *wait.ready, *wait.failed, *wait.leaving, *wait.statuses}


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_every_status_that_aws_knows_has_an_answer(name: str) -> None:
    service, shape = ENUMS[name]
    listed = set(botocore.session.get_session().get_service_model(service).shape_for(shape).enum)
    assert listed - named(every_kind()[name]) == set()


def test_every_kind_that_has_statuses_is_in_a_table_here() -> None:
    with_statuses = {name for name, kind in every_kind().items() if named(kind) != {"available"}}
    assert with_statuses == set(ENUMS) | set(WORDS_ALONE)


def test_no_kind_with_data_is_replaced_because_of_a_status() -> None:
    for name, kind in kinds().items():
        assert not (kind.data and [status for status in named(kind) if kind.wait.of(status).replace]), name
        for status in named(kind):
            state = kind.wait.of(status)
            assert bool(state.meaning) == bool(state.remedy), (name, status)
            assert not (state.remedy and state.usable), (name, status)


def test_every_status_of_rds_has_an_answer() -> None:
    assert set(STATUSES) == rds.STATUSES
    assert len(STATUSES) >= 34
    assert {status for status in STATUSES if database(status).without_snapshot} == rds.NEVER_A_SNAPSHOT


def database(status: str, protected: bool = False) -> Observed:
    return Observed(
        Database,
        "database/mysql",
        "main",
        status=status,
        raw={"DeletionProtection": protected, "AllocatedStorage": 20},
        region="r",
    )


def asked(status: str, options: DestroyOptions, protected: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """The calls that one step of a delete makes."""
    observed, calls = database(status, protected), list[tuple[str, dict[str, Any]]]()

    class Rds:
        def __getattr__(self, method: str) -> Any:
            return lambda **parameters: calls.append((method, parameters))

    one = Rds()
    aws: Any = SimpleNamespace(
        rds=one, region="r", context=SimpleNamespace(client=lambda *_: one), latest=lambda _: [observed]
    )
    Database.delete(aws, observed, options)
    return calls


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_no_delete_skips_the_final_snapshot_that_was_announced(status: str) -> None:
    if status in rds.NEVER_A_SNAPSHOT:
        with pytest.raises(AwsFailure, match="no final snapshot") as failed:
            asked(status, DestroyOptions(snapshot="now"))
        assert "--delete-data" in failed.value.hint
        return
    calls = asked(status, DestroyOptions(snapshot="now"))
    skipped = [parameters for _, parameters in calls if parameters.get("SkipFinalSnapshot")]
    assert bool(skipped) == (status == "creating")  # nobody has used it yet
    assert bool(calls) == (status != "deleting")


LOCKED = {status for status, one in STATUSES.items() if one.remedy and (one.limited or not one.modifiable)}


@pytest.mark.parametrize("status", sorted(LOCKED))
def test_protection_that_cannot_be_turned_off_is_a_failure_and_not_a_wait(status: str) -> None:
    with pytest.raises(AwsFailure, match="deletion protection") as failed:
        asked(status, DestroyOptions(data=True), protected=True)
    assert "aws rds modify-db-instance" in failed.value.hint


@pytest.mark.parametrize("status", sorted(STATUSES.keys() - LOCKED))
def test_protection_is_lifted_before_anything_is_deleted(status: str) -> None:
    calls = asked(status, DestroyOptions(data=True), protected=True)
    first = {"deleting": [], "stopped": ["start_db_instance"]}.get(status, ["modify_db_instance"])
    assert [method for method, _ in calls] == first
    without = asked(status, DestroyOptions(data=True))
    assert [parameters.get("SkipFinalSnapshot") for _, parameters in without] == [True] * (status != "deleting")


def test_a_protected_auto_scaling_group_is_let_go() -> None:
    calls: list[dict[str, Any]] = []
    client = SimpleNamespace(update_auto_scaling_group=lambda **parameters: calls.append(parameters))
    aws: Any = SimpleNamespace(client=lambda _: client)
    raw = {"MaxSize": 0, "DesiredCapacity": 0, "DeletionProtection": "prevent-all-deletion"}
    AutoScalingGroup.delete(aws, Observed(AutoScalingGroup, "machines/jobs", "jobs", raw=raw), DestroyOptions())
    assert [one["DeletionProtection"] for one in calls] == ["none"]
