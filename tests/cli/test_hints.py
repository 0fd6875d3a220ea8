"""Commands to type next: always by `next_command`, so always with the flags in use, and they can be typed."""

from __future__ import annotations

import ast
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from awsdeploy import errors
from awsdeploy.cli.app import COMMANDS, LazyGroup, awsdeploy
from awsdeploy.cli.options import SANDBOX, Given
from awsdeploy.sandbox import control
from tests.conftest import SPEED
from tests.simulated import warm
from tests.test_house import MODULES, SOURCE

BARE = re.compile(rf"\bawsdeploy (?:--?\S+ )*(?:{'|'.join(COMMANDS)})\b(?!\.toml)")
WITH_WORDS = re.compile(rf"`(?:{'|'.join(COMMANDS)}) [^`]*--[^`]*`")
SPOKEN = {name: path for name, path in MODULES.items() if not name.startswith("awsdeploy.sandbox")}


def texts(tree: ast.AST) -> Iterator[str]:
    """Every string but docstrings, the examples of `--help` and the comments of files that we write."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        example = (isinstance(node, ast.keyword) and node.arg == "examples") or (
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(("EXAMPLES", "FORMAT"))
        )
        if example or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            skipped |= set(ast.walk(node.value))  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield "" if node.value.lstrip().startswith("#") else node.value.partition("    # ")[0]


def told(tree: ast.AST) -> Iterator[tuple[ast.Call, bool]]:
    """Every call of `next_command`, and whether it is made inside a function."""

    def within(node: ast.AST, inside: bool) -> Iterator[tuple[ast.Call, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and ast.unparse(child.func) == "next_command":
                yield child, inside
            body = isinstance(node, ast.FunctionDef) and child in node.body
            yield from within(child, inside or body or isinstance(child, ast.Lambda))

    return within(tree, False)


@pytest.mark.parametrize("module", sorted(SPOKEN))
def test_nobody_names_a_command_without_its_flags(module: str) -> None:
    tree = ast.parse(SPOKEN[module].read_text())
    bare = [text for text in texts(tree) if BARE.search(text) or WITH_WORDS.search(text)]
    assert bare == [], "say it with hints.next_command(…)"
    outside = [ast.unparse(call) for call, inside in told(tree) if not inside]
    assert outside == [], "the flags are not known while modules are imported: put it into a function"


def test_what_machines_say_is_marked_so_that_flags_can_be_added() -> None:
    for path in (SOURCE / "bootstrap").glob("*.sh"):
        for line in path.read_text().splitlines():
            if not line.lstrip().startswith("#"):
                assert len(re.findall("`awsdeploy [^`]+`", line)) == len(BARE.findall(line)), line


def commands() -> list[list[str]]:
    """The words of every hint in the source; what only a run knows is VALUE."""
    found = []
    for path in SPOKEN.values():
        for call, _ in told(ast.parse(path.read_text())):
            known = [one.value if isinstance(one, ast.Constant) else "VALUE" for one in call.args]
            found.append([str(one) for one in known])
    return found


def known_to(words: list[str]) -> tuple[click.Command, set[str]]:
    """The command that these words call, and the options it takes."""
    at: click.Command = awsdeploy
    context = click.Context(awsdeploy)
    while isinstance(at, click.Group) and words:
        name, *words = words
        child = at.get_command(context, name)
        assert child is not None, name
        at = child
    return at, {option for parameter in at.params for option in parameter.opts} | {"--help"}


def test_every_command_that_is_told_exists_and_takes_the_flags() -> None:
    found = commands()
    assert len(found) > 40
    for words in found:
        command, options = known_to(words)
        given = {word for word in words if word.startswith("--")}
        assert given <= options, words
        if "--help" not in words:
            assert {"--config", "-e", "--region", "--sandbox"} <= options, command.name


@pytest.fixture
def _plain() -> Iterator[None]:
    yield
    errors.typed_as()


@pytest.mark.usefixtures("_plain")
def test_flags_come_before_what_is_not_ours_and_are_quoted() -> None:
    given = Given(config=Path("my shop.toml"), environment="dev", sandbox=True)
    assert given.typed(["exec", "backend", "--", "ls"]).partition("awsdeploy ")[2] == (
        "exec backend --config 'my shop.toml' -e dev --sandbox -- ls"
    )
    assert given.typed(["up", "--sandbox"]).count("--sandbox") == 1
    elsewhere = Given(region="eu-west-1")
    assert elsewhere.typed(["list", "--region", "NAME"]).endswith(" list --region NAME")
    errors.typed_as(given.typed)
    said = errors.with_flags("Look: `awsdeploy env list`, and `npm ci`.")
    assert said.endswith("env list --config 'my shop.toml' -e dev --sandbox`, and `npm ci`.")


@pytest.mark.usefixtures("_plain")
def test_a_command_takes_its_flags_from_wherever_they_were_given() -> None:
    assert isinstance(awsdeploy, LazyGroup)
    with pytest.raises(SystemExit):
        awsdeploy.main(["--sandbox", "config", "show", "-e", "x", "--config", "no.toml"])
    assert errors.next_command("up").endswith(" up --config no.toml -e x --sandbox")


CONFIG = """\
name = "shop"
environment = "prod"
platform = "documented"
[environments.x]
preset = "dev"
"""
FLAGS = ["--config", "my shop.toml", "-e", "x", "--sandbox"]
FAILING = [
    ["backups"],
    ["deploy"],
    ["env", "set", "backend", "A=b"],
    ["exec", "backend", "true"],
    ["logs"],
    ["open"],
    ["plan"],
    ["policy"],
    ["releases"],
    ["repository", "connect"],
    ["repository", "show"],
    ["restart", "backend"],
    ["rollback"],
    ["shell", "backend"],
    ["status"],
    ["tunnel", "database"],
    ["up", "--yes", "--replace", "no/such"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder with the running sandbox of `--sandbox`, in which nothing is deployed."""
    folder = tmp_path_factory.mktemp("hints")
    (folder / "my shop.toml").write_text(CONFIG)
    home = folder / SANDBOX
    control.start(home, speed=SPEED, idle=600)
    yield folder
    control.stop(home)


@pytest.mark.parametrize("words", FAILING, ids=" ".join)
def test_a_command_that_fails_says_what_to_type_with_the_flags(folder: Path, words: list[str]) -> None:
    done = warm().run([*words, *FLAGS], folder, os.environ, "", 120)
    said = done.stdout + done.stderr
    found = re.findall(rf"awsdeploy (?:{'|'.join(COMMANDS)})\b.*", said)
    assert found, said
    assert [one for one in found if shlex.join(FLAGS) not in one] == []
