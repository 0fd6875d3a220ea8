"""Values that the processes of a test run share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import shared
from tests.system.mutants import mutants
from tests.system.mutants.altered import MUTANTS


def test_an_altered_process_makes_its_own_except_what_it_does_not_alter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of all processes must not be made again while others use it, as the warm sandbox."""
    monkeypatch.setenv(shared.VARIABLE, str(tmp_path))
    made: list[str] = []

    def make(folder: Path) -> int:
        made.append(folder.name)
        return len(made)

    def both() -> tuple[int, int]:
        return shared.once("own", make)[0], shared.once("for all", make, altered=False)[0]

    assert both() == both() == (1, 2)
    monkeypatch.setenv(mutants.VARIABLE, MUTANTS[0].name)
    assert both() == both() == (3, 2)
