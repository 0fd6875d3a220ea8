"""Shape of an answer: its keys and the types of its values, without the values.

Keys are those of botocore's model, so the keys of a map, which may be anybody's own words, are `*`. A shape is JSON:

- an object for a structure, `{"*": shape}` for a map;
- a list of one shape for a list (of none, where nothing was in it);
- else words between bars: `string`, `number`, `boolean`, `timestamp`, `blob`, `null`, and `=available` for a value that
  botocore's model lists as one of an enumeration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import reduce
from typing import Any

Shape = dict[str, Any] | list[Any] | str
"""Objects and lists of shapes, ending in words."""

ENUM = "="
ANY_KEY = "*"
LIST = "[]"
BAR = "|"


def of(model: Any, value: Any) -> Shape:
    """The shape of `value`, read by botocore's model of it."""
    if isinstance(value, Mapping):
        if model.type_name == "map":
            inner = merged(of(model.value, one) for one in value.values())
            return {} if inner is None else {ANY_KEY: inner}
        if model.type_name == "structure":
            return {name: of(model.members[name], one) for name, one in value.items() if name in model.members}
        return {}
    if isinstance(value, list):
        inner = merged(of(model.member, one) for one in value) if model.type_name == "list" else None
        return [] if inner is None else [inner]
    if isinstance(value, str) and value in getattr(model, "enum", ()):
        return f"{ENUM}{value}"
    return _word(value)


def _word(value: Any) -> str:
    if value is None:
        return "null"
    for kind, word in ((bool, "boolean"), ((int, float), "number"), (str, "string"), (datetime, "timestamp")):
        if isinstance(value, kind):
            return word
    return "blob"


def merged(shapes: Iterable[Shape]) -> Shape | None:
    """One shape for several of the same model: a key is in it if any has it. None: there was none."""
    found = list(shapes)
    return reduce(_both, found) if found else None


def _both(one: Shape, other: Shape) -> Shape:
    if isinstance(one, dict) and isinstance(other, dict):
        common = {key: _both(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **common}
    if isinstance(one, list) and isinstance(other, list):
        inner = merged([*one, *other])
        return [] if inner is None else [inner]
    if isinstance(one, str) and isinstance(other, str):
        return BAR.join(sorted({*one.split(BAR), *other.split(BAR)}))
    return other if isinstance(one, str) else one  # a null where another answer had a structure


def paths(shape: Shape, at: str = "") -> Iterator[tuple[str, str]]:
    """Every path of a shape and the words there; `structure` and `list` for what has more below it."""
    if isinstance(shape, dict):
        if at:
            yield at, "structure"
        for key, inner in sorted(shape.items()):
            yield from paths(inner, f"{at}.{key}" if at else key)
    elif isinstance(shape, list):
        yield at, "list"
        for inner in shape:
            yield from paths(inner, f"{at}{LIST}")
    else:
        yield at, shape


def types(words: str) -> set[str]:
    """The types among a path's words; a value of an enumeration is a string."""
    return {"string" if word.startswith(ENUM) else word for word in words.split(BAR)}


def values(words: str) -> set[str]:
    """The values of an enumeration among a path's words."""
    return {word.removeprefix(ENUM) for word in words.split(BAR) if word.startswith(ENUM)}
