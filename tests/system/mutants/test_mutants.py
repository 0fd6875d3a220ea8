"""Every documented value, altered, is noticed by the test that the table names; and the table names them all."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sampling import sampled
from tests.system.mutants.altered import MUTANTS
from tests.system.mutants.mutants import VARIABLE, Mutant
from tests.system.mutants.test_architecture import ROWS

ROOT = Path(__file__).parents[3]
SAMPLE = random.Random(29).sample(MUTANTS, 1)


def survives(mutant: Mutant) -> bool:
    """Check whether the named test passes despite the mutant. An error before the test counts as survival."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:xdist", "-p", "no:cacheprovider", mutant.test],
        cwd=ROOT,
        env={**os.environ, VARIABLE: mutant.name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "error" not in done.stdout.splitlines()[-1], done.stdout
    return f"FAILED {mutant.test}" not in done.stdout


def test_every_row_that_is_proved_has_a_mutant() -> None:
    assert {one.row for one in MUTANTS} == set(ROWS)


def test_no_two_mutants_have_one_name() -> None:
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", sampled(MUTANTS, SAMPLE), ids=lambda one: one.name)
def test_an_altered_value_is_noticed(mutant: Mutant) -> None:
    assert not survives(mutant)
