"""Turns: one resource at a time, and who cannot go on lets others."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from awsdeploy.aws.waiting import Cancellation
from awsdeploy.engine.observed import OTHERS, Change
from awsdeploy.engine.turns import Turns
from awsdeploy.errors import Interrupted


def changes(turn: str = "", step: str = "") -> Sequence[Change]:
    return [Change("size", "s", "l", lambda: None, turn=turn, step=step)]


def test_a_turn_is_taken_once_and_held_until_the_end() -> None:
    turns = Turns(Cancellation())
    with turns.one() as turn:
        assert not turn.taken_for(changes())
        assert turn.taken_for(changes("web"))
        assert not turn.taken_for(changes("web"))
        assert not turn.taken_for([])
        assert turn.held == "web"
        assert turns.locks["web"].locked()
    assert not turns.locks["web"].locked()


def test_another_waits_until_the_turn_is_given_back() -> None:
    turns, order = Turns(Cancellation()), list[str]()

    def second() -> None:
        with turns.one() as turn:
            turn.taken_for(changes("web"))
            order.append("second")

    with turns.one() as first:
        first.taken_for(changes("web"))
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_turns_of_different_names_do_not_wait() -> None:
    turns = Turns(Cancellation())
    with turns.one() as one, turns.one() as other:
        assert one.taken_for(changes("web"))
        assert other.taken_for(changes("api"))


def test_who_waits_for_others_gives_its_turn_back() -> None:
    turns = Turns(Cancellation())
    with turns.one() as one, turns.one() as other:
        assert one.taken_for(changes("web"))
        assert not one.taken_for(changes(step=OTHERS))
        assert other.taken_for(changes("web"))


def test_who_waits_for_a_turn_sees_a_cancellation() -> None:
    stop = Cancellation()
    turns = Turns(stop)
    with turns.one() as one, turns.one() as other:
        one.taken_for(changes("web"))
        stop.abort(Interrupted("stopped"))
        with pytest.raises(Interrupted):
            other.taken_for(changes("web"))
