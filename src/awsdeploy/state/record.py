"""The local record of a stack: intentions written before AWS hears of them, and a cache of what exists.

AWS is the truth; this file may be deleted, truncated or left on another machine and is rebuilt from
tags. It never holds a secret. Every change is on disk (temporary file, fsync, rename, fsync of the
folder) before the call it announces. Knows nothing of AWS.
"""

from __future__ import annotations

import json
import math
import os
import textwrap
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awsdeploy.errors import AwsdeployError, WrongAccount
from awsdeploy.state import files

VERSION = 1

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Migrations from version n to n + 1; each is tested from a kept sample of version n."""


class StateUnwritable(AwsdeployError):
    """The state file could not be written, so nothing more may be created."""


class StateTooNew(AwsdeployError):
    """The state file was written by a newer awsdeploy."""

    exit_code = 5


@dataclass
class StateEntry:
    """One resource: `phase` is creating, created, ready or deleting; `at` is when it began, `changed` when the last
    change of it was sent to AWS (UTC, ISO 8601)."""

    kind: str
    phase: str
    generation: str = ""
    id: str = ""
    token: str = ""
    region: str = ""
    at: str = ""
    changed: str = ""
    needs: list[str] = field(default_factory=list)
    declaration: dict[str, Any] = field(default_factory=dict)

    def age(self) -> float:
        """Seconds since the phase began, by this machine's clock; 0 if the clock went back."""
        return _age(self.at)

    def changed_before(self) -> float:
        """Seconds since the last change was sent to AWS, by this machine's clock; infinite if none was."""
        return _age(self.changed) if self.changed else math.inf


