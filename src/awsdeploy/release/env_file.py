"""Reading a .env file: quotes, comments, `export`, values over several lines in double quotes. Knows no AWS."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from awsdeploy.errors import UsageError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHOWN = 20
"""Wrong lines that are named."""

_BLANK, _LINE_END = re.compile(r"\s*"), re.compile(r"\r\n|\n|\r")
_COMMENTS = re.compile(
    r"""(^[^\S\n]*[^=\s#]++[^=\n#]*=[^\S\n]*(?:'(?:\\'|[^'])*+'|"(?:\\"|[^"])*+"))|^[^\S\n]*#[^\r\n]*""", re.MULTILINE
)
"""A value in quotes, perhaps of several lines, or a line that is a comment."""
REFERENCE = re.compile(r"\$\{?[A-Za-z_]")


@dataclass(frozen=True)
class Assignment:
    """One variable of a file. `refers`: the value looks like a reference to another variable; it is kept unchanged."""

    name: str
    value: str
    line: int
    refers: bool = False


def parse(text: str, source: str) -> list[Assignment]:
    """The values in the order of their first lines; of a name that comes twice, the last one.

    Raises `UsageError` naming `source` and each line that is no assignment, never what stands in it.
    """
    from dotenv.parser import parse_stream

    found: dict[str, Assignment] = {}
    wrong: list[str] = []
    # As blank lines, comments are read many at once.
    text = _COMMENTS.sub(lambda found: found[1] or "", text.removeprefix("\ufeff"))
    for one in parse_stream(io.StringIO(text)):
        # The parser counts blank lines before an assignment to it.
        line = one.original.line + len(_LINE_END.findall(_BLANK.match(one.original.string)[0]))  # type: ignore[index]
        if not one.error and one.key is None:
            continue  # a comment, or nothing
        if one.error or one.key is None:
            wrong.append(f"{source}:{line}: this line is not NAME=value.")
        elif not NAME.fullmatch(one.key):  # what stands before "=" may be a line of a key, as base64 ends with it
            wrong.append(f"{source}:{line}: the text before = is not a valid variable name.")
        elif one.value is None:
            wrong.append(f"{source}:{line}: = and a value are missing.")
        else:
            literal = re.search(r"=\s*'", one.original.string) is not None
            refers = not literal and REFERENCE.search(one.value) is not None
            found[one.key] = Assignment(one.key, one.value, line, refers)
    if wrong:
        more = [f"{source}: {len(wrong) - SHOWN} more lines like these."] if len(wrong) > SHOWN else []
        raise UsageError(
            "\n".join(wrong[:SHOWN] + more), "Nothing was set. Quote a value of several lines with double quotes."
        )
    return list(found.values())
