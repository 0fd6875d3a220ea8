"""Recorder of a command's calls and statuses: one JSON row each, written at once, so a killed process loses none.

A row holds no parameter, no identifier and no value: of an answer its shape, of an object a digest that tells it from
others within one rehearsal.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from awsdeploy.aws.calls import AnsweredCall
from awsdeploy.engine.resource import Gate, Observed, Resource
from awsdeploy.engine.run import Run
from awsdeploy.rehearsal import shape

VARIABLE = "AWSDEPLOY_RECORDING"
"""Environment variable with the file to which a command appends its rows."""

UNREADABLE = "unreadable"
"""Recorded instead of text that is not a status or error code, such as a web page."""
STATUS = re.compile(r"[A-Za-z]+(?:[ _-][A-Za-z]+){0,5}")
CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,79}|no (?:answer|connection|credentials)|not sent|[1-5][0-9]{2}")


def listen(run: Run) -> None:
    """Record this run, if the environment names a file for it."""
    if path := os.environ.get(VARIABLE):
        recorder = Recorder(Path(path))
        run.session.on_call, run.on_look = recorder.called, recorder.looked


class Recorder:
    """Appends rows to a file. Called from many threads."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._seen: dict[tuple[str, str], dict[str, str]] = {}
        self._guard = threading.Lock()

    def called(self, call: AnsweredCall) -> None:
        """Record a call: its operation, duration (seconds), outcome and the shape of its answer."""
        row: dict[str, Any] = {
            "call": f"{call.service}:{call.operation}",
            "seconds": round(call.seconds, 4),
            "outcome": _only(CODE, call.outcome),
        }
        if call.outcome == "ok":
            model = call.meta.service_model.operation_model(call.operation).output_shape
            row["shape"] = {} if model is None else shape.of(model, call.answer)
        with self._guard:
            self._write(row)

    def looked(self, kind: type[Resource], region: str, observations: Sequence[Observed]) -> None:
        """Record the statuses of a kind's objects, where they are not those of the look before."""
        states = {_digest(one.id or one.key): _only(STATUS, one.status) for one in observations}
        place = kind.__name__, region
        with self._guard:
            whole = not issubclass(kind, Gate)  # each gate is observed by itself
            seen = states if whole else {**self._seen.get(place, {}), **states}
            if self._seen.get(place) != seen:
                self._seen[place] = seen
                ready = sorted(kind.wait.ready)
                self._write({"kind": place[0], "region": region, "states": states, "ready": ready, "whole": whole})

    def _write(self, row: dict[str, Any]) -> None:
        os.write(self._file, json.dumps({"at": round(time.time(), 3), **row}).encode() + b"\n")


def _only(words: re.Pattern[str], said: str) -> str:
    """A word as AWS has it; what does not look like one is no word."""
    return said if words.fullmatch(said) else UNREADABLE


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:12]