def _age(moment: str) -> float:
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
    except ValueError:
        return 0.0


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class State:
    """The record in memory and on disk. Methods are safe for many threads; each write is durable on return."""

    def __init__(self, path: Path, stack: str) -> None:
        self.path, self.stack = path, stack
        self.account = self.region = ""
        self.serial = 0
        self.entries: dict[str, StateEntry] = {}
        self.rebuilt = ""
        """Reason why the file on disk could not be used, or nothing."""
        self.on_failure: Callable[[AwsdeployError], object] = lambda _error: None
        """Told of a write that failed, so that the run stops and not only the resource that noticed."""
        self._lock = threading.RLock()
        self._texts: dict[str, str] = {}
        """Entries as the file has them: a write encodes only what changed, else many resources cost their square."""

    @classmethod
    def load(cls, path: Path, stack: str) -> State:
        """Read the file; one that cannot be understood is set aside and the state begins empty.

        Raises `StateTooNew` for a file of a newer version, which is left alone.
        """
        state = cls(path, stack)
        try:
            text = files.read(path)
        except FileNotFoundError:
            return state
        except (OSError, UnicodeDecodeError) as error:
            if isinstance(error, PermissionError | IsADirectoryError):
                raise StateUnwritable(f"{path} cannot be read: {error}", "Make it readable, or move it away.") from None
            text = ""
        try:
            state._take(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            aside = path.with_suffix(f".damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.json")
            try:
                os.replace(path, aside)
            except OSError as error:
                raise StateUnwritable(f"{path} is damaged and cannot be renamed: {error}", "Move it away.") from None
            state = cls(path, stack)
            state.rebuilt = f"{path.name} was damaged. It was renamed to {aside.name} and rebuilt from AWS."
        return state

    def _take(self, document: dict[str, Any]) -> None:
        version = document["version"]
        if version > VERSION:
            raise StateTooNew(
                f"{self.path} was written by a newer awsdeploy (version {version}; this one knows {VERSION}).",
                "Upgrade awsdeploy: pipx upgrade awsdeploy",
            )
        for step in range(version, VERSION):
            document = MIGRATIONS[step](document)
        if document["stack"] != self.stack:
            raise ValueError("another stack's state")
        known = {spec.name for spec in fields(StateEntry)}
        self.account, self.region = _word(document["account"]), _word(document["region"])
        self.serial = int(document["serial"])
        self.entries = {
            str(key): StateEntry(**{k: v for k, v in entry.items() if k in known})
            for key, entry in document["entries"].items()
        }
        for entry in self.entries.values():
            for word in (
                entry.kind,
                entry.phase,
                entry.generation,
                entry.id,
                entry.token,
                entry.region,
                entry.at,
                entry.changed,
            ):
                _word(word)
            entry.needs = [_word(key) for key in entry.needs]
            entry.declaration = dict(entry.declaration)

    def pin(self, account: str, region: str) -> None:
        """Bind the stack to this account and region. Raises `WrongAccount` if it is bound to others."""
        for word, mine, other in (("account", self.account, account), ("region", self.region, region)):
            if mine and mine != other:
                raise WrongAccount(
                    f"This stack is in {word} {mine}, but your credentials and settings are for {word} {other}.",
                    f"Use {word} {mine} (AWS_PROFILE, region), or another name or environment for a second stack.",
                )
        self.account, self.region = account, region

    def creating(self, key: str, entry: StateEntry) -> StateEntry:
        """Write the intention before the call. A token given before survives, so a repeated create is the same."""
        with self._lock:
            entry.phase, entry.at = "creating", now()
            entry.token = entry.token or uuid.uuid4().hex
            self.entries[key] = entry
            self._changed(key)
            return entry

    def mark(self, key: str, phase: str, **values: str) -> None:
        """Move an entry on to `phase`, setting other fields of it (an id) in the same write."""
        with self._lock:
            entry = self.entries[key]
            entry.phase, entry.at = phase, now()
            for name, value in values.items():
                setattr(entry, name, value)
            self._changed(key)

    def changing(self, key: str, declaration: dict[str, Any]) -> None:
        """Record, before the call, that a change to `declaration` is sent now. Nothing if the key is not known."""
        with self._lock:
            if entry := self.entries.get(key):
                entry.changed, entry.declaration = now(), declaration
                self._changed(key)

    def put(self, key: str, entry: StateEntry) -> None:
        """Record what AWS shows; written only if it differs from what is known."""
        with self._lock:
            before = self.entries.get(key)
            entry.at = before.at if before else now()
            entry.token = before.token if before else ""
            entry.changed = before.changed if before else ""
            if before != entry:
                self.entries[key] = entry
                self._changed(key)

    def gone(self, key: str) -> None:
        with self._lock:
            if self.entries.pop(key, None) is not None:
                self._changed(key)

    def save(self) -> None:
        """Write durably. Raises `StateUnwritable`, after which nothing may be created."""
        with self._lock:
            self.serial += 1
            try:
                write_durably(self.path, self._text())
            except OSError as error:
                failure = StateUnwritable(
                    f"The state file {self.path} cannot be written: {error.strerror}.",
                    "Nothing more was created. Free disk space or fix the file permissions, then run the same command "
                    "again.",
                )
                self.on_failure(failure)
                raise failure from None

    def _changed(self, key: str) -> None:
        self._texts.pop(key, None)
        self.save()

    def _text(self) -> str:
        """The whole file: JSON, indented, its keys in a stable order."""
        head = {
            "version": VERSION,
            "stack": self.stack,
            "account": self.account,
            "region": self.region,
            "serial": self.serial,
        }
        for key, entry in self.entries.items():
            if key not in self._texts:
                self._texts[key] = textwrap.indent(_members({key: vars(entry)}), " ")
        entries = ",\n".join(self._texts[key] for key in sorted(self.entries))
        parts = [_members(head), f' "entries": {{\n{entries}\n }}' if entries else ' "entries": {}']
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def remove(self) -> None:
        """The stack is gone, and so is its record."""
        with self._lock:
            self.entries.clear()
            try:
                self.path.unlink()
                sync_folder(self.path.parent)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise StateUnwritable(
                    f"{self.path} cannot be removed: {error.strerror}.", "Delete it yourself."
                ) from None


def _members(document: dict[str, Any]) -> str:
    """The lines between the braces of a JSON object."""
    return json.dumps(document, indent=1).removeprefix("{\n").removesuffix("\n}")


def write_durably(path: Path, text: str) -> None:
    """Replace `path` by `text`, readable by its owner only; after a power cut it is the old or the new."""
    files.own_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(temporary, "w", encoding="utf-8", opener=files.unlinked) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
