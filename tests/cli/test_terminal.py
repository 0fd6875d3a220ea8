"""Any terminal, pipe or file: nothing foreign reaches it as a control sequence, and it stops no work."""

from __future__ import annotations

import codecs
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from awsdeploy.engine.events import ResourceEvent
from awsdeploy.progress import console, streams
from awsdeploy.progress.steps import BoardRow, DisplayClock
from tests.cli.test_logs import write
from tests.release.repository import commit, git, repository
from tests.sampling import sampled
from tests.simulated import World, machines
from tests.terminal import talk
from tests.warm import SCRIPT

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"

[services.frontend]
[services.backend]
"""
CONTROLS = "\x1b]52;c;bHM=\x07 \x1b[31m \x1b[2J \x9b2J \x90q\x9c \r \x08 \x0b \x7f \u202e \u2066 \x00"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COMMANDS = [
    *("plan", "status", "cost", "doctor", "releases", "env list", "logs", "policy", "config show", "config schema"),
    *("backups", "unlock", "repository show", "ci github", "sandbox status", "deploy", "--help", "nonsense"),
]
ENCODINGS = ("ascii", "latin-1", "cp949", "euc-kr")


def test_what_is_shown_is_printable_and_json_stays_json() -> None:
    said = streams.printable(f"a\tb\r\n{CONTROLS}\ud83d")
    assert not FORBIDDEN.search(said)
    assert said.startswith("a\tb\n\\u001b]52;c;bHM=\\u0007  \\u001b[2J")
    document = {"message": CONTROLS + "가\\"}
    for ascii_only in (True, False):
        assert json.loads(streams.printable(json.dumps(document, ensure_ascii=ascii_only))) == document


def test_what_an_encoding_has_not_is_shown_plainly() -> None:
    codecs.register_error(streams._replaced.__name__, streams._replaced)
    shown = "✓ … → 가 😀".encode("ascii", streams._replaced.__name__)
    assert shown == rb"+ ... -> \uac00 \ud83d\ude00"
    assert json.loads(b'"' + shown + b'"') == "+ ... -> 가 😀"


def cleaned(text: str, words: list[str], *encodings: str) -> None:
    assert "Traceback" not in text, words
    assert "itself failed" not in text, words
    assert not FORBIDDEN.search(text), (words, encodings, text)


@pytest.mark.parametrize("words", sampled(COMMANDS, {*COMMANDS} - {"status", "backups"}))
def test_every_command_prints_in_any_encoding(stack_world: World, words: str) -> None:
    encoding = ENCODINGS[COMMANDS.index(words) % len(ENCODINGS)]
    (stack_world.folder / "config.toml").write_text(CONFIG)
    usual = stack_world.awsdeploy(*words.split())
    done = stack_world.awsdeploy(*words.split(), PYTHONIOENCODING=encoding, COLUMNS="rubbish", TERM="odd")
    assert done.returncode == usual.returncode, done.stderr
    cleaned(done.stdout + done.stderr, [words], encoding)


def test_a_request_in_the_logs_writes_to_no_clipboard(stack_copy: World) -> None:
    write(stack_copy, machines(stack_copy)["backend-1"], f"GET /{CONTROLS} 가")
    shown = stack_copy.awsdeploy("logs", "backend", "--since", "30d")
    assert "\\u001b]52;c;bHM=\\u0007" in shown.stdout
    cleaned(shown.stdout, ["logs"])
    told = stack_copy.awsdeploy("logs", "backend", "--json", "--since", "30d").stdout
    cleaned(told, ["logs --json"])
    assert json.loads(told)["message"] == f"GET /{CONTROLS} 가"
    on_terminal, code = talk(["logs", "backend", "--since", "30d"], [])
    assert code == 0
    assert "\x1b]" not in on_terminal
    assert "\x1b[2m" in on_terminal  # our own colours are there, the request's are not
    assert "\x1b[31m" not in on_terminal


def test_names_from_everywhere_are_shown_and_not_obeyed(stack_copy: World) -> None:
    evil = CONTROLS.replace("\x00", "")
    code = repository(stack_copy.folder)
    commit(code, {".gitignore": ".awsdeploy/\n"})
    (code / f"new {evil}".replace("/", "")).write_text("1")
    (Path(os.fsdecode(os.fsencode(code) + b"/caf\xe9"))).write_text("1")
    git(code, "tag", "v1")
    tries = [
        ["deploy"],
        ["deploy", "--ref", f"v1{evil}"],
        ["env", "set", f"A{evil}=1"],
        ["logs", f"x{evil}"],
        ["exec", f"x{evil}", "--", "ls"],
        [f"x{evil}"],
        ["status", "--region", f"x{evil}"],
        ["plan", "--config", f"x{evil}"],
    ]
    for words in tries:
        done = stack_copy.awsdeploy(*words)
        cleaned(done.stdout + done.stderr, words)
    (stack_copy.folder / "config.toml").write_text(
        CONFIG + f"\n[tags]\n{json.dumps('k' + evil)} = {json.dumps(evil)}\n"
    )
    done = stack_copy.awsdeploy("plan")
    cleaned(done.stdout + done.stderr, ["plan"])


def test_what_aws_says_is_shown_on_the_board_and_not_obeyed(capfd: pytest.CaptureFixture[str]) -> None:
    script = (
        "from awsdeploy.progress import console, streams\nfrom awsdeploy.engine.events import ResourceEvent\n"
        "from awsdeploy.progress.steps import BoardRow, DisplayClock\nstreams.install()\n"
        "with console.show_progress([('A', [BoardRow('a/b', 'x')])], clock=DisplayClock()) as emit:\n"
        f"    emit(ResourceEvent('a/b', 'waiting', 'pending', {CONTROLS!r}))\n"
        f"    emit(ResourceEvent('a/b', 'failed', detail={CONTROLS!r}))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    cleaned(said, ["watching"])
    with console.show_progress([("A", [BoardRow("a/b", "x")])], clock=DisplayClock()) as emit:
        emit(ResourceEvent("a/b", "failed", detail="x"))
    assert "FAILED" in capfd.readouterr().err


def redirected(world: World, words: str, how: str) -> tuple[int, str]:
    """Run it by a shell that does `how` with its streams."""
    command = f"{SCRIPT} {words} {how}"
    done = subprocess.run(["bash", "-c", command], cwd=world.folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert "itself failed" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("how", "code"),
    [("<&-", 0), (">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), (">/dev/full", 1), ("2>/dev/full", 0), ("| head -1", 0)],
)
def test_a_stream_that_is_closed_or_full_is_no_failure_of_ours(stack_world: World, how: str, code: int) -> None:
    (stack_world.folder / "config.toml").write_text(CONFIG)
    done = redirected(stack_world, "config schema", how)
    assert done[0] == code
    if how == ">/dev/full":
        assert "Standard output cannot be written: No space left on device." in done[1]


@pytest.mark.parametrize(
    ("how", "code"), sampled([("2>&1 >/dev/full", 1), ("> >(true)", 0), ("2> >(true) >&2", 0), (">&- 2>&-", 0)])
)
def test_what_was_begun_is_finished_although_nobody_reads(stack_copy: World, how: str, code: int) -> None:
    ended, said = redirected(stack_copy, "destroy --confirm shop-dev --delete-data", how)
    assert ended == code, said
    assert stack_copy.awsdeploy("status").returncode == 6
