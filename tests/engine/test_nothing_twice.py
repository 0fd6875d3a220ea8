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
from tests.sampling import sampled

from .cloud import (
    EVERYTHING,
    Crash,
    SampleStack,
    Server,
    Subnet,
)


@pytest.mark.parametrize("how", ["lose before", "lose after"])
@pytest.mark.parametrize("kind", ["Network", "Subnet", "Certificate", "Server", "Disk"])
def test_a_lost_answer_to_a_create_makes_no_twin(sample: SampleStack, kind: str, how: str) -> None:
    sample.cloud.lag = 0.03
    sample.cloud.fails("CreateThing", kind=kind, how=how)
    sample.up()
    assert sample.things() == EVERYTHING
    assert sample.plan().quiet


@pytest.mark.slow
@pytest.mark.parametrize("lag", sampled([0.03, 0.0]))
def test_a_crash_at_any_write_of_up_is_healed_by_the_same_command(
    sample: SampleStack, lag: float, new_sample: Callable[[], SampleStack]
) -> None:
    for at in itertools.count(1):
        sample = new_sample()
        sample.cloud.lag = lag
        sample.cloud.dies(at)
        try:
            sample.up()
        except Crash:
            sample.cloud.outlive()
        else:
            assert at > 30
            return
        sample.up()
        assert sample.things() == EVERYTHING, f"after dying at moment {at}"
        assert sample.plan().quiet


@pytest.mark.slow
def test_a_crash_at_any_write_of_up_is_emptied_by_destroy(
    sample: SampleStack, new_sample: Callable[[], SampleStack]
) -> None:
    for at in itertools.count(1):
        sample = new_sample()
        sample.cloud.lag = 0.03
        sample.cloud.dies(at)
        try:
            sample.up()
        except Crash:
            sample.cloud.outlive()
        else:
            assert at > 30
            return
        with contextlib.suppress(NoSuchStack):
            sample.destroy()
        assert sample.cloud.things == {}, f"after dying at moment {at}"
        assert sample.cloud.parameters == {}
        assert not sample.path.exists()


@pytest.mark.slow
def test_a_crash_at_any_write_of_destroy_is_finished_by_the_same_command(
    sample: SampleStack, new_sample: Callable[[], SampleStack]
) -> None:
    for at in itertools.count(1):
        sample = new_sample()
        sample.up()
        sample.cloud.pending["Server"] = ["available"]
        sample.cloud.dies(at)
        try:
            sample.destroy()
        except Crash:
            sample.cloud.outlive()
        else:
            assert at > 15
            return
        with contextlib.suppress(NoSuchStack):
            sample.destroy()
        assert sample.cloud.things == {}, f"after dying at moment {at}"
        assert sample.cloud.parameters == {}
        assert not sample.path.exists()


@pytest.mark.slow
def test_after_a_crash_on_another_machine_the_blind_are_looked_for_although_we_have_no_record(
    sample: SampleStack,
) -> None:
    for at in itertools.count(1):
        one = SampleStack(sample.folder / str(at) / "one")
        one.cloud.lag = 0.03
        one.cloud.dies(at)
        try:
            one.up()
        except Crash:
            one.cloud.outlive()
        else:
            return
        other = SampleStack(sample.folder / str(at) / "other", one.cloud)
        if (lock := one.cloud.parameters.get("/deploy/shop/prod/lock")) is not None:
            # Nothing was renewed for a while: what the record cannot tell, the clock does.
            lock[-1] = json.dumps(json.loads(lock[-1]) | {"renewed": "2020-01-01T00:00:00+00:00"})
            for thing in one.cloud.things.values():
                thing.listed_from = 0.0
        other.up()
        assert other.things() == EVERYTHING, f"after dying at moment {at}"


@pytest.mark.slow
def test_a_crash_just_now_without_a_record_is_looked_for_until_it_would_show(
    sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("awsdeploy.engine.up.RENEW_EVERY", 0.0)
    # Not the alarm, which no crash leaves behind: it would be looked for until the end.
    steps = sample.declare(without=["sample/alarm"])
    for key in ("Subnet", "Disk", "Server"):  # the token of the others went with the record
        sample = SampleStack(sample.folder / key)
        sample.cloud.lag = 0.1
        sample.settle = 3.0  # counted from the lock on: what comes before the crash is part of it
        sample.cloud.fails("CreateThing", kind=key, how="die")
        with pytest.raises(Crash):
            sample.up(steps)
        sample.cloud.outlive()
        sample.path.unlink()
        sample.up(steps)
        assert sample.things() == [key for key in EVERYTHING if key != "sample/alarm"]


def test_an_object_whose_id_is_known_but_which_aws_does_not_list_yet_is_not_made_again(sample: SampleStack) -> None:
    sample.up()
    for key, kind in (("sample/subnet", Subnet), ("sample/server", Server)):
        state = State.load(sample.path, sample.stack.tag)
        state.mark(key, "created")
        sample.cloud.hide(sample.cloud.of(kind)[0], 0.1)
        sample.up()
        assert sample.things() == EVERYTHING


def test_a_create_that_was_refused_leaves_nothing_to_look_for(sample: SampleStack) -> None:
    sample.settle = 3600
    sample.cloud.fails("CreateThing", kind="Subnet", text="limit reached")
    with pytest.raises(AwsFailure, match="limit reached"):
        sample.up()
    sample.up()  # would look for an hour
    assert sample.things() == EVERYTHING


def test_a_token_used_up_by_other_values_gives_way_to_a_new_one(sample: SampleStack) -> None:
    sample.settle = 0.01
    sample.cloud.fails("CreateThing", kind="Server", how="die")
    with pytest.raises(Crash):
        sample.up()
    sample.cloud.outlive()
    thing = sample.cloud.of(Server)[0]
    thing.tags = []  # it is not ours any more, and still holds the token
    thing.settings = {"other": "values"}
    sample.up()
    assert sample.things() == sorted([*EVERYTHING, ""])


def test_a_second_machine_that_planned_before_the_first_one_built_makes_no_twins(sample: SampleStack) -> None:
    slow = SampleStack(sample.folder / "slow", sample.cloud)
    run = slow.run()
    plan = planning.make(run, slow.declare())
    sample.up()
    up.apply(run, plan)
    assert sample.things() == EVERYTHING


def test_a_plan_that_would_now_take_away_more_than_was_agreed_to_is_refused(sample: SampleStack) -> None:
    sample.up(sample.declare(without=["sample/disk"]))
    slow = SampleStack(sample.folder / "slow", sample.cloud)
    run = slow.run()
    plan = planning.make(run, slow.declare(without=["sample/disk"], server_image="ubuntu"))
    sample.up()
    with pytest.raises(Refused, match="has changed since this plan was made"):
        up.apply(run, plan)
    assert sample.things() == EVERYTHING
