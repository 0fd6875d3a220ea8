"""HCL, Terraform's language: values, expressions and blocks as `terraform fmt` formats them.

Knows nothing of AWS. The syntax: developer.hashicorp.com/terraform/language/syntax/configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Expression:
    """An expression that is written as it is: `aws_vpc.network_vpc.id`."""

    text: str

    def __getattr__(self, attribute: str) -> Expression:
        """An attribute of what it refers to."""
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Expression(f"{self.text}.{attribute}")


@dataclass(frozen=True)
class Call:
    """A call of a function with these arguments: `jsonencode({ … })`."""

    function: str
    arguments: tuple[Any, ...]


class Section(dict[str, Any]):
    """A nested block without labels. A list of them is the same block several times."""


@dataclass(frozen=True)
class Block:
    """A block of a file: `resource "aws_vpc" "network_vpc" { … }`. Settings that are None are left out."""

    kind: str
    labels: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""


def text(blocks: Iterable[Block]) -> str:
    """The content of a file."""
    return "\n".join("".join(f"{line}\n" for line in _block(one)) for one in blocks)


def call(function: str, *arguments: Any) -> Call:
    return Call(function, arguments)


def quoted(value: str) -> str:
    """A string between quotes, in which nothing is a template."""
    escaped = json.dumps(value, ensure_ascii=False)
    return re.sub(r"([$%])\{", r"\1\1{", escaped)


def _block(block: Block) -> Iterator[str]:
    yield from (f"# {line}" for line in block.comment.splitlines())
    head = " ".join([block.kind, *(quoted(label) for label in block.labels)])
    yield from _braces(head, block.settings)


def _braces(head: str, settings: Mapping[str, Any]) -> Iterator[str]:
    body = [f"  {line}" if line else "" for line in _settings(settings)]
    if body:
        yield f"{head} {{"
        yield from body
        yield "}"
    else:
        yield f"{head} {{}}"


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """Arguments first, then nested blocks, each after an empty line."""
    given = {name: value for name, value in settings.items() if value is not None}
    sections = {name: value for name, value in given.items() if _is_sections(value)}
    yield from _arguments({name: value for name, value in given.items() if name not in sections})
    first = len(sections) == len(given)
    for name, value in sections.items():
        for one in [value] if isinstance(value, Section) else value:
            if not first:
                yield ""
            first = False
            yield from _braces(name, one)


def _is_sections(value: Any) -> bool:
    return isinstance(value, Section) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Section) for one in value)
    )


def _arguments(arguments: Mapping[str, Any]) -> Iterator[str]:
    """One argument a line, or more; the equals signs of neighbours of one line are below each other."""
    written = [(_key(name), list(_value(value))) for name, value in arguments.items()]
    for place, (name, lines) in enumerate(written):
        width = len(name) if len(lines) > 1 else _width(written, place)
        yield f"{name:<{width}} = {lines[0]}"
        yield from lines[1:]


def _width(written: list[tuple[str, list[str]]], place: int) -> int:
    """Length of the longest name of the run of arguments of one line around this one."""
    first = last = place
    while first and len(written[first - 1][1]) == 1:
        first -= 1
    while last + 1 < len(written) and len(written[last + 1][1]) == 1:
        last += 1
    return max(len(name) for name, _ in written[first : last + 1])


def _key(name: str) -> str:
    return name if IDENTIFIER.fullmatch(name) else quoted(name)


def _value(value: Any) -> Iterator[str]:
    if isinstance(value, Expression):
        yield value.text
    elif isinstance(value, Call):
        yield from _call(value)
    elif isinstance(value, bool):
        yield str(value).lower()
    elif isinstance(value, int | float):
        yield str(int(value)) if value == int(value) else repr(value)
    elif isinstance(value, Mapping):
        yield from _map(value)
    elif isinstance(value, list | tuple):
        yield from _list(value)
    elif value is None:
        yield "null"
    else:
        yield quoted(str(value))


def _map(value: Mapping[str, Any]) -> Iterator[str]:
    if not value:
        yield "{}"
        return
    yield "{"
    yield from (f"  {line}" for line in _arguments(value))
    yield "}"


def _list(value: Iterable[Any]) -> Iterator[str]:
    """On one line if it is short and has no maps."""
    items = [list(_value(one)) for one in value]
    line = f"[{', '.join(item[0] for item in items)}]"
    if all(len(item) == 1 for item in items) and len(line) <= 90:
        yield line
        return
    yield "["
    for item in items:
        yield from (f"  {one}" for one in item[:-1])
        yield f"  {item[-1]},"
    yield "]"


def _call(value: Call) -> Iterator[str]:
    """Only the last argument can have several lines."""
    *first, last = [list(_value(one)) for one in value.arguments]
    head = "".join(f"{item[0]}, " for item in first)
    lines = [f"{value.function}({head}{last[0]}", *last[1:]]
    lines[-1] += ")"
    yield from lines
