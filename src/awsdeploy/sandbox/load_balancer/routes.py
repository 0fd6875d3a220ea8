"""Routes for the load balancers' router: which requests go where, and which machines are there to take them.

Plain values that go through a pipe as JSON. Knows neither the world nor sockets.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """A machine in a target group; no `host` if nothing was ever run on it.

    `state`: the simulated word for its health. `placeholder`: its user data serves on the port, as read. `released`: a
    release was put on it. `admitted`: the security groups let the load balancer through.
    """

    id: str
    host: str
    port: int
    state: str = "healthy"
    placeholder: bool = False
    released: bool = False
    admitted: bool = True


@dataclass(frozen=True)
class RoutedGroup:
    """A target group and its health check. `every` and `patience` are real seconds."""

    arn: str
    path: str = "/"
    codes: str = "200"
    every: float = 0.2
    patience: float = 2.0
    rises: int = 2
    falls: int = 2
    targets: tuple[Target, ...] = ()

    def accepts(self, code: int) -> bool:
        """Check whether the matcher (`200`, `200-399`, `200,301`) includes a status code."""
        for part in self.codes.split(","):
            low, _, high = part.partition("-")
            if int(low) <= code <= int(high or low):
                return True
        return False


@dataclass(frozen=True)
class RoutingRule:
    """Requests that meet every condition get the action (as the API writes it). A condition: field and values.

    `rewrites` are expressions for the URL, each with its replacement.
    """

    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    action: dict[str, Any]
    rewrites: tuple[tuple[str, str], ...] = ()

    def rewritten(self, target: str) -> str:
        """Return the path and query for the target. AWS: the first match is replaced; without one nothing changes."""
        for expression, replacement in self.rewrites:
            target = re.sub(expression, re.sub(r"\$(\d)", r"\\g<\1>", replacement), target, count=1)
        return target

    def fits(self, method: str, host: str, path: str) -> bool:
        asked = {"path-pattern": path, "host-header": host.lower(), "http-request-method": method}
        return all(
            name in asked and any(_pattern(name, value).fullmatch(asked[name]) for value in values)
            for name, values in self.conditions
        )


@dataclass(frozen=True)
class Balancer:
    """A load balancer by the listener that answers for it. `idle` is in real seconds; `headers` go on every answer."""

    name: str
    secure: bool
    port: int
    idle: float = 60.0
    plain_headers: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    rules: tuple[RoutingRule, ...] = ()

    def rule(self, method: str, host: str, path: str) -> RoutingRule | None:
        """AWS: the first that fits, by priority; the default comes last and fits everything."""
        return next((one for one in self.rules if one.fits(method, host, path)), None)


@dataclass(frozen=True)
class Table:
    """Everything the router knows, by name and by ARN."""

    number: int = 0
    balancers: dict[str, Balancer] = field(default_factory=dict)
    groups: dict[str, RoutedGroup] = field(default_factory=dict)

    def written(self) -> str:
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"))


def read(line: str | bytes) -> Table:
    message = json.loads(line)
    balancers = {}
    for name, one in message["balancers"].items():
        rules = tuple(
            RoutingRule(
                tuple((name, tuple(values)) for name, values in rule["conditions"]),
                rule["action"],
                tuple((expression, replacement) for expression, replacement in rule["rewrites"]),
            )
            for rule in one["rules"]
        )
        headers = tuple((name, value) for name, value in one["headers"])
        balancers[name] = Balancer(**{**one, "rules": rules, "headers": headers})
    groups = {
        arn: RoutedGroup(**{**one, "targets": tuple(Target(**target) for target in one["targets"])})
        for arn, one in message["groups"].items()
    }
    return Table(message["number"], balancers, groups)


@functools.lru_cache(maxsize=1024)
def _pattern(name: str, value: str) -> re.Pattern[str]:
    """AWS: `*` is any characters, `?` is one; hosts in any case, paths as written; methods as they are."""
    if name == "http-request-method":
        return re.compile(re.escape(value))
    plain = value.lower() if name == "host-header" else value
    return re.compile(fnmatch.translate(plain.replace("[", "[[]")), re.DOTALL)
