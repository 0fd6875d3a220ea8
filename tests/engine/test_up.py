"""Up: everything is created once, in order, changed and waited for; a failure stops only what depends on it."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from awsdeploy.engine import changes
from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import UNKNOWN, Observed, Wait
from awsdeploy.engine.run import Run
from awsdeploy.engine.summary import RunFailed
from awsdeploy.errors import (
    AwsFailure,
    CredentialsMissing,
    TimedOut,
)

from .cloud import (
    EVERYTHING,
    Alarm,
    Certificate,
    Disk,
    Network,
    SampleStack,
    Server,
    Subnet,
    actions,
)


def test_up_makes_everything_once_and_then_finds_nothing_to_do(sample: SampleStack) -> None:
    assert sample.plan().new
    sample.up()
    assert sample.things() == EVERYTHING
    assert len(sample.writes("CreateThing")) == len(EVERYTHING)
    plan = sample.plan()
    assert plan.quiet
    assert not plan.new


def test_a_run_with_nothing_to_do_writes_nothing_to_aws(sample: SampleStack) -> None:
    sample.up()
    sample.up()
    assert sample.cloud.writes == []


def test_a_plan_writes_neither_to_aws_nor_to_disk(sample: SampleStack) -> None:
    sample.plan()
    assert sample.cloud.writes == []
    assert not sample.path.exists()


def test_what_does_not_exist_yet_is_unknown_in_a_plan_and_equal_to_nothing(sample: SampleStack) -> None:
    sample.up()
    plan = sample.plan(sample.declare(certificate_key="sample/another"))
    server = next(item for item in plan.items.values() if isinstance(item.resource, Server))
    assert [(change.field, change.new) for change in server.changes] != []
    assert str(server.changes[0].new) == "known after creation"
    assert UNKNOWN != UNKNOWN  # the point
    assert UNKNOWN["anything"].whatever.get("x") is UNKNOWN


def test_the_plan_is_shown_in_the_documented_order_and_by_step(sample: SampleStack) -> None:
    plan = sample.plan()
    assert [item.step for item in plan.items.values()] == ["Network"] * 3 + ["Services"] * 4
    assert [item.resource.key for item in plan.items.values()][:2] == ["sample/network", "sample/subnet"]


def test_the_intention_is_on_disk_before_the_call(sample: SampleStack) -> None:
    seen: list[tuple[str, str]] = []
    create = sample.cloud.create_thing

    def look_at_disk(**parameters: Any) -> dict[str, Any]:
        key = next(tag["Value"] for tag in parameters["Tags"] if tag["Key"] == "awsdeploy:resource")
        entry = json.loads(sample.path.read_text())["entries"][key]
        seen.append((entry["phase"], entry["id"]))
        return create(**parameters)

    sample.cloud.create_thing = look_at_disk  # type: ignore[method-assign,assignment]
    sample.up()
    assert seen == [("creating", "")] * len(EVERYTHING)


def test_the_record_and_the_lock_are_written_before_anything_is_made(sample: SampleStack) -> None:
    sample.up()
    assert sample.cloud.writes[:2] == ["PutParameter", "PutParameter"]
    assert list(sample.cloud.parameters) == ["/deploy/shop/prod/stack"]


def test_only_a_stack_that_this_run_has_declared_is_not_compared_again(
    sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[Run]()
    look = Run.look_everywhere

    def counted(run: Run, *more: Callable[[], object]) -> list[Observed]:
        looks.append(run)
        return look(run, *more)

    monkeypatch.setattr(Run, "look_everywhere", counted)
    sample.up()
    assert len(looks) == 1, "the plan's own"
    sample.up(sample.declare(server_size="3"))
    assert len(looks) == 3, "the plan's, and again under the lock"


def test_the_state_keeps_ids_and_edges(sample: SampleStack) -> None:
    sample.up()
    document = json.loads(sample.path.read_text())
    server = document["entries"]["sample/server"]
    assert server["phase"] == "ready"
    assert server["id"] == sample.cloud.of(Server)[0].id
    assert server["needs"] == ["sample/subnet", "sample/certificate"]
    assert server["declaration"]["size"] == "2"


def test_a_resource_starts_when_its_own_edges_are_ready_not_when_a_step_is_over(sample: SampleStack) -> None:
    sample.cloud.pending["Subnet"] = ["available"] * 3
    sample.cloud.fails("CreateThing", kind="Subnet")
    with pytest.raises(AwsFailure, match="sample/subnet"):
        sample.up()
    assert "sample/disk" in sample.told("ready")  # of the second step, while the first has failed


def test_a_failure_stops_only_what_depends_on_it(sample: SampleStack) -> None:
    sample.cloud.fails("CreateThing", kind="Certificate", text="no more certificates")
    with pytest.raises(AwsFailure, match="no more certificates"):
        sample.up()
    assert sorted(sample.told("skipped")) == ["sample/alarm", "sample/health", "sample/server"]
    assert sample.things() == ["sample/disk", "sample/network", "sample/subnet"]
    sample.up()
    assert sample.things() == EVERYTHING


def test_several_failures_are_told_together_each_cause_once(sample: SampleStack) -> None:
    sample.cloud.fails("CreateThing", kind="Certificate", text="no more certificates")
    sample.cloud.fails("CreateThing", kind="Subnet", code="AccessDenied", text="not for you")
    with pytest.raises(RunFailed) as failed:
        sample.up()
    assert failed.value.message.count("no more certificates") == 1
    assert failed.value.message.count("not for you") == 1
    assert "server" not in failed.value.message
    assert failed.value.exit_code == 3


def test_one_cause_that_hits_many_is_told_once(sample: SampleStack) -> None:
    sample.up(sample.declare(without=["sample/server", "sample/health", "sample/alarm"]))
    sample.cloud.things.pop(sample.cloud.of(Subnet)[0].id)
    sample.cloud.things.pop(sample.cloud.of(Disk)[0].id)
    sample.cloud.fails("CreateThing", code="ExpiredToken", text="expired", times=99)
    with pytest.raises(CredentialsMissing) as failed:
        sample.up()
    assert failed.value.message.count("expired") == 1
    assert "sample/subnet" in failed.value.message
    assert "sample/disk" in failed.value.message
    assert failed.value.exit_code == 3


def test_drift_is_mended_by_the_change_that_the_plan_showed(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.of(Server)[0].settings["size"] = "17"
    plan = sample.plan()
    server = next(item for item in plan.items.values() if item.resource.key == "sample/server")
    assert [(change.field, change.old, change.new) for change in server.changes] == [("size", "17", "2")]
    sample.up()
    assert sample.cloud.of(Server)[0].settings["size"] == "2"
    assert sample.writes() == ["ModifyThing Server"]
    assert sample.plan().quiet


def test_what_was_deleted_behind_our_back_is_made_again(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.things.pop(sample.cloud.of(Alarm)[0].id)
    assert actions(sample.plan())["sample/alarm"] == "create"
    sample.up()
    assert sample.writes() == ["CreateThing Alarm"]
    assert sample.plan().quiet


def test_a_change_that_aws_never_shows_is_sent_again_with_pauses_and_then_an_error(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.stubborn.add("Server")
    sample.settle = 0.05
    begun = time.monotonic()
    with pytest.raises(AwsFailure, match=r"sample/server: AWS still shows the old values.*size is 2, not 3") as failed:
        sample.up(sample.declare(server_size="3"))
    assert sample.writes() == ["ModifyThing Server"] * changes.LIMIT
    assert time.monotonic() - begun >= changes.LIMIT * sample.settle
    assert "CloudTrail" in failed.value.hint


def test_a_change_whose_answer_is_lost_is_looked_at_again(sample: SampleStack) -> None:
    sample.up()
    sample.settle = 0.05
    for how in ("lose before", "lose after"):
        sample.cloud.fails("ModifyThing", how=how)
        sample.up(sample.declare(server_size=how))
        assert sample.cloud.of(Server)[0].settings["size"] == how
    assert sample.plan(sample.declare(server_size="lose after")).quiet


def test_a_refusal_that_passes_is_waited_out(sample: SampleStack) -> None:
    sample.cloud.fails("CreateThing", kind="Server", code="StillPropagating", times=3)
    sample.up()
    assert sample.things() == EVERYTHING


def test_an_object_is_waited_for_while_it_is_pending_in_any_words(sample: SampleStack) -> None:
    sample.cloud.pending["Server"] = ["creating", "painting", "creating", "available"]
    sample.up()
    statuses = [event.status for event in sample.events if event.key == "sample/server" and event.phase == "waiting"]
    assert statuses == ["creating", "painting", "creating"]


def test_a_wait_that_is_too_long_says_that_aws_goes_on(sample: SampleStack) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class SlowServer(Server):
        wait = Wait(pending={"creating"}, deadline=0.05)

    sample.cloud.pending["SlowServer"] = ["creating"] * 10_000
    network = Network(key="network")
    rest = Subnet(key="subnet", network=network), Certificate(key="certificate")
    slow = SlowServer(key="slow-server", subnet=rest[0], certificate=rest[1])
    with pytest.raises(TimedOut, match="still creating") as late:
        sample.up([Step("All", (network, *rest, slow))])
    assert late.value.exit_code == 9


def test_a_failed_object_is_reported_in_aws_own_words_and_made_anew_by_the_next_up(sample: SampleStack) -> None:
    sample.cloud.failed["Server"] = "no capacity"
    with pytest.raises(AwsFailure, match="failed: no capacity"):
        sample.up()
    ruin = sample.cloud.of(Server)[0].id
    assert actions(sample.plan())["sample/server"] == "replace"
    sample.up()
    assert [server.id for server in sample.cloud.of(Server)] != [ruin]
    assert sample.things() == EVERYTHING
    assert sample.plan().quiet


def test_a_failed_object_that_may_hold_data_is_never_removed(sample: SampleStack) -> None:
    sample.cloud.failed["Disk"] = "disk error"
    with pytest.raises(AwsFailure, match="disk error"):
        sample.up()
    with pytest.raises(AwsFailure, match="disk error") as failed:
        sample.up()
    assert "may contain data" in failed.value.hint
    assert len(sample.cloud.of(Disk)) == 1


def test_an_object_on_its_way_out_is_waited_for_and_made_anew(sample: SampleStack) -> None:
    sample.up()
    server = sample.cloud.of(Server)[0]
    server.status, server.coming = "deleting", ["deleting", "deleting", "deleting", "gone"]
    sample.up()
    assert [one.id for one in sample.cloud.of(Server)] != [server.id]
    assert sample.plan().quiet


def test_of_an_object_on_its_way_out_and_its_successor_the_successor_is_used(sample: SampleStack) -> None:
    sample.up()
    old = sample.cloud.of(Server)[0]
    old.status, old.coming = "deleting", ["deleting"] * 8 + ["gone"]
    successor = sample.cloud.create_thing("Server", old.tags, dict(old.settings), "another token")["Id"]
    sample.cloud.of(Alarm)[0].settings["server"] = successor
    plan = sample.up()
    assert plan.quiet
    assert plan.lost_data == []
    assert sample.writes() == []
