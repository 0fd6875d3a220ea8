"""Answers of AWS that are believed: what they show is not asked for again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import Aws, Deletion, DestroyOptions, Idempotency, Observed

from .cloud import CloudResource, SampleStack


@pytest.fixture
def looks(sample: SampleStack, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the looks at each kind."""
    counted: Counter[str] = Counter()
    answer = sample.cloud.answer

    def counting(method: str, parameters: dict[str, Any], region: str) -> dict[str, Any]:
        if method == "describe_things":
            counted[parameters["Kind"]] += 1
        return answer(method, parameters, region)

    monkeypatch.setattr(sample.cloud, "answer", counting)
    return counted


def declared(size: str) -> list[Step]:
    """One resource of a kind whose create and change are done when AWS answers."""

    @dataclass(frozen=True, eq=False, kw_only=True)
    class Quick(CloudResource):
        size: str
        later: str = "set"

        immediate = True
        idempotency = Idempotency.TOKEN
        deletion = Deletion(retry_on={"DependencyViolation"}, immediate=True)

        def create(self, aws: Aws) -> str | Observed:
            """The second setting cannot be given in this call."""
            first = {"size": self.size, "later": ""}
            made = aws.client("cloud").create_thing(Kind="Quick", Tags=aws.tags(self), Settings=first, Token=aws.token)
            return aws.made(self, made["Id"], first)

    return [Step("Quick", (Quick(key="sample/quick", size=size),))]


def test_what_was_created_and_changed_is_looked_up_once_for_the_plan(sample: SampleStack, looks: Counter[str]) -> None:
    sample.up(declared("1"))
    assert looks == {"Quick": 1} | dict.fromkeys(looks, 1)
    assert sample.writes() == ["CreateThing Quick", "ModifyThing Quick"]
    looks.clear()
    assert sample.plan(declared("1")).quiet


def test_a_change_whose_answer_is_lost_is_looked_for(sample: SampleStack, looks: Counter[str]) -> None:
    sample.up(declared("1"))
    looks.clear()
    sample.cloud.fails("ModifyThing", how="lose after")
    sample.up(declared("2"))
    assert looks["Quick"] > 2
    assert sample.writes() == ["ModifyThing Quick"]


def test_what_is_deleted_at_once_is_looked_for_by_the_sweep_alone(sample: SampleStack, looks: Counter[str]) -> None:
    sample.up(declared("1"))
    looks.clear()
    sample.destroy(DestroyOptions(data=True))
    assert looks["Quick"] == 2
    assert sample.things() == []


def test_what_the_sweep_still_lists_is_looked_for_until_it_is_gone(sample: SampleStack) -> None:
    sample.up(declared("1"))
    sample.cloud.history.clear()
    sample.cloud.late = 0.2
    sample.destroy(DestroyOptions(data=True))
    assert sample.things() == []


def test_a_run_right_after_a_crash_does_not_create_twice_what_is_not_listed_yet(sample: SampleStack) -> None:
    sample.up(declared("1"))
    sample.cloud.history.clear()
    for thing in sample.cloud.things.values():
        sample.cloud.hide(thing, 0.3)
    sample.up(declared("1"))
    assert sample.things() == ["sample/quick"]


def test_what_aws_does_not_know_yet_is_asked_to_be_deleted_again(sample: SampleStack) -> None:
    sample.up(declared("1"))
    sample.cloud.fails("DeleteThing", code="InvalidThing.NotFound")
    sample.destroy(DestroyOptions(data=True))
    assert sample.things() == []


def test_a_deletion_that_is_refused_is_not_looked_at(sample: SampleStack, looks: Counter[str]) -> None:
    sample.up(declared("1"))
    looks.clear()
    sample.cloud.fails("DeleteThing", code="DependencyViolation", times=3)
    sample.destroy(DestroyOptions(data=True))
    assert looks["Quick"] == 2
    assert sample.things() == []
