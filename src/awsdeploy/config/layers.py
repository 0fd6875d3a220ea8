"""Flags over environment over file over defaults, and every mistake in them at once.

Knows the file and the environment; what the values mean is the other modules' part.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from awsdeploy.config import consistency, defaults, domains, locate, referenced
from awsdeploy.config.consistency import Mistake
from awsdeploy.config.mistakes import dotted, explained, meant
from awsdeploy.config.settings import Settings
from awsdeploy.config.wrong import Wrong, printable, shown
from awsdeploy.errors import ConfigInvalid, next_command

ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "AWSDEPLOY_NAME": "name",
        "AWSDEPLOY_ENVIRONMENT": "environment",
        "AWSDEPLOY_PRESET": "preset",
        "AWSDEPLOY_REGION": "region",
        "AWSDEPLOY_DOMAIN": "domain",
        "AWSDEPLOY_PLATFORM": "platform",
        "AWSDEPLOY_TIMEZONE": "timezone",
        "AWSDEPLOY_SETTLE": "waits.settle",
        "AWSDEPLOY_POLL_FLOOR": "waits.poll_floor",
        "AWSDEPLOY_POLL_CEILING": "waits.poll_ceiling",
    }
)
"""Environment variables and the keys that they set. An empty one counts as unset; other AWSDEPLOY_* are ignored."""

LONGEST_FILE = 256 * 1024
"""Bytes; a file of that size is not a config.toml."""

MOST_TOLD = 50
"""Number of mistakes that are shown. With more, it is probably the wrong file."""

_FLAGS = {
    "environment": "--env",
    "ci.github": "--repository",
    "ci.branch": "--branch",
    "ci.environment": "--environment",
}
# What takes the place of a missing value so that the rest can be judged.
_STAND_INS = {"name": "app", "platform": "supported", "preset": "prod"}

Place = tuple[str | int, ...]


def load(path: Path, overrides: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """The settings in the file at `path`, with `overrides` (dotted keys, from flags) and the environment on top.

    Raises `ConfigInvalid`, which lists every mistake.
    """
    return loads(_text(path), overrides, source=str(path))


def loads(text: str, overrides: Mapping[str, str] = MappingProxyType({}), source: str = "config.toml") -> Settings:
    """Settings from the text of a file, which messages call `source`; otherwise like `load`."""
    source = printable(source)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(text, str(error), source) from None
    except RecursionError:
        raise ConfigInvalid(f"{source} has too many levels of nesting.", _hint()) from None
    except ValueError:  # Python refuses to read an integer of thousands of digits
        raise ConfigInvalid(f"{source} has a number with too many digits.", _hint()) from None
    try:
        return from_mapping(tree, overrides, locate.lines(text), source)
    except RecursionError:
        raise ConfigInvalid(f"{source} has too many levels of nesting.", _hint()) from None


def from_mapping(
    tree: Mapping[str, Any],
    overrides: Mapping[str, str] = MappingProxyType({}),
    lines: Mapping[Place, int] = MappingProxyType({}),
    source: str = "config.toml",
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings from a parsed file. `lines` locates its keys; `environ` is os.environ."""
    layers = _Layers(tree, lines, source)
    for variable, key in ENVIRONMENT.items():
        if value := (os.environ if environ is None else environ).get(variable):
            layers.put(key, value, variable)
    for key, value in overrides.items():
        layers.put(key, value, _FLAGS.get(key, "--" + key.replace(".", "-").replace("_", "-")))
    return layers.settings()


