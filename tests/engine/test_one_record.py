"""The state file is a cache, one writer holds a stack, and a kind is all it takes."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine import plan as planning
from awsdeploy.engine import up
from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import (
    KINDS,
    Aws,
    Change,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.errors import (
    AwsdeployError,
    AwsFailure,
    StateLocked,
    WrongAccount,
)
from awsdeploy.state.record import State, StateUnwritable
from awsdeploy.state.stack_lock import StackLock

from .cloud import (
    EVERYTHING,
    NOBODY,
    REGION,
    CloudDoor,
    Crash,
    House,
    Land,
    Lot,
    MovedIn,
    Town,
    actions,
)


@pytest.mark.parametrize("damage", [None, b"", b"{", b"\xff\x00\xfe", b'{"version": 1, "stack": "other/prod"}'])
def test_a_state_that_is_lost_or_damaged_is_rebuilt_without_a_write_to_aws(town: Town, damage: bytes | None) -> None:
    town.up()
    before = State.load(town.path, town.stack.tag).entries
    if damage is None:
        town.path.unlink()
    else:
        town.path.write_bytes(damage)
    plan = town.up()
    assert plan.quiet
    assert town.cloud.writes == []
    after = State.load(town.path, town.stack.tag)
    assert {key: (entry.id, entry.phase) for key, entry in after.entries.items()} == {
        key: (entry.id, "ready") for key, entry in before.items()
    }
    assert after.account == town.cloud.account


def test_another_account_is_refused_before_anything_is_made(town: Town) -> None:
    town.up()
    town.cloud.account = "999900001111"
    for command in (town.up, town.plan, town.destroy):
        with pytest.raises(WrongAccount, match="111122223333"):
            command()
    assert town.things() == EVERYTHING


def test_another_account_is_refused_by_the_record_where_there_is_no_state(town: Town) -> None:
    town.up()
    town.path.unlink()
    town.cloud.account = "999900001111"
    with pytest.raises(WrongAccount, match="111122223333"):
        town.up()


def test_the_wrong_account_is_named_although_its_reads_are_forbidden_too(town: Town) -> None:
    town.up()
    town.cloud.account = "999900001111"
    town.cloud.fails("DescribeThings", code="AccessDenied", times=99)
    with pytest.raises(WrongAccount):
        town.plan()


def test_a_failed_write_of_the_state_stops_the_whole_run(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from awsdeploy.state import record

    town.cloud.pending["Lot"] = ["available"]
    write, written = record.write_durably, itertools.count()

    def disk_is_full(path: Any, text: str) -> None:
        if next(written) == 2:
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(record, "write_durably", disk_is_full)
    with pytest.raises(StateUnwritable, match="No space left"):
        town.up()
    assert len(town.cloud.things) <= 3
    assert town.things() != EVERYTHING
    town.up()
    assert town.things() == EVERYTHING


def test_a_run_that_would_write_is_refused_while_another_holds_the_stack(town: Town) -> None:
    town.up()
    stack_lock = StackLock(CloudDoor(town.cloud), town.stack, REGION)
    stack_lock.acquire("up")
    town.up()  # nothing to write, so no lock is needed
    with pytest.raises(StateLocked, match="`up` by"):
        town.up(town.declare(lot_label="fancy"))
    with pytest.raises(StateLocked):
        town.destroy()
    stack_lock.release()
    town.up(town.declare(lot_label="fancy"))


def test_who_may_not_give_the_lock_back_is_told_so_but_only_of_a_run_that_went_well(town: Town) -> None:
    town.cloud.fails("DeleteParameter", text="no", code="AccessDeniedException")
    with pytest.raises(AwsRefusal) as refused:
        town.up()
    assert (refused.value.exit_code, refused.value.action) == (3, "ssm:DeleteParameter")
    assert town.things() == EVERYTHING

    del town.cloud.parameters["/deploy/shop/prod/lock"]  # gone stale
    town.cloud.fails("DeleteParameter", text="no", code="AccessDeniedException")
    town.cloud.fails("ModifyThing", text="broken")
    with pytest.raises(AwsFailure, match="broken"):
        town.up(town.declare(lot_label="fancy"))


def test_a_change_found_after_a_wait_is_made_under_the_lock(town: Town) -> None:
    town.up()
    house = town.cloud.of(House)[0]
    house.coming, house.settings["floors"] = ["building", "building", "available"], "9"
    house.status = "building"
    plan = town.up()
    assert actions(plan)["town/house"] == "wait"
    assert town.cloud.writes[0] == "PutParameter"
    assert town.cloud.of(House)[0].settings["floors"] == "2"


def test_stopping_leaves_what_is_begun_recorded_and_the_lock_free(town: Town) -> None:
    from awsdeploy.errors import Interrupted

    run = town.run()
    plan = planning.make(run, town.declare())
    stopped = Interrupted("Stopped on request.")
    create = town.cloud.create_thing

    def then_stop(**parameters: Any) -> dict[str, Any]:
        run.stop.abort(stopped)
        return create(**parameters)

    town.cloud.create_thing = then_stop  # type: ignore[method-assign,assignment]
    with pytest.raises(Interrupted):
        up.apply(run, plan)
    town.cloud.create_thing = create  # type: ignore[method-assign]
    assert len(town.cloud.things) <= 2  # those that had begun: nothing new after them
    entries = State.load(town.path, town.stack.tag).entries
    assert {entry.id for entry in entries.values() if entry.phase != "creating"} == set(town.cloud.things)
    assert list(town.cloud.parameters) == ["/deploy/shop/prod/stack"]
    town.up()
    assert town.things() == EVERYTHING


def test_a_kind_defined_here_goes_through_up_status_kill_and_destroy(town: Town) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Garden(Resource):
        """The smallest kind there can be: nothing else had to change for it."""

        land: Land
        idempotency = Idempotency.TOKEN
        arns = (":garden/",)

        @classmethod
        def scan(cls, aws: Aws) -> Iterable[Observed]:
            for thing in aws.client("cloud").describe_things(Kind="Garden")["Things"]:
                yield from aws.found(cls, thing["Id"], thing["Tags"], thing)

        def create(self, aws: Aws) -> str:
            made = aws.client("cloud").create_thing(
                Kind="Garden", Tags=aws.tags(self), Settings={"on": aws[self.land].id}, Token=aws.token
            )
            return str(made["Id"])

        def diff(self, aws: Aws, live: Observed) -> Iterator[Change]:
            yield from ()

        @classmethod
        def delete(cls, aws: Aws, live: Observed, options: DestroyOptions) -> None:
            with tolerate("InvalidThing.NotFound"):
                aws.client("cloud").delete_thing(Id=live.id)

    assert KINDS["Garden"] is Garden
    assert Garden.noun() == "garden"
    land = Land(key="land")
    steps = [Step("Green", (land, Garden(key="garden", land=land)))]
    assert actions(town.plan(steps)) == {"land": "create", "garden": "create"}
    town.cloud.fails("CreateThing", kind="Garden", how="die")
    with pytest.raises(Crash):
        town.up(steps)
    town.cloud.outlive()
    town.up(steps)
    assert town.things() == ["garden", "land"]
    assert town.plan(steps).quiet
    town.destroy()
    assert town.cloud.things == {}
    assert town.writes("DeleteThing") == ["DeleteThing Garden", "DeleteThing Land"]


def test_two_resources_that_are_alike_are_two(town: Town) -> None:
    land = Land(key="land")
    steps = [Step("All", (land, Lot(key="a", land=land), Lot(key="b", land=land)))]
    town.up(steps)
    assert len(town.cloud.of(Lot)) == 2
    assert town.plan(steps).quiet


def test_a_resource_in_a_tuple_or_a_nested_value_is_an_edge() -> None:
    @dataclass(frozen=True)
    class Path:
        to: Land

    land, other, third = Land(key="a"), Land(key="b"), Land(key="c")
    abstract: Any = type(
        "Park", (Resource,), {"abstract": True, "__annotations__": {"paths": tuple[Path, ...], "rest": Any}}
    )
    park = dataclass(frozen=True, eq=False, kw_only=True)(abstract)(
        key="park", paths=(Path(land),), rest={"x": [other, land]}, after=(third,)
    )
    assert park.edges() == [third, land, other]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda land: (land, Land(key=land.key)), "share a key"),
        (lambda land: (Lot(key="lot", land=land),), "which no step declares"),
    ],
)
def test_a_mistake_in_the_blueprint_is_told_before_anything_is_looked_at(
    town: Town, wrong: Callable[[Land], Sequence[Resource]], said: str
) -> None:
    with pytest.raises(AwsdeployError, match=said):
        town.plan([Step("All", tuple(wrong(Land(key="land"))))])


def test_the_dead_of_the_tests_are_no_process_of_this_machine() -> None:
    import os

    with pytest.raises(ProcessLookupError):
        os.kill(NOBODY, 0)
    assert MovedIn.__name__ not in KINDS
