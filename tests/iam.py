"""Evaluation of identity policies as AWS does it, as far as ours go. What it does not know fails.

Actions and resources match with * and ?, actions whatever their case; an explicit Deny wins, and what nobody allows
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Context = Mapping[str, Any]


def allowed(policies: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context | None = None) -> bool:
    """`context` has the condition keys of the request; a key of several values has a list."""
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in listed(policy["Statement"])
        if _applies(statement, action, resource, context or {})
    }
    return effects == {"Allow"}


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    known = {"Sid", "Effect", "Action", "Resource", "Condition"}
    assert set(statement) <= known, f"not understood: {set(statement) - known}"
    return (
        any(like(one.lower(), action.lower()) for one in listed(statement["Action"]))
        and any(like(_filled(one, context), resource) for one in listed(statement["Resource"]))
        and all(
            _met(operator, key, listed(values), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def like(pattern: str, value: str) -> bool:
    """* is any characters, slashes too, and ? one."""
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(text, value, re.DOTALL) is not None


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
}


def _filled(text: str, context: Context) -> str:
    """Policy variables; one that the request does not have matches nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda name: str(context.get(name[1], "\0")), text)


def _met(operator: str, key: str, values: list[str], context: Context) -> bool:
    if operator == "Null":
        return (key not in context) is (values == ["true"])
    every, _, plain = operator.rpartition(":")
    if plain.endswith("IfExists"):
        plain = plain.removesuffix("IfExists")
        if key not in context:
            return True
    opposite = "Not" in plain
    compare = OPERATORS[plain.replace("Not", "")]
    present = listed(context[key]) if key in context else []
    one_of = [any(compare(_filled(wanted, context), value) for wanted in values) for value in present]
    if opposite:
        one_of = [not one for one in one_of]
    if every == "ForAllValues":
        return all(one_of)  # AWS: true of none at all, hence the Null beside it
    assert every == "", operator
    return len(one_of) == 1 and one_of[0]