class _Layers:
    """Written values with their origins, and the mistakes in them.

    Each mistake is recorded and its value removed, so that the rest can be checked too.
    """

    def __init__(self, tree: Mapping[str, Any], lines: Mapping[Place, int], source: str) -> None:
        self.tree: dict[str, Any] = {key: _frozen(value) for key, value in tree.items()}
        self.lines = lines
        self.source = source
        self.placed: dict[Place, str] = {}
        self.found: dict[Place, Mistake] = {}

    def put(self, key: str, value: str, origin: str) -> None:
        path = tuple(key.split("."))
        table = self.tree
        for part in path[:-1]:
            inner = table.get(part)
            table[part] = dict(inner) if isinstance(inner, dict) else {}
            table = table[part]
        table[path[-1]] = _number(value) if path[0] == "waits" else value
        self.placed[path] = origin

    def settings(self) -> Settings:
        self._names_of_services()
        self._short_aliases()
        settings, because = self._validated()
        for mistake in (*consistency.mistakes(settings), *referenced.mistakes(self.tree, settings)):
            if not any(_touches(path, wrong) for path in (mistake.path, *mistake.about) for wrong in self.found):
                self.found.setdefault(mistake.path, mistake)
        if self.found:
            raise self._refusal()
        settings._origins = MappingProxyType(
            {".".join(path): self._origin(path, because) for path in _leaves(settings.model_dump())}
        )
        return settings

    def _validated(self) -> tuple[Settings, Mapping[str, str]]:
        """Valid settings, from what is left once everything wrong is noted and taken away."""
        while True:
            self._preset()
            whole, because = defaults.completed(self.tree)
            try:
                return Settings.model_validate(whole), because
            except ValidationError as error:
                for problem in error.errors(include_url=False):
                    mistake = explained(problem)
                    self.found.setdefault(mistake.path, mistake)
                    self._take_away(mistake.path)

    def _take_away(self, path: Place) -> None:
        if path[0] not in self.tree:
            self.tree |= {key: value for key, value in _STAND_INS.items() if key == path[0]}
            return
        table: Any = self.tree
        for part in path[:-1]:
            if not isinstance(table.get(part), dict):
                table.pop(part, None)
                return
            table = table[part]
        table.pop(path[-1], None)

    def _preset(self) -> None:
        """An environment that is called like no preset must say which one it takes."""
        environment = self.tree.get("environment", "prod")
        if "preset" in self.tree or environment in ("dev", "prod") or not isinstance(environment, str):
            return
        text = (
            f"missing: environment {shown(environment)} is neither dev nor prod, so choose its sizes:"
            ' preset = "dev" (small and cheap) or preset = "prod" (survives the loss of a zone)'
        )
        self.found[("preset",)] = Mistake(("preset",), text, about=(("environment",),))
        self.tree["preset"] = _STAND_INS["preset"]

    def _names_of_services(self) -> None:
        """A service is named by its table; the field is ours."""
        services = self.tree.get("services")
        for name, table in services.items() if isinstance(services, dict) else ():
            if isinstance(table, dict) and "name" in table:
                path = ("services", name, "name")
                self.found[path] = explained({"loc": path, "input": None, "type": "extra_forbidden"})
                self._take_away(path)

    def _short_aliases(self) -> None:
        """An alias without a dot is short for that name under the domain."""
        aliases, domain = self.tree.get("aliases"), self.tree.get("domain")
        if not isinstance(aliases, tuple):
            return
        short = [isinstance(one, str) and bool(one) and "." not in one for one in aliases]
        if domain is None and any(short):
            self.found[("aliases",)] = Mistake(("aliases",), consistency.NO_DOMAIN)
        try:
            under = domains.normalised(domain) if isinstance(domain, str) else None
        except Wrong:
            under = None
        pairs = zip(aliases, short, strict=True)
        # Under a wrong domain nothing can be said of a short alias.
        self.tree["aliases"] = tuple(
            f"{one}.{under}" if is_short else one for one, is_short in pairs if under or not is_short
        )

    def _origin(self, path: Place, because: Mapping[str, str]) -> str:
        if path in self.placed:
            return self.placed[path]
        if path in self.lines:
            return f"{self.source}:{self.lines[path]}"
        return because.get(".".join(str(part) for part in path), "default")

    def _where(self, path: Place) -> str:
        for length in range(len(path), 0, -1):
            place = path[:length]
            if place in self.placed:
                return self.placed[place]
            if place in self.lines:
                return f"{self.source}:{self.lines[place]}"
        return self.source

    def _refusal(self) -> ConfigInvalid:
        unknown = [path for path, one in self.found.items() if one.text.startswith("unknown key")]
        keys = {key for path in unknown for key in meant(path)}
        mistakes = [one for one in self.found.values() if not self._follows(one, keys)]
        said = [line for _, line in sorted((self._line_of(one.path), self._said(one)) for one in mistakes)]
        return _refusal(said)

    def _follows(self, mistake: Mistake, keys: set[Place]) -> bool:
        """Check whether a missing key only follows from another reported mistake: a misspelt or misplaced key."""
        if not mistake.text.startswith("missing"):
            return False
        misspelt = any(key[-1:] == mistake.path for key in keys)
        return misspelt or any(about in self.found for about in mistake.about)

    def _said(self, mistake: Mistake) -> str:
        where = self._where(mistake.path)
        return (
            f"{where}: {dotted(mistake.path)}: {mistake.text}" if where else f"{dotted(mistake.path)}: {mistake.text}"
        )

    def _line_of(self, path: Place) -> int:
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 0)


