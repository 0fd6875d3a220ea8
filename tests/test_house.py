"""Rules of the house: imports between folders, no circles, files that fit in a head, docstrings."""

from __future__ import annotations

import ast
import functools
import graphlib
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "awsdeploy"
FILES = {".".join(path.relative_to(SOURCE.parent).with_suffix("").parts): path for path in SOURCE.rglob("*.py")}
MODULES = {name.removesuffix(".__init__"): path for name, path in FILES.items()}
LONGEST = 325  # lines; what grows beyond belongs in two files
SCRIPTS = sorted(
    path for folder in (SOURCE, Path(__file__).parent) for kind in ("js", "sh") for path in folder.rglob(f"*.{kind}")
)
LONGEST_SCRIPT = {"bootstrap.sh": 350}  # lines; others 250

ROOMS = (
    "errors",
    "config",
    "aws",
    "state",
    "dns",
    "engine",
    "resources",
    "cost",
    "diagram",
    "report",
    "architecture",
    "permissions",
    "export",
    "release",
    "operations",
    "preflight",
    "progress",
    "timeline",
    "rehearsal",
    "cli",
    "__main__",
)
"""Each room imports only from those before it. `machine` imports nothing, and `sandbox` stands beside: see below."""
BESIDE = ("", "machine", "sandbox")
LONGEST_CHAIN = 9
CLAUSES = set(
    "What Whatever Whether Where Who Whoever Whose How Which From When Why If As For Of In By With Until".split()
)

ONLY = {
    "boto3": ("awsdeploy.aws",),
    "rich": ("awsdeploy.progress", "awsdeploy.diagram"),
    "click": ("awsdeploy.cli",),
    "moto": ("awsdeploy.sandbox",),
    "tenacity": ("awsdeploy.aws",),
    "pydantic": ("awsdeploy.config",),
    "dotenv": ("awsdeploy.release",),
    "dns": ("awsdeploy.dns", "awsdeploy.sandbox"),
    "jinja2": ("awsdeploy.diagram", "awsdeploy.report"),
}
"""Library → the only parts that may import it."""


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def nodes(path: Path) -> Sequence[ast.AST]:
    """All nodes of a file: most rules look at each."""
    return list(ast.walk(parsed(path)))


@functools.cache
def imports(path: Path, also_for_types: bool = False) -> Sequence[str]:
    """Imports of a file, anywhere in it; those for annotations only on request."""
    return list(_imports(path, also_for_types))


def _imports(path: Path, also_for_types: bool) -> Iterator[str]:
    skipped: set[ast.AST] = set()
    for node in nodes(path):
        if isinstance(node, ast.If) and not also_for_types and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped |= {inner for one in node.body for inner in ast.walk(one)}
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{name.name}" for name in node.names]
            yield from (name if name in MODULES else node.module for name in inside)


def part(module: str) -> str:
    """The layer a module belongs to."""
    return module.split(".")[1] if "." in module else ""


@functools.cache
def graph() -> dict[str, set[str]]:
    """Our own modules that each module imports, for annotations too."""
    return {
        module: {one for one in imports(path, also_for_types=True) if one in MODULES} - {module}
        for module, path in MODULES.items()
    }


def test_a_room_imports_only_from_those_below() -> None:
    edges = [(module, one) for module in graph() if part(module) not in BESIDE for one in graph()[module]]
    assert len(edges) > 500
    sandbox = {module for module, imported in edges if part(imported) == "sandbox"}
    assert sandbox == {"awsdeploy.cli.options", "awsdeploy.cli.commands.sandbox"}
    others = [(module, one) for module, one in edges if part(one) not in ("", "sandbox", part(module))]
    assert [pair for pair in others if ROOMS.index(part(pair[1])) >= ROOMS.index(part(pair[0]))] == []


def test_the_listing_shows_rooms_and_nothing_else() -> None:
    rooms = {part(module) for module in MODULES} - {""}
    assert rooms == {*ROOMS, *BESIDE} - {""}
    there = {path.name for path in SOURCE.iterdir() if path.name != "__pycache__"}
    files = {path.name for path in SOURCE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "errors.py", "py.typed"}
    assert there - files == rooms - {"errors", "__main__"}


def test_a_room_says_in_a_sentence_what_it_holds() -> None:
    rooms = [path for path in MODULES.values() if path.name == "__init__.py"]
    first = {path: (ast.get_docstring(parsed(path)) or "").split("\n\n")[0] for path in rooms}
    assert [path for path, sentence in first.items() if not sentence.endswith(".")] == []


def test_the_chain_of_rooms_is_short() -> None:
    below = {
        room: {part(one) for module in MODULES if part(module) == room for one in graph()[module]} - {room, *BESIDE}
        for room in ROOMS[1:-1]
    }

    def chain(room: str) -> int:
        return 1 + max((chain(one) for one in below[room] - {"errors"}), default=0)

    assert max(map(chain, below)) <= LONGEST_CHAIN


def test_no_command_imports_another() -> None:
    commands = {module for module in MODULES if module.startswith("awsdeploy.cli.commands.")}
    assert len(commands) > 20
    assert {module: graph()[module] & commands for module in commands if graph()[module] & commands} == {}


def test_the_sandbox_knows_nothing_of_the_product() -> None:
    known = {
        imported for module, path in MODULES.items() if part(module) == "sandbox" for imported in imports(path, True)
    }
    ours = {one for one in known if one.startswith("awsdeploy") and part(one) != "sandbox"}
    assert ours == {"awsdeploy", "awsdeploy.errors", "awsdeploy.state.files"}


