"""Versions in the URLs of a NestJS program: `enableVersioning`, and the version of a controller."""

from __future__ import annotations

import re
from dataclasses import dataclass

from awsdeploy.config.project.javascript import argument, value_of

_ENABLED = re.compile(r"\.enableVersioning\(")
_TYPE = re.compile(r"\btype\s*:\s*VersioningType\.(\w+)")
_DEFAULT, _PREFIX = re.compile(r"\bdefaultVersion\s*:\s*([^,}]+)"), re.compile(r"\bprefix\s*:\s*([^,}]+)")
_VERSION = re.compile(r"\bversion\s*:\s*([^,}]+)")
_OF_A_METHOD = re.compile(r"@Version\(")
_NEUTRAL = "VERSION_NEUTRAL"


@dataclass(frozen=True)
class UriVersions:
    """Versions in URLs. `default` is the part of the URL without a version of one's own, None if it cannot be read."""

    prefix: str
    default: str | None


def facts(main: str) -> UriVersions | None:
    """Return what `enableVersioning` says; nothing if there is no such call, or if versions are not in the URL."""
    called = _ENABLED.search(main)
    if called is None:
        return None
    said = argument(main, called.end())
    kind, prefix = _TYPE.search(said), _PREFIX.search(said)
    if kind and kind[1] != "URI":
        return None
    before = "v"
    if prefix:
        before = "" if prefix[1].strip() == "false" else value_of(prefix[1].strip(), main).literal or "v"
    default = _DEFAULT.search(said)
    return UriVersions(before, _part(before, default[1], main) if default else "")


def of_controller(uri: UriVersions | None, controller: str, body: str) -> str | None:
    """Return the part of the URL with the version of a controller's routes; None if it cannot be read."""
    if uri is None:
        return ""
    if _OF_A_METHOD.search(body):
        return None
    own = _VERSION.search(controller) if controller.startswith("{") else None
    return _part(uri.prefix, own[1], body) if own else uri.default


def _part(prefix: str, expression: str, text: str) -> str | None:
    """Return the part of the URL: of several versions that with the first one."""
    first = expression.strip().removeprefix("[").rstrip("]").strip()
    if first == _NEUTRAL:
        return ""
    literal = value_of(first, text).literal
    return f"{prefix}{literal}" if literal else None