def _hint() -> str:
    return f"Correct this and run the same command again. Settings in effect: {next_command('config', 'show')}"


def _text(path: Path) -> str:
    where = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        hint = f"To write one: `{next_command('init')}`. Or choose another file with --config PATH."
        raise ConfigInvalid(f"{where} does not exist.", hint) from None
    except IsADirectoryError:
        raise ConfigInvalid(
            f"{where} is a folder.", f"Give the path of the file: --config {where.rstrip('/')}/config.toml"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a path"
        raise ConfigInvalid(
            f"{where} cannot be read: {reason}.", "Check its permissions, or name another with --config PATH."
        ) from None
    if len(content) > LONGEST_FILE:
        raise ConfigInvalid(
            f"{where} is larger than 256 KB, so it is not a config.toml.", "Name another with --config PATH."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid(f"{where}:{line}: this is not UTF-8 text.", "Save the file as UTF-8.") from None


def _not_toml(text: str, reason: str, source: str) -> ConfigInvalid:
    """The parser's complaint with its line, and a remedy for the usual slips."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", reason)
    rows = text.replace("\r\n", "\n").split("\n")
    number = int(found[1]) if found else len(rows)
    said = reason[: found.start()] if found else reason.removesuffix(" (at end of document)")
    row = rows[number - 1] if number <= len(rows) else ""
    remedy = ""
    if slip := re.match(r"\s*([A-Za-z0-9_.-]+)\s*=\s*([A-Za-z][\w./*-]*)\s*(#.*)?$", row):
        word = slip[2].lower()
        remedy = f"; write {slip[1]} = {word if word in ('true', 'false') else shown(slip[2])}"
    elif re.match(r"\s*[A-Za-z0-9_.-]+\s*:", row):
        remedy = "; TOML writes key = value"
    elif "overwrite" in said or "twice" in said:
        remedy = "; the key is defined twice"
    return _refusal([f"{source}:{number}: not TOML: {printable(said)}{remedy}"])


def _refusal(said: Sequence[str]) -> ConfigInvalid:
    """All mistakes, one a line; more than one are counted first."""
    if len(said) == 1:
        return ConfigInvalid(said[0], _hint())
    more = [f"… and {len(said) - MOST_TOLD} more"] if len(said) > MOST_TOLD else []
    return ConfigInvalid("\n".join([f"{len(said)} mistakes in the settings", *said[:MOST_TOLD], *more]), _hint())


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return {key: _frozen(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _touches(one: Place, other: Place) -> bool:
    """Check whether one of the two places is inside the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _leaves(tree: Mapping[str, Any], above: Place = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*(str(part) for part in above), key)
