"""Check of the attributes that the settings leave to their owner (`[drift] ignore`).

A kind says in `ignorable` which of its attributes may be left to an owner, and `Resource.differences` leaves them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from awsdeploy.config.drift import is_ignored
from awsdeploy.engine.resource import Resource
from awsdeploy.errors import ConfigInvalid


def check(ignored: tuple[str, ...], resources: Sequence[Resource]) -> None:
    """Raises `ConfigInvalid`, which lists every entry without such a resource or attribute, and the possible ones."""
    by_key = {resource.key: resource for resource in resources}
    wrong = [line for one in ignored for line in _mistake(one, by_key)]
    if wrong:
        raise ConfigInvalid("\n".join(wrong), "Correct [drift] ignore and run the same command again.")


def _mistake(one: str, by_key: dict[str, Resource]) -> list[str]:
    key, _, attribute = one.partition(":")
    if key not in by_key:
        able = [known for known, resource in by_key.items() if resource.ignorable]
        near = get_close_matches(key, able, 1)
        meant = f"Did you mean {near[0]}?" if near else f"Possible keys: {', '.join(able)}"
        return [f"drift.ignore: {one}: no resource has the key {key}. {meant}"]
    possible = sorted(by_key[key].ignorable)
    if any(is_ignored((one,), key, known) for known in possible):
        return []
    if not possible:
        return [f"drift.ignore: {one}: no attribute of {key} can be ignored."]
    return [f"drift.ignore: {one}: {attribute} cannot be ignored. Possible for {key}: {', '.join(possible)}"]
