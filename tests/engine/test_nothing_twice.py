"""Crashes, lost answers and slow lists: nothing is made twice and nothing stays behind."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

import contextlib
import itertools
import json
from collections.abc import Callable

import pytest

from awsdeploy.engine import plan as planning
from awsdeploy.engine import up
from awsdeploy.errors import (
    AwsFailure,
    NoSuchStack,
    Refused,
)
from awsdeploy.state.record import State

from .cloud import (
    EVERYTHING,
    Crash,
    House,
    Lot,
    Town,
)


@pytest.mark.parametrize("how", ["lose before", "lose after"])
@pytest.mark.parametrize("kind", ["Land", "Lot", "Charter", "House", "Library"])
def test_a_lost_answer_to_a_create_makes_no_twin(town: Town, kind: str, how: str) -> None:
    town.cloud.lag = 0.03
    town.cloud.fails("CreateThing", kind=kind, how=how)
    town.up()
    assert town.things() == EVERYTHING
    assert town.plan().quiet


@pytest.mark.slow
@pytest.mark.parametrize("lag", [0.0, 0.03])
def test_a_crash_at_any_write_of_up_is_healed_by_the_same_command(
    town: Town, lag: float, fresh: Callable[[], Town]
) -> None:
    for at in itertools.count(1):
        town = fresh()
        town.cloud.lag = lag
        town.cloud.dies(at)
        try:
            town.up()
        except Crash:
            town.cloud.outlive()
        else:
            assert at > 30
            return
        town.up()
        assert town.things() == EVERYTHING, f"after dying at moment {at}"
        assert town.plan().quiet


@pytest.mark.slow
def test_a_crash_at_any_write_of_up_is_emptied_by_destroy(town: Town, fresh: Callable[[], Town]) -> None:
    for at in itertools.count(1):
        town = fresh()
        town.cloud.lag = 0.03
        town.cloud.dies(at)
        try:
            town.up()
        except Crash:
            town.cloud.outlive()
        else:
            assert at > 30
            return
        with contextlib.suppress(NoSuchStack):
            town.destroy()
        assert town.cloud.things == {}, f"after dying at moment {at}"
        assert town.cloud.parameters == {}
        assert not town.path.exists()


def test_a_crash_at_any_write_of_destroy_is_finished_by_the_same_command(town: Town, fresh: Callable[[], Town]) -> None:
    for at in itertools.count(1):
        town = fresh()
        town.up()
        town.cloud.pending["House"] = ["available"]
        town.cloud.dies(at)
        try:
            town.destroy()
        except Crash:
            town.cloud.outlive()
        else:
            assert at > 15
            return
        with contextlib.suppress(NoSuchStack):
            town.destroy()
        assert town.cloud.things == {}, f"after dying at moment {at}"
        assert town.cloud.parameters == {}
        assert not town.path.exists()


def test_after_a_crash_on_another_machine_the_blind_are_looked_for_although_we_have_no_record(town: Town) -> None:
    for at in itertools.count(1):
        one = Town(town.folder / str(at) / "one")
        one.cloud.lag = 0.03
        one.cloud.dies(at)
        try:
            one.up()
        except Crash:
            one.cloud.outlive()
        else:
            return
        other = Town(town.folder / str(at) / "other", one.cloud)
        if (lock := one.cloud.parameters.get("/deploy/shop/prod/lock")) is not None:
            # Nothing was renewed for a while: what the record cannot tell, the clock does.
            lock[-1] = json.dumps(json.loads(lock[-1]) | {"renewed": "2020-01-01T00:00:00+00:00"})
            for thing in one.cloud.things.values():
                thing.listed_from = 0.0
        other.up()
        assert other.things() == EVERYTHING, f"after dying at moment {at}"


def test_a_crash_just_now_without_a_record_is_looked_for_until_it_would_show(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("awsdeploy.engine.up.RENEW_EVERY", 0.0)
    # Not the lamp, which no crash leaves behind: it would be looked for until the end.
    steps = town.declare(without=["town/lamp"])
    for key in ("Lot", "Library", "House"):  # the token of the others went with the record
        town = Town(town.folder / key)
        town.cloud.lag = 0.1
        town.settle = 3.0  # counted from the lock on: what comes before the crash is part of it
        town.cloud.fails("CreateThing", kind=key, how="die")
        with pytest.raises(Crash):
            town.up(steps)
        town.cloud.outlive()
        town.path.unlink()
        town.up(steps)
        assert town.things() == [key for key in EVERYTHING if key != "town/lamp"]


def test_an_object_whose_id_is_known_but_which_aws_does_not_list_yet_is_not_made_again(town: Town) -> None:
    town.up()
    for key, kind in (("town/lot", Lot), ("town/house", House)):
        state = State.load(town.path, town.stack.tag)
        state.mark(key, "created")
        town.cloud.hide(town.cloud.of(kind)[0], 0.1)
        town.up()
        assert town.things() == EVERYTHING


def test_a_create_that_was_refused_leaves_nothing_to_look_for(town: Town) -> None:
    town.settle = 3600
    town.cloud.fails("CreateThing", kind="Lot", text="limit reached")
    with pytest.raises(AwsFailure, match="limit reached"):
        town.up()
    town.up()  # would look for an hour
    assert town.things() == EVERYTHING


def test_a_token_used_up_by_other_values_gives_way_to_a_new_one(town: Town) -> None:
    town.settle = 0.01
    town.cloud.fails("CreateThing", kind="House", how="die")
    with pytest.raises(Crash):
        town.up()
    town.cloud.outlive()
    thing = town.cloud.of(House)[0]
    thing.tags = []  # it is not ours any more, and still holds the token
    thing.settings = {"other": "values"}
    town.up()
    assert town.things() == sorted([*EVERYTHING, ""])


def test_a_second_machine_that_planned_before_the_first_one_built_makes_no_twins(town: Town) -> None:
    slow = Town(town.folder / "slow", town.cloud)
    run = slow.run()
    plan = planning.make(run, slow.declare())
    town.up()
    up.apply(run, plan)
    assert town.things() == EVERYTHING


def test_a_plan_that_would_now_take_away_more_than_was_agreed_to_is_refused(town: Town) -> None:
    town.up(town.declare(without=["town/library"]))
    slow = Town(town.folder / "slow", town.cloud)
    run = slow.run()
    plan = planning.make(run, slow.declare(without=["town/library"], house_style="timber"))
    town.up()
    with pytest.raises(Refused, match="has changed since this plan was made"):
        up.apply(run, plan)
    assert town.things() == EVERYTHING
