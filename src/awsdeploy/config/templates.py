"""Templates of a service's variables: text in which `{NAME}` stands for the value of another variable.

The values are inserted on the machine (`machine/agent/templates.js`), so none of them is ever here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from awsdeploy.config.wrong import Wrong

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
MOST = 200
"""Variables in one table."""
LONGEST = 4096
"""Characters of a template; as many as a parameter has in Parameter Store."""

_PART = re.compile(rf"\{{\{{|\}}\}}|\{{(?P<name>{NAME})\}}|(?P<brace>[{{}}])")
_SECRET = re.compile(r"(?:^|_)(?:PASS(?:WORD|WD|PHRASE)?|PWD|SECRETS?|TOKENS?|CREDENTIALS?|(?:API|PRIVATE)?KEY)(?:_|$)")
_PUBLIC = re.compile(r"^NEXT_PUBLIC_|(?:^|_)PUBLIC_KEY(?:_|$)")
_HARMLESS = re.compile(r"|true|false|\d+\s*[a-z]{0,7}|[./~][\w./-]*", re.IGNORECASE)
"""Values that are no secret: switches, numbers, durations and paths."""
_PASSWORD = re.compile(r"^[a-z][a-z0-9+.:-]*://[^/?#@\s:]*:[^/?#@\s{}]+@", re.IGNORECASE)


def name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise Wrong("the name of a variable: letters, digits and _, not beginning with a digit")
    return value


def template(value: str) -> str:
    """A template; its text can be a secret by mistake, so no message repeats it."""
    if "\0" in value or len(value) > LONGEST:
        raise Wrong(f"at most {LONGEST} characters, without NUL", hidden=True)
    if shell := re.search(rf"\$\{{({NAME})\}}", value):
        raise Wrong(f"{{{shell[1]}}} for the value of a variable", f"write {{{shell[1]}}}, without $", hidden=True)
    if any(found["brace"] for found in _PART.finditer(value)):
        raise Wrong("{NAME} for the value of a variable", "write {{ or }} for a brace", hidden=True)
    return value


def table(value: Mapping[str, str]) -> Mapping[str, str]:
    if len(value) > MOST:
        raise Wrong(f"at most {MOST} variables", f"this table has {len(value)}", hidden=True)
    return MappingProxyType(dict(value))


def used(template: str) -> Iterator[str]:
    """Names of the variables whose values are inserted."""
    return (found["name"] for found in _PART.finditer(template) if found["name"])


def is_secret(name: str, template: str) -> bool:
    """Check whether the text itself looks like a secret, by the name of the variable or as part of an address."""
    if any(used(template)):
        return _PASSWORD.search(template) is not None
    if _PUBLIC.search(name) or _HARMLESS.fullmatch(template.strip()):
        return False
    return _SECRET.search(name.upper()) is not None or _PASSWORD.search(template) is not None