@pytest.mark.parametrize("library", ONLY)
def test_a_library_is_imported_in_one_part_only(library: str) -> None:
    users = {
        module for module, path in MODULES.items() if any(one.split(".")[0] == library for one in imports(path, True))
    }
    assert users, "no longer used"
    assert [module for module in users if not module.startswith(ONLY[library])] == []


def test_python_is_started_without_the_current_folder() -> None:
    """A cloned repository may contain modules: `-m` without `-P` would import them first."""
    started = re.compile(r"sys\.executable,\s*(\"-\w\")(?:,\s*(\"-\w\"))?")
    found = [(path.name, words) for path in MODULES.values() for words in started.findall(path.read_text())]
    assert len(found) >= 6
    assert [one for one in found if one[1][0] not in ('"-P"', '"-I"')] == []


def test_nothing_imports_in_a_circle() -> None:
    graphlib.TopologicalSorter(graph()).prepare()


def test_a_resource_is_imported_by_no_engine() -> None:
    """Kinds are found by being defined; the engine knows none by name."""
    for module, path in MODULES.items():
        if part(module) in ("engine", "state"):
            assert [one for one in imports(path, True) if part(one) == "resources"] == [], module


def test_a_file_fits_in_a_head() -> None:
    lines = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert {module: count for module, count in lines.items() if count > LONGEST} == {}


def test_a_script_fits_in_a_head() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in SCRIPTS}
    assert {name: count for name, count in lines.items() if count > LONGEST_SCRIPT.get(name, 250)} == {}


def test_a_file_of_the_agent_begins_with_what_it_is() -> None:
    texts = {path: path.read_text() for path in SCRIPTS if path.parent.name == "agent"}
    for path, text in texts.items():
        assert text.startswith("#!/bin/bash\n# " if path.suffix == ".sh" else "// "), path
        assert path.suffix == ".sh" or "\n// @ts-check\n'use strict'\n" in text, path


def test_a_module_says_what_it_is_for() -> None:
    assert [module for module, path in MODULES.items() if not ast.get_docstring(parsed(path))] == []


def value_docstrings(body: object) -> Iterator[str]:
    """The texts below the constants, attributes and fields of a block."""
    for above, below in itertools.pairwise(body if isinstance(body, list) else ()):
        if isinstance(above, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr):
            text = getattr(below.value, "value", None)
            if isinstance(text, str):
                yield text


def test_a_docstring_begins_with_a_noun_or_a_verb() -> None:
    texts = [
        (path.name, ast.get_docstring(node) or "")
        for path in (*SOURCE.rglob("*.py"), *Path(__file__).parent.rglob("*.py"))
        for node in nodes(path)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    below_values = [
        (path.name, text)
        for path in (*SOURCE.rglob("*.py"), *Path(__file__).parent.rglob("*.py"))
        for node in nodes(path)
        for text in value_docstrings(getattr(node, "body", None))
    ]
    assert (len(texts), len(below_values)) > (5000, 300)
    assert [one for one in texts + below_values if one[1].split(" ")[0] in CLAUSES] == []


@pytest.mark.parametrize("folder", [SOURCE, Path(__file__).parent], ids=["src", "tests"])
def test_a_class_name_is_used_once(folder: Path) -> None:
    places: dict[str, list[str]] = {}
    for path in folder.rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(folder)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_everything_unexpected_is_caught_in_two_places_only() -> None:
    """One is the end of a command, the other the sandbox's answer for AWS."""
    broad = {
        module
        for module, path in MODULES.items()
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    }
    assert broad == {"awsdeploy.cli.failures", "awsdeploy.sandbox.server.server"}


def test_git_is_run_in_one_function_and_programs_in_few_modules() -> None:
    """Every git runs with what a repository could start turned off; whoever runs a program has a reason to."""
    running = {
        module: parsed(path)
        for module, path in MODULES.items()
        if part(module) != "sandbox"
        and any(one.split(".")[0] in ("subprocess", "pty", "multiprocessing") for one in imports(path))
    }
    assert set(running) == {
        "awsdeploy.rehearsal.commands",
        "awsdeploy.release.git",
        "awsdeploy.release.repository",
        "awsdeploy.operations.sessions",
    }
    gits = [
        f"{module}.{function.name}"
        for module, tree in running.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.List | ast.Tuple) and node.elts and ast.unparse(node.elts[0]) == "'git'"
    ]
    assert gits == ["awsdeploy.release.git.run"]
    texts = {module: path.read_text() for module, path in MODULES.items() if part(module) != "sandbox"}
    assert [module for module, text in texts.items() if "os.system" in text or "os.popen" in text] == []


def test_everything_printed_goes_through_one_stream() -> None:
    """No colour of click's, which the stream would show instead of obeying, and no way past it."""
    past = ("click.style(", "click.secho(", "click.clear(", "sys.stdout.buffer", "sys.__stdout__", "echo_via_pager(")
    texts = {module: path.read_text() for module, path in MODULES.items() if part(module) != "sandbox"}
    assert [(module, one) for module, text in texts.items() for one in past if one in text] == []


def test_a_stack_is_named_in_one_place_and_written_one_way() -> None:
    """People read `shop-prod`. `shop/prod` is what AWS keeps in tags, paths and descriptions."""
    made, by_hand, told = [], [], []
    for module, path in MODULES.items():
        if part(module) == "sandbox" or module == "awsdeploy.config.stack":
            continue
        for node in nodes(path):
            text = ast.unparse(node) if isinstance(node, ast.JoinedStr) else ""
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Stack":
                made.append(module)
            elif isinstance(node, ast.JoinedStr) and ".environment}" in text and ".name}" in text:
                by_hand.append(module)
            elif isinstance(node, ast.JoinedStr) and "stack.tag" in text and part(module) != "resources":
                told.append(module)
    assert (made, by_hand, told) == (["awsdeploy.config.settings"], [], [])
