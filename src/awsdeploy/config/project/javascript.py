"""Values in JavaScript and TypeScript, found by regular expressions: literals, constants and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 300
"""Characters of an argument that are read."""

# Possessive, and the closing quote is optional: a text with thousands of open quotes takes no longer than another.
_STRING = r"""'(?:\\.|[^'\\\n])*+'?|"(?:\\.|[^"\\\n])*+"?|`(?:\\.|[^`\\])*+`?"""
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?", re.DOTALL)
_LITERAL = re.compile(r"""\s*(?:(['"`])([^'"`$\x00-\x1f\x7f]*)\1|(\d+))\s*""")
_ENVIRONMENT = re.compile(r"process\.env(?:\?)?(?:\.|\[\s*['\"])(\w+)")
_GET = re.compile(
    r"\.get(?:OrThrow)?(?:<[^>]*>)?\(\s*['\"]([\w.-]+)['\"]\s*(?:,\s*(['\"`][^'\"`$\x00-\x1f]*['\"`]|\d+))?"
)
_OTHERWISE = re.compile(r"(?:\?\?|\|\|)\s*(['\"`][^'\"`$\x00-\x1f]*['\"`]|\d+)")
_NAME = re.compile(r"(?:\+|(?:Number|parseInt|String)\()?\s*([A-Za-z_$][\w$]*)!?(?:\s*,\s*10)?\)?(?:\s+as\s+\w+)?")
"""A constant's name alone, also as a number."""
_ASSIGNED = re.compile(
    rf"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=;\n]{{1,{LONGEST}}})?=\s*(?=([^;\n]{{1,{LONGEST}}}))"
)
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True)
class FoundValue:
    """An expression's value: a literal, a variable of the environment, or both (the literal is then the default)."""

    literal: str | None = None
    variable: str = ""


def without_comments(text: str) -> str:
    return _COMMENT.sub(lambda found: found[1] or " ", text)


def argument(text: str, start: int) -> str:
    """Return the first argument of a call. `start` is the place after its opening parenthesis."""
    depth, quote, place = 0, "", start
    for place in range(start, min(len(text), start + LONGEST)):
        char = text[place]
        if quote:
            if char == quote and text[place - 1] != "\\":
                quote = ""
        elif char in "'\"`":
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE or (char == "," and depth == 0):
            if depth == 0:
                break
            depth -= 1
    return text[start:place].strip()


def value_of(expression: str, text: str, depth: int = 3) -> FoundValue:
    """Return the value of an expression in the file `text`, as far as it can be read."""
    if literal := _LITERAL.fullmatch(expression):
        return FoundValue(literal[2] if literal[3] is None else literal[3])
    read = next((one for one in _ENVIRONMENT.finditer(expression) if one[1] != "NODE_ENV"), None)
    asked = _GET.search(expression)
    otherwise = _OTHERWISE.search(expression)
    default = otherwise[1] if otherwise else asked[2] if asked else None
    if read or asked:
        found = read or asked
        return FoundValue(default.strip("'\"`") if default else None, found[1] if found else "")
    name = _NAME.fullmatch(expression)
    if name is None or depth == 0:
        return FoundValue()
    assigned = _assigned(text).get(name[1])
    return value_of(assigned.strip().rstrip(","), text, depth - 1) if assigned else FoundValue()


@lru_cache(maxsize=4)
def _assigned(text: str) -> Mapping[str, str]:
    """Return the expression that each constant of a file gets first."""
    found: dict[str, str] = {}
    for one in _ASSIGNED.finditer(text):
        found.setdefault(one[1], one[2])
    return found
