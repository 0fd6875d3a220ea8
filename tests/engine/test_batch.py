"""Calls that are sent together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from awsdeploy.aws.refusals import AwsRefusal
from awsdeploy.aws.session import AnswerLost
from awsdeploy.engine.batch import Batches


def all_at_once(batches: Batches, items: Sequence[int], most: int, calls: list[list[int]]) -> list[object]:
    """Send all items from threads of their own; each result is the sum of the items of its call, or what it raised."""

    def call(together: Sequence[int]) -> int:
        calls.append(sorted(together))
        if 13 in together:
            raise AwsRefusal("Sum", "Unlucky", "13 is not accepted")
        if 0 in together:
            raise AnswerLost("Sum", "connection closed")
        return sum(together)

    def result(item: int) -> object:
        try:
            return batches.send("sums", item, call, most)
        except (AnswerLost, AwsRefusal) as error:
            return type(error)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(result, items))


def test_what_is_sent_at_once_is_one_call() -> None:
    calls: list[list[int]] = []
    assert all_at_once(Batches(), [1, 2, 3], 10, calls) == [6, 6, 6]
    assert calls == [[1, 2, 3]]


def test_a_call_takes_no_more_than_aws_does() -> None:
    calls: list[list[int]] = []
    all_at_once(Batches(), [1, 2, 3, 4, 5], 2, calls)
    assert sorted(map(len, calls)) == [1, 2, 2]
    assert sorted(item for call in calls for item in call) == [1, 2, 3, 4, 5]


def test_what_is_refused_together_is_sent_alone() -> None:
    calls: list[list[int]] = []
    assert all_at_once(Batches(), [13, 1, 2], 10, calls) == [AwsRefusal, 1, 2]
    assert sorted(calls) == [[1], [1, 2, 13], [2], [13]]


def test_what_is_refused_alone_is_not_sent_again() -> None:
    calls: list[list[int]] = []
    assert all_at_once(Batches(), [13], 10, calls) == [AwsRefusal]
    assert calls == [[13]]


def test_a_lost_answer_leaves_nobody_waiting() -> None:
    batches, calls = Batches(), list[list[int]]()
    assert set(all_at_once(batches, [0, 1, 2], 10, calls)) <= {AnswerLost, 1, 2}
    assert [0, 1, 2] in calls
    assert all_at_once(batches, [1], 10, []) == [1]
