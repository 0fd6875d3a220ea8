"""Notes of a plan: those that a person should decide about, apart from those that only inform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Notes:
    """Sentences. Those `to_decide` need an action or a decision of a person."""

    to_decide: tuple[str, ...] = ()
    to_know: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """All of them."""
        yield from self.decisions()
        yield from _listed("For information:", self.to_know)

    def decisions(self) -> Iterator[str]:
        """Those that need a decision."""
        yield from _listed("To decide:", self.to_decide)

    def others(self) -> str:
        """The number of the others in a sentence, or nothing."""
        count = len(self.to_know)
        return f"{count} {'note' if count == 1 else 'notes'} for information. " if count else ""


def _listed(title: str, sentences: Iterable[str]) -> Iterator[str]:
    found = [f"  {line}" for sentence in sentences for line in sentence.split("\n")]
    if found:
        yield from (title, *found)
