"""Grants of an IAM policy document, action by action, and the difference between two documents. Makes no AWS call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any] | None
Grants = dict[str, set[str]]
"""Action, or `Deny ACTION`, → where it holds: the resources and conditions of each statement, as JSON."""

WIDE_POLICIES = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
"""AWS managed policies with the permissions of an administrator, or nearly."""


def differences(present: Document, wanted: Document) -> Iterator[tuple[str, str | None, str | None]]:
    """Field, what is there and what is wanted, for a plan: added and removed actions by name.

    An action that stays and holds on other resources, or under other conditions, is named with both.
    """
    old, new = granted(present), granted(wanted)
    if added := sorted(new.keys() - old.keys()):
        yield "actions added", None, ", ".join(added)
    if removed := sorted(old.keys() - new.keys()):
        yield "actions removed", ", ".join(removed), None
    changed: dict[tuple[str, str], list[str]] = {}
    for action in sorted(old.keys() & new.keys()):
        if old[action] != new[action]:
            changed.setdefault((_where(old[action]), _where(new[action])), []).append(action)
    for (before, after), names in changed.items():
        yield f"scope of {', '.join(names)}", before, after
    if not added and not removed and not changed and present != wanted:
        yield "policy", "same permissions, different wording" if present else None, "as declared"


def granted(document: Document) -> Grants:
    """Everything that a document allows or denies. `NotAction` is shown as `everything but …`."""
    found: Grants = {}
    for statement in _listed((document or {}).get("Statement")):
        if not isinstance(statement, Mapping):
            continue
        prefix = "" if statement.get("Effect") == "Allow" else "Deny "
        words = ("Resource", "NotResource", "Condition", "Principal")
        where = json.dumps({word: _plain(statement[word]) for word in words if word in statement}, sort_keys=True)
        names = [str(name) for name in _listed(statement.get("Action"))]
        if "NotAction" in statement:
            names.append(f"everything but {', '.join(map(str, _listed(statement['NotAction'])))}")
        for name in names:
            found.setdefault(prefix + name, set()).add(where)
    return found


def wide(statements: Iterable[Mapping[str, Any]], attached: Iterable[str] = ()) -> list[str]:
    """The grants that cover a whole service or more: actions with a wildcard, and AWS's policies for administrators."""
    allowed = granted({"Statement": list(statements)})
    actions = [name for name in allowed if not name.startswith("Deny ") and re.search(r"[*?]| but ", name)]
    policies = [arn for arn in attached if arn.rpartition("/")[2] in WIDE_POLICIES]
    return [*sorted(actions), *sorted(policies)]


def _where(scopes: set[str]) -> str:
    """Resources, and conditions if there are any, on one line."""
    said = []
    for scope in sorted(scopes):
        statement = json.loads(scope)
        text = ", ".join(str(one) for one in _listed(statement.pop("Resource", [])))
        said.append(f"{text} {json.dumps(statement, sort_keys=True)}".strip() if statement else text)
    return " and ".join(said)


def _plain(value: Any) -> Any:
    """AWS writes a list of one as it likes, and in any order."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return sorted(str(one) for one in _listed(value))


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
