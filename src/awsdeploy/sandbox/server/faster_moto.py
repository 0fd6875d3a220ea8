"""Functions of moto and xmltodict replaced by faster ones with the same results.

An `up` is 500 calls, and a third of the sandbox's work for them was in these. Only `install` changes anything.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmltodict
from moto.core import responses, serialize
from moto.core.utils import MISSING, get_value
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix
from moto.moto_api._internal.moto_random import Random

slow_value = serialize.ResponseSerializer.get_value
slow_unparse = xmltodict.unparse
PICKER = serialize.XFormedAttributePicker
NAMES = "_awsdeploy_names"


def install() -> None:
    """Put the faster functions in place, for the whole process."""
    # moto lists the methods of a service's class anew in every call.
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    serialize.ResponseSerializer.get_value = value_of
    xmltodict._validate_name = functools.lru_cache(10_000)(xmltodict._validate_name)
    xmltodict.unparse = unparse
    TaggedEC2Resource.get_tags = tags
    Random.get_random_string = random_string


def value_of(serializer: Any, source: Any, key: str, shape: Any) -> Any:
    """Value of a member of an answer in moto's object or dict, under any of the names that moto tries."""
    picker = serializer._value_picker
    if type(picker) is not PICKER or picker.alias_providers is not serialize.DEFAULT_ALIAS_PROVIDERS:
        return slow_value(serializer, source, key, shape)
    found = MISSING
    for name in _names(picker, source, key, shape):
        found = get_value(source, name, MISSING)
        if found is not MISSING:
            break
    if found is MISSING:
        found = None
    if picker.response_transformers:
        path = ".".join([*serializer.path, key])
        for end, transform in picker.response_transformers.items():
            if path.endswith(end):
                return transform(found)
    return found


def _names(picker: Any, source: Any, key: str, shape: Any) -> tuple[str, ...]:
    """The names in moto's order. They depend on the shape and the class of the object, and stay with the shape."""
    known = vars(shape).setdefault(NAMES, {})
    names: tuple[str, ...] | None = known.get((type(source), key))
    if names is None:
        context = serialize.AttributePickerContext(obj=source, key=key, shape=shape)
        names = known[type(source), key] = tuple(dict.fromkeys(picker.get_possible_keys(context)))
    return names


def unparse(document: Mapping[str, Any], *others: Any, short_empty_elements: bool = False, **options: Any) -> Any:
    """The XML of a document of one root, of dicts, lists and values; xmltodict itself writes any other."""
    whole = options.pop("full_document", True)
    options.pop("pretty", False)
    roots = list(document.items())
    if others or options or len(roots) != 1 or _repeated(roots[0][1]):
        return slow_unparse(
            document, *others, short_empty_elements=short_empty_elements, full_document=whole, **options
        )
    pieces = ['<?xml version="1.0" encoding="utf-8"?>\n'] if whole else []
    _element(pieces, roots[0][0], roots[0][1], short_empty_elements)
    return "".join(pieces)


def _repeated(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes | bytearray | dict)


def _element(pieces: list[str], name: str, value: Any, short: bool) -> None:
    """Append one element, or one for each item of a list."""
    xmltodict._validate_name(name, "element")
    for item in value if _repeated(value) else (value,):
        attributes = ""
        inner: list[str] = []
        if isinstance(item, dict):
            attributes = _content(inner, item, short)
        elif item is not None and (text := escape(_text(item))):
            inner.append(text)
        if short and not inner:
            pieces.append(f"<{name}{attributes}/>")
        else:
            pieces += [f"<{name}{attributes}>", *inner, f"</{name}>"]


def _content(inner: list[str], members: Mapping[str, Any], short: bool) -> str:
    """Append what is inside an element, its text last, and return its attributes."""
    attributes = text = ""
    for name, value in members.items():
        if name == "#text":
            text = "" if value is None else escape(_text(value))
        elif name.startswith("@"):
            xmltodict._validate_name(name[1:], "attribute")
            attributes += f" {name[1:]}={quoteattr('' if value is None else _text(value))}"
        elif value != []:
            _element(inner, name, value, short)
    if text:
        inner.append(text)
    return attributes


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(xmltodict._convert_value_to_string(value))


def tags(resource: Any) -> list[dict[str, str]]:
    """Tags of one EC2 resource. moto compares its ID with that of every tag in the region."""
    id = resource.id
    if not id:
        return []
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(id), "")
    own = resource.ec2_backend.tags.get(id, {})
    return [{"resource_id": id, "key": key, "value": value, "resource_type": kind} for key, value in own.items()]


def random_string(source: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    """Random letters, and digits. moto draws each by itself, 52 for each answer."""
    pool = string.ascii_letters + (string.digits if include_digits else "")
    drawn = "".join(source.choices(pool, k=length))
    return drawn.lower() if lower_case else drawn
