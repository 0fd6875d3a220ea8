"""Variables without which a program does not start, as far as its source says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from awsdeploy.config.project.javascript import argument

MOST_FIELDS = 500
"""Fields of the schemas of a file that are read."""

_NAME = r"([A-Z][A-Z0-9_]*)"
_GET_OR_THROW = re.compile(rf"\.getOrThrow(?:<[^<>]*>)?\(\s*['\"]{_NAME}['\"]")
_ENVIRONMENT = rf"process\.env(?:\.|\[\s*['\"]){_NAME}(?:['\"]\s*\])?"
_THROWS = r"\s*\)\s*\{?\s*throw\b"
_READ, _GET = re.compile(_ENVIRONMENT), re.compile(rf"\.get(?:<[^<>]*>)?\(\s*['\"]{_NAME}['\"]")
_UNSET = re.compile(rf"\bif\s*\(\s*!\s*{_ENVIRONMENT}{_THROWS}")
_ASSIGNED = re.compile(rf"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[\s\w|]{{1,200}})?=\s*{_ENVIRONMENT}\s*[;\n]")
_CHECKED = re.compile(rf"\bif\s*\(\s*!\s*([A-Za-z_$][\w$]*){_THROWS}")
_JOI, _ZOD = re.compile(rf"\b{_NAME}\s*:\s*[Jj]oi\s*\."), re.compile(rf"\b{_NAME}\s*:\s*z\s*\.")
_FREE = re.compile(r"\.(?:optional|default|nullish|catch|prefault)\(")
_ABOUT_ENVIRONMENT = re.compile(r"process\.env|\bvalidationSchema\b|\bcreateEnv\b")
_MENTIONED = re.compile(rf"[.'\"`]{_NAME}\b|\b{_NAME}\s*\??\s*:")
_DESTRUCTURED = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b(?!\s*[.\[])")
_SET = re.compile(rf"^[ \t]*(?:export[ \t]+)?{_NAME}[ \t]*=", re.MULTILINE)
_SET_BY_PM2 = re.compile(rf"\b{_NAME}['\"]?\s*:")


def required(texts: Mapping[str, str]) -> dict[str, str]:
    """Return each required variable with the file that says so. The texts have no comments."""
    found: dict[str, str] = {}
    for path, text in sorted(texts.items()):
        for name in _required(path, text):
            found.setdefault(name, path)
    return found


def read(texts: Mapping[str, str]) -> dict[str, str]:
    """Return each variable that is read in any way, with the first file that does."""
    found: dict[str, str] = {}
    for path, text in sorted(texts.items()):
        for name in (*_READ.findall(text), *_GET.findall(text)):
            found.setdefault(name, path)
    return found


def mentioned(text: str) -> set[str]:
    """Return the names in a text that can be variables: as a property, in quotes, or as a key; not local constants."""
    found = {one or other for one, other in _MENTIONED.findall(text)}
    for inside in _DESTRUCTURED.findall(text):
        found.update(re.findall(rf"\b{_NAME}\b", inside))
    return found


def _required(path: str, text: str) -> Iterator[str]:
    yield from _GET_OR_THROW.findall(text)
    yield from _UNSET.findall(text)
    checked = set(_CHECKED.findall(text))
    yield from (name for local, name in _ASSIGNED.findall(text) if local in checked)
    if _ABOUT_ENVIRONMENT.search(text) or re.search(r"(?:^|[/._-])(?:env|config)\b", path):
        for found in islice(_JOI.finditer(text), MOST_FIELDS):
            chain = argument(text, found.end())
            if ".required(" in chain and not _FREE.search(chain):
                yield found[1]
        for found in islice(_ZOD.finditer(text), MOST_FIELDS):
            if not _FREE.search(argument(text, found.end())):
                yield found[1]


def set_in_text(text: str) -> set[str]:
    """Return the names that a .env file sets."""
    return set(_SET.findall(text))


def set_in_files(texts: Mapping[str, str]) -> set[str]:
    """Return the names that committed .env files and PM2's configuration set."""
    found: set[str] = set()
    for path, text in texts.items():
        found.update((_SET_BY_PM2 if "ecosystem" in path else _SET).findall(text))
    return found
