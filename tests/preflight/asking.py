"""Questions to a world about what would stop a run in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from awsdeploy.aws.session import AnsweredCall, AwsSession
from awsdeploy.preflight.checks import findings
from awsdeploy.preflight.finding import Finding, Question
from tests.simulated import World

Item = TypeVar("Item")
Answer = TypeVar("Answer")

CONFIG = """\
name = "shop"
environment = "prod"
platform = "documented"
"""


class Measured(AwsSession):
    """A door that does at once nothing at all, and counts how many calls wait for one another."""

    def __init__(self) -> None:
        super().__init__(on_call=self._count, first_pause=0.02)
        self.total, self.deep = 0, 0
        self._here = threading.get_ident()

    def _count(self, _: AnsweredCall) -> None:
        assert threading.get_ident() == self._here, "asked in a thread that the door did not make"
        self.total += 1
        self.deep += 1

    def each(self, ask: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
        """One after the other here; what counts is the longest of them."""
        before = longest = self.deep
        answers = []
        for item in items:
            self.deep = before
            answers.append(ask(item))
            longest = max(longest, self.deep)
        self.deep = longest
        return answers


def question(world: World, config: str = CONFIG, session: AwsSession | None = None, seconds: float = 0) -> Question:
    settings = world.settings(config)
    return Question(settings, session or AwsSession(first_pause=0.02), seconds)


def found(world: World, config: str = CONFIG, **limits: Any) -> list[Finding]:
    """Findings of the whole preflight in such an account."""
    world.control("POST", "limits", limits)
    return findings(question(world, config))


def only(world: World, config: str = CONFIG, **limits: Any) -> Finding:
    """The one thing it finds."""
    (one,) = found(world, config, **limits)
    return one


def says(one: Finding, what: str, seen: Sequence[str], remedy: Sequence[str]) -> None:
    """It names the thing, the value seen and the remedy."""
    assert what in one.what
    for words in seen:
        assert words in one.seen
    for words in remedy:
        assert words in one.remedy
