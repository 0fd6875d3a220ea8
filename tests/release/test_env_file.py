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


@pytest.mark.parametrize("quote", ["'", '"'])
def test_only_lines_outside_of_values_are_comments(quote: str) -> None:
    text = f"# don't\nA={quote}one\n# two\n{quote} # three\n  # B=1\nexport C = {quote}#{quote}\nD=x#y\n#{quote}\nE=1\n"
    found = {one.name: (one.value, one.line) for one in env_file.parse(text, ".env")}
    assert found == {"A": ("one\n# two\n", 2), "C": ("#", 6), "D": ("x#y", 7), "E": ("1", 9)}


def test_many_comments_take_no_longer_than_blank_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: the parser is asked once for all of them."""
    from dotenv import parser

    asked: list[object] = []
    real = parser.parse_binding

    def counted(reader: parser.Reader) -> parser.Binding:
        asked.append(reader)
        return real(reader)

    monkeypatch.setattr(parser, "parse_binding", counted)
    assert [one.line for one in env_file.parse("# a comment\n" * 10_000 + "A=1\n", ".env")] == [10_001]
    assert len(asked) < 5
