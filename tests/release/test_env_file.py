"""Reading a .env file: which lines are named, and what is no value."""

from __future__ import annotations

import pytest

from awsdeploy.errors import UsageError
from awsdeploy.release import env_file, environment


@pytest.mark.parametrize("before", ["", "\n", "\n\n", "# a comment\n", "\r\n\r\n", "\n  \n", "Z=1\n\n"])
@pytest.mark.parametrize("indent", ["", "  ", "\t"])
def test_the_line_of_a_variable_is_right(before: str, indent: str) -> None:
    found = {one.name: one.line for one in env_file.parse(f"{before}{indent}A = 1\n", ".env")}
    assert found["A"] == before.count("\n") + 1


def test_of_many_wrong_lines_the_first_are_named() -> None:
    with pytest.raises(UsageError) as raised:
        env_file.parse("no assignment here\n" * 10_000, ".env")
    said = raised.value.message.splitlines()
    assert len(said) == env_file.SHOWN + 1
    assert said[-1] == ".env: 9980 more lines like these."


def test_a_nul_character_is_refused_and_not_repeated() -> None:
    """No program can be started with such a variable."""
    with pytest.raises(UsageError) as raised:
        environment.check("KEY", "secret\0value")
    assert "NUL" in raised.value.message
    assert "secret" not in raised.value.message
