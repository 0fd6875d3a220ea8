"""The mechanisms behind the guarantees of docs/safety.md: with any of them removed, the test that proves it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from awsdeploy.engine import teardown, up
from awsdeploy.engine.changes import SentChanges
from awsdeploy.engine.up import Builder
from awsdeploy.errors import AwsdeployError
from awsdeploy.state.record import State
from awsdeploy.state.stack_lock import StackLock

from . import test_destroy, test_late_reads, test_nothing_twice, test_one_record
from .cloud import Crash, SampleStack, only_these_kinds

Samples = Callable[[], SampleStack]


class Mechanism(NamedTuple):
    """`place` on `owner`, what stands there once it is removed, and the test that needs it."""

    owner: Any
    place: str
    removed: Any
    proof: Callable[[SampleStack, Samples], None]


def healed_with_slow_lists(sample: SampleStack, new_sample: Samples) -> None:
    """The lists are late for so long that also a slow computer asks again before they show what was made."""

    def patient() -> SampleStack:
        made = new_sample()
        made.settle = 1.0
        return made

    test_nothing_twice.test_a_crash_at_any_write_of_up_is_healed_by_the_same_command(sample, 0.2, patient)


def changed_once(sample: SampleStack, _: Samples) -> None:
    sample.up()
    sample.cloud.history.clear()
    sample.cloud.late, sample.settle = 0.1, 1.0
    test_late_reads.test_a_change_that_is_shown_late_or_in_turn_with_the_old_value_is_sent_once(sample, False)


def alone(proof: Callable[[SampleStack], None]) -> Callable[[SampleStack, Samples], None]:
    return lambda sample, _: proof(sample)


MECHANISMS = {
    "the intention is on disk before the call": Mechanism(
        State, "creating", lambda _self, _key, entry: entry, healed_with_slow_lists
    ),
    "the client token of a crashed create is used again": Mechanism(
        Builder, "_unsettled", lambda *_: False, healed_with_slow_lists
    ),
    "what has no token is looked for after a crash": Mechanism(
        Builder, "_look_for_lost", lambda *_: None, healed_with_slow_lists
    ),
    "what has no token is looked for after a lost answer": Mechanism(
        Builder,
        "_look",
        lambda *_: None,
        alone(
            lambda sample: test_nothing_twice.test_a_lost_answer_to_a_create_makes_no_twin(
                sample, "Network", "lose after"
            )
        ),
    ),
    "the plan is compared again under the lock": Mechanism(
        up,
        "_still_agreed",
        lambda _run, plan: plan,
        alone(test_nothing_twice.test_a_second_machine_that_planned_before_the_first_one_built_makes_no_twins),
    ),
    "the record of the stack is in AWS before anything else": Mechanism(
        StackLock,
        "write_record",
        lambda _self: None,
        test_nothing_twice.test_a_crash_at_any_write_of_up_is_emptied_by_destroy,
    ),
    "destroy waits for what an interrupted run created": Mechanism(
        teardown,
        "_latecomers",
        lambda *_: [],
        test_nothing_twice.test_a_crash_at_any_write_of_up_is_emptied_by_destroy,
    ),
    "destroy looks again, at AWS's own index of tags too": Mechanism(
        teardown, "sweep", lambda *_: [], alone(test_destroy.test_the_sweep_finds_what_no_kind_of_ours_knows)
    ),
    "what uses an object goes before it": Mechanism(
        teardown,
        "_users",
        lambda kinds: {kind: set() for kind in kinds},
        alone(test_destroy.test_destroy_deletes_users_before_what_they_use_also_through_gates),
    ),
    "one writer holds the lock": Mechanism(
        StackLock,
        "_won",
        lambda *_: True,
        alone(test_one_record.test_a_run_that_would_write_is_refused_while_another_holds_the_stack),
    ),
    "the account is compared with that of this computer's record": Mechanism(
        State,
        "pin",
        lambda *_: None,
        alone(test_one_record.test_another_account_is_refused_before_anything_is_made),
    ),
    "the account is compared with that of the record in AWS": Mechanism(
        StackLock,
        "record",
        lambda self: self._read("stack"),
        alone(test_one_record.test_another_account_is_refused_by_the_record_where_there_is_no_state),
    ),
    "a change that was sent is looked for before it is sent again": Mechanism(
        SentChanges, "record", lambda *_: None, changed_once
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MECHANISMS)
def test_a_guarantee_needs_its_mechanism(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mechanism, made = MECHANISMS[name], list[SampleStack]()

    def new_sample() -> SampleStack:
        made.append(SampleStack(tmp_path / str(len(made))))
        return made[-1]

    assert hasattr(mechanism.owner, mechanism.place)
    monkeypatch.setattr(mechanism.owner, mechanism.place, mechanism.removed)
    with only_these_kinds(), pytest.raises((AssertionError, AwsdeployError, Crash, KeyError, pytest.fail.Exception)):
        mechanism.proof(new_sample(), new_sample)
