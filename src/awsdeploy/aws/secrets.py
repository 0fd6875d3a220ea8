"""Secret values in a request, which are masked where AWS repeats them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHORTEST = 6  # characters of a value that is masked where AWS repeats it


def secrets_of(shape: Any, parameters: Mapping[str, Any]) -> list[str]:
    """Return the values that botocore's model marks as sensitive, except short ones: they occur in ordinary words."""
    members = shape.members if shape else {}
    sensitive = [name for name, member in members.items() if member.metadata.get("sensitive")]
    return [text for name in sensitive if len(text := str(parameters.get(name, ""))) >= SHORTEST]
