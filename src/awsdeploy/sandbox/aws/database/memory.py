"""State of databases beside moto's models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Databases:
    """State of each instance: pending and current modifications, second zone, endpoint, interfaces, creation time."""

    pending: dict[str, dict[str, Any]] = field(default_factory=dict)
    coming: dict[str, dict[str, Any]] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    without_endpoint: set[str] = field(default_factory=set)
    interfaces: dict[str, list[str]] = field(default_factory=dict)
    supports: dict[str, str] = field(default_factory=dict)
    born: dict[str, float] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    def rename(self, old: str, new: str) -> None:
        """Move what is remembered of an instance to its new identifier."""
        if old in self.without_endpoint:
            self.without_endpoint.remove(old)
            self.without_endpoint.add(new)
        for store in self._stores():
            if old in store:
                store[new] = store.pop(old)

    def _stores(self) -> Iterator[dict[str, Any]]:
        yield from (one for one in vars(self).values() if isinstance(one, dict))
