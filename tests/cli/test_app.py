"""The command line itself: what it lists, imports, refuses, and how it ends."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from awsdeploy import __version__
from awsdeploy.cli import awsdeploy
from awsdeploy.cli.app import COMMANDS, ExampleHelp
from awsdeploy.cli.options import program
from awsdeploy.errors import StateLocked, Terminated

HEAVY = ("pydantic", "boto3", "botocore", "rich", "tenacity", "moto", "jinja2")
EXISTING = [name for name, entry in COMMANDS.items() if importlib.util.find_spec(entry.module)]


def run(*words: str, **more: str | None) -> Result:
    return CliRunner().invoke(awsdeploy, list(words), env=more)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[BaseException], Result]:
    """Run a command that raises."""
    monkeypatch.chdir(tmp_path)

    def invoke(error: BaseException, *flags: str) -> Result:
        @click.command()
        def boom() -> None:
            raise error

        monkeypatch.setattr(type(awsdeploy), "get_command", lambda *_: boom)
        return CliRunner().invoke(awsdeploy, [*flags, "status"])

    return invoke


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], [], ["--version"], ["config", "--help"], ["completion", "--help"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys\nfrom awsdeploy.cli import awsdeploy\n"
        f"try: awsdeploy.main({words!r})\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert done.stdout


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"awsdeploy {__version__}\n"


def test_it_runs_as_a_module_too() -> None:
    done = subprocess.run([sys.executable, "-m", "awsdeploy", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == run("--version").stdout


def test_what_to_type_next_is_what_it_was_started_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "awsdeploy/__main__.py")])
    assert program() == "python -m awsdeploy"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin/awsdeploy")])
    assert program() == "bin/awsdeploy"


def test_no_command_shows_the_help_with_examples_before_options() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout
    assert result.stdout.index("Examples:") < result.stdout.index("Usage:") < result.stdout.index("Options:")
    for name, entry in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.short_help)}$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", EXISTING)
def test_every_command_and_its_parts_help_with_examples(name: str) -> None:
    command = awsdeploy.get_command(click.Context(awsdeploy), name)
    parts = list(command.commands) if isinstance(command, click.Group) else []
    for words in [[name], *([name, part] for part in parts)]:
        shown = run(*words, "--help")
        assert shown.exit_code == 0
        assert "Examples:\n" in shown.stdout, words
        assert f"awsdeploy {' '.join(words)}" in shown.stdout
    assert isinstance(command, ExampleHelp)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stauts"], "Did you mean status?"),
        (["--nonsense"], "--nonsense"),
        (["config", "shwo"], "show"),
        (["config", "show", "--jsn"], "--json"),
        (["completion"], "{bash|zsh|fish}"),
        (["completion", "powershell"], "powershell"),
        (["config", "show", "--env"], "--env"),
        (["config", "show", "extra"], "1 argument too many"),
        (["--speed", "0", "config", "show"], "out of range: more than 0"),
        (["--speed", "nan", "config", "show"], "out of range: more than 0"),
        (["--speed", "fast", "config", "show"], "fast"),
        (["--sandbox"], "Missing command"),
    ],
)
def test_a_mistyped_command_line_ends_with_64_and_leads_to_help(words: list[str], says: str) -> None:
    result = run(*words)
    assert result.exit_code == 64
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert says in result.stderr
    assert re.search(r"→ awsdeploy.* --help$", result.stderr.strip())


def test_a_failure_says_what_happened_what_to_do_and_ends_with_its_code(
    failing: Callable[[BaseException], Result],
) -> None:
    result = failing(StateLocked("shop-prod is locked.", "Wait for it."))
    assert (result.exit_code, result.stdout) == (75, "")
    assert result.stderr == "Error: shop-prod is locked.\n→ Wait for it.\n"
    assert failing(Terminated("Stopped.")).exit_code == 143


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), EOFError()])
def test_ctrl_c_ends_with_130(failing: Callable[[BaseException], Result], error: BaseException) -> None:
    result = failing(error)
    assert result.exit_code == 130
    assert result.stderr.strip() == "Stopped."


def test_what_nobody_expected_leaves_one_line_and_a_report_without_secrets(
    failing: Callable[[BaseException], Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexample")
    monkeypatch.setattr(sys, "argv", ["awsdeploy", "up", "--config", "/private/place", "--env=customer"])
    cause = ValueError("MasterUserPassword=hunter2 was too short")
    error = RuntimeError("AKIAIOSFODNN7EXAMPLE with wJalrXUtnFEMIexample and eyJhbGciOiJIUzI1NiIsInR5cCI6")
    error.__cause__ = cause
    result = failing(error)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (crash,) = (tmp_path / ".awsdeploy").glob("crash-*.txt")
    assert f".awsdeploy/{crash.name}" in result.stderr
    assert crash.stat().st_mode & 0o777 == 0o600
    report = crash.read_text()
    for part in (
        __version__,
        "RuntimeError",
        "ValueError",
        Path(__file__).name,
        "command: awsdeploy up --config … --env",
    ):
        assert part in report
    for secret in ("hunter2", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", "eyJhbGci", "customer", "/private/place"):
        assert secret not in report
    assert str(Path.home()) + "/" not in report


def test_where_no_report_can_be_written_debug_is_the_way(
    failing: Callable[[BaseException], Result], tmp_path: Path
) -> None:
    (tmp_path / ".awsdeploy").write_text("in the way")
    result = failing(RuntimeError("x"))
    assert result.exit_code == 1
    assert "--debug" in result.stderr


def test_debug_shows_the_failure_itself(
    failing: Callable[..., Result],
) -> None:
    error = RuntimeError("inside")
    assert failing(error, "--debug").exception is error


def test_windows_is_sent_to_wsl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awsdeploy.cli.failures.sys.platform", "win32")
    result = run("--help")
    assert result.exit_code == 64
    assert result.stderr.startswith("awsdeploy runs on macOS, Linux and Windows through WSL: ")


def test_a_reader_that_leaves_early_gets_no_complaint() -> None:
    script = "import os, sys\nfrom awsdeploy.cli import main\nsys.argv = ['awsdeploy', 'config', 'schema']\nmain()"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_us_back(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_AWSDEPLOY_COMPLETE={shell}_complete" in result.stdout


def test_completion_answers_without_importing_the_commands() -> None:
    script = "import sys\nfrom awsdeploy.cli import awsdeploy\ntry: awsdeploy.main([], prog_name='awsdeploy')\n"
    script += "finally: print([m for m in sys.modules if m.startswith('awsdeploy.cli.')], file=sys.stderr)"
    environment = os.environ | {"_AWSDEPLOY_COMPLETE": "bash_complete", "COMP_WORDS": "awsdeploy st", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert done.stdout == "plain,status\n"
    assert "awsdeploy.cli.commands.config" not in done.stderr


@pytest.mark.parametrize(("shell", "word"), [("bash", "1"), ("zsh", "1"), ("fish", "st")])
def test_completion_answers_in_every_shell(shell: str, word: str) -> None:
    environment = os.environ | {
        "_AWSDEPLOY_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "awsdeploy st",
        "COMP_CWORD": word,
    }
    done = subprocess.run([sys.executable, "-m", "awsdeploy"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "status" in done.stdout
    assert done.stderr == ""


def test_completion_loads_in_bash() -> None:
    done = subprocess.run(["bash", "-n"], input=run("completion", "bash").stdout, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["ci", "export", "repository", "restore", "sandbox"])
def test_the_commands_of_a_group_are_explained_by_a_whole_sentence(name: str) -> None:
    commands = run(name, "--help").stdout.partition("\nCommands:\n")[2]
    assert commands
    assert "..." not in commands
    assert commands.endswith(".\n")
