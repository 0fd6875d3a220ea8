"""A recording of a stack's whole life holds nothing that the run knew: every value sent or answered is searched for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from awsdeploy import architecture
from awsdeploy.aws.calls import AnsweredCall
from awsdeploy.aws.session import Client
from awsdeploy.engine import plan, teardown, up
from awsdeploy.engine.resource import DestroyOptions
from awsdeploy.engine.run import Run
from awsdeploy.rehearsal import recording
from awsdeploy.rehearsal.recorder import Recorder
from tests.simulated import REGION, World

CONFIG = """\
name = "quincy"
environment = "dev"
domain = "example.com"
platform = "supported"

[network]
ssh_from = ["203.0.113.7/32"]

[monitoring]
emails = ["ops@quincy.example"]
"""
SHORTEST = 6  # characters of a value that is searched for: shorter ones are found by chance
BY_NAME = ("quincy", "example.com", "ops@", "203.0.113.7", "123456789012", "arn:", "AKIA", "10.0.")


def leaves(value: Any) -> Iterator[str]:
    """Every string in a value, keys of maps too."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from leaves(inner)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str):
        yield value


class Heard:
    """Every value of a run, and botocore's own words, by its models of the operations that were called."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.words: set[str] = set()
        self._read: set[str] = set()

    def called(self, call: AnsweredCall) -> None:
        self.values.update(leaves(call.answer))
        model = call.meta.service_model
        if model.service_name not in self._read:
            self._read.add(model.service_name)
            self.words.update(model.operation_names)
            for name in model.shape_names:
                shape = model.shape_for(name)
                self.words.update(getattr(shape, "enum", ()), getattr(shape, "members", ()))

    def secrets(self) -> set[str]:
        """The values that are no word of AWS's own, nor part of one."""
        own = "\n".join(sorted(self.words))
        return {one for one in self.values if len(one) >= SHORTEST and one != REGION and one not in own}


def listening(run: Run, recorder: Recorder, heard: Heard) -> Run:
    def called(call: AnsweredCall) -> None:
        recorder.called(call)
        heard.called(call)

    run.session.on_call, run.on_look = called, recorder.looked
    return run


@pytest.mark.slow
def test_no_value_of_a_run_is_in_its_recording(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, heard = tmp_path / "rows", Heard()
    recorder = Recorder(rows)
    sent = Client._call

    def noted(client: Client, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        heard.values.update(leaves(parameters))
        return sent(client, method, parameters)

    monkeypatch.setattr(Client, "_call", noted)
    settings = world.settings(CONFIG)
    run = listening(world.run(settings)[0], recorder, heard)
    up.apply(run, plan.make(run, architecture.steps(settings)))
    run = listening(world.run(settings)[0], recorder, heard)
    teardown.destroy(run, teardown.survey(run, DestroyOptions(data=True, zone=True)))

    header = recording.Header("aws", REGION, 1.0, True, "2026-11-27")
    told = recording.document(header, [recording.RecordedCommand("up", 0, 1.0, rows=tuple(recording.rows(rows)))])
    text = recording.text(told)
    assert len(told["calls"]) > 60, "nothing was recorded"
    assert {"creating", "available"} <= set(told["statuses"]["Database"])
    # Operations are named as policies name actions, and a status need not be one of an enumeration.
    statuses = {status for by_status in told["statuses"].values() for status in by_status}
    heard.words |= {"awsdeploy", *told["calls"], *statuses}
    assert len(secrets := heard.secrets()) > 500, "nothing was heard"
    assert not sorted(one for one in secrets if one in text)
    assert [one for one in BY_NAME if one in text] == []
    assert [one for one in BY_NAME[:4] if one in rows.read_text()] == []
