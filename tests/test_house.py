"""The rules of the house: who may import whom, no cycles, files that fit in a head."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "awsdeploy"
FILES = {".".join(path.relative_to(SOURCE.parent).with_suffix("").parts): path for path in SOURCE.rglob("*.py")}
MODULES = {name.removesuffix(".__init__"): path for name, path in FILES.items()}
LONGEST = 325  # lines; what grows beyond belongs in two files

ROOMS = (
    "errors",
    "config",
    "aws",
    "state",
    "dns",
    "engine",
    "resources",
    "cost",
    "architecture",
    "permissions",
    "release",
    "operations",
    "preflight",
    "progress",
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
    "rich": ("awsdeploy.progress",),
    "click": ("awsdeploy.cli",),
    "moto": ("awsdeploy.sandbox",),
    "tenacity": ("awsdeploy.aws",),
    "pydantic": ("awsdeploy.config",),
    "dotenv": ("awsdeploy.release",),
    "dns": ("awsdeploy.dns", "awsdeploy.sandbox"),
}
"""Which part alone may import a library."""


def imports(path: Path, also_for_types: bool = False) -> Iterator[str]:
    """Imports of a file, anywhere in it; those for annotations only on request."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not also_for_types:
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


GRAPH = {
    module: {one for one in imports(path, also_for_types=True) if one in MODULES} - {module}
    for module, path in MODULES.items()
}
"""What each module imports of ours, for annotations too."""


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_room_imports_only_from_those_below(module: str) -> None:
    mine = part(module)
    if mine in BESIDE:
        return
    for imported in GRAPH[module]:
        if part(imported) == "sandbox":
            assert module in ("awsdeploy.cli.options", "awsdeploy.cli.commands.sandbox"), imported
        elif part(imported) not in ("", mine):
            assert ROOMS.index(part(imported)) < ROOMS.index(mine), imported


def test_the_listing_shows_rooms_and_nothing_else() -> None:
    rooms = {part(module) for module in MODULES} - {""}
    assert rooms == {*ROOMS, *BESIDE} - {""}
    there = {path.name for path in SOURCE.iterdir() if path.name != "__pycache__"}
    files = {path.name for path in SOURCE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "errors.py", "py.typed"}
    assert there - files == rooms - {"errors", "__main__"}


@pytest.mark.parametrize("package", sorted(one for one, path in MODULES.items() if path.name == "__init__.py"))
def test_a_room_says_in_a_sentence_what_it_holds(package: str) -> None:
    assert (ast.get_docstring(ast.parse(MODULES[package].read_text())) or "").split("\n\n")[0].endswith(".")


def test_the_chain_of_rooms_is_short() -> None:
    below = {
        room: {part(one) for module in MODULES if part(module) == room for one in GRAPH[module]} - {room, *BESIDE}
        for room in ROOMS[1:-1]
    }

    def chain(room: str) -> int:
        return 1 + max((chain(one) for one in below[room] - {"errors"}), default=0)

    assert max(map(chain, below)) <= LONGEST_CHAIN


def test_no_command_imports_another() -> None:
    commands = {module for module in MODULES if module.startswith("awsdeploy.cli.commands.")}
    assert len(commands) > 20
    assert {module: GRAPH[module] & commands for module in commands if GRAPH[module] & commands} == {}


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
    graphlib.TopologicalSorter(GRAPH).prepare()


def test_a_resource_is_imported_by_no_engine() -> None:
    """Kinds are found by being defined; the engine knows none by name."""
    for module, path in MODULES.items():
        if part(module) in ("engine", "state"):
            assert [one for one in imports(path, True) if part(one) == "resources"] == [], module


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_file_fits_in_a_head(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[module].read_text()))


@pytest.mark.parametrize("path", sorted([*SOURCE.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]), ids=str)
def test_a_docstring_begins_with_a_noun_or_a_verb(path: Path) -> None:
    texts = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [text for text in texts if text.split(" ")[0] in CLAUSES] == []


@pytest.mark.parametrize("folder", [SOURCE, Path(__file__).parent], ids=["src", "tests"])
def test_a_class_name_is_used_once(folder: Path) -> None:
    places: dict[str, list[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(folder)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_everything_unexpected_is_caught_in_two_places_only() -> None:
    """One is the end of a command, the other the sandbox's answer for AWS."""
    broad = {
        module
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    }
    assert broad == {"awsdeploy.cli.failures", "awsdeploy.sandbox.server.server"}


def test_git_is_run_in_one_function_and_programs_in_few_modules() -> None:
    """Every git runs with what a repository could start turned off; whoever runs a program has a reason to."""
    running = {
        module: ast.parse(path.read_text())
        for module, path in MODULES.items()
        if part(module) != "sandbox"
        and any(one.split(".")[0] in ("subprocess", "pty", "multiprocessing") for one in imports(path))
    }
    assert set(running) == {
        "awsdeploy.rehearsal.course",
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
        for node in ast.walk(ast.parse(path.read_text())):
            text = ast.unparse(node) if isinstance(node, ast.Call | ast.JoinedStr) else ""
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Stack":
                made.append(module)
            elif isinstance(node, ast.JoinedStr) and ".environment}" in text and ".name}" in text:
                by_hand.append(module)
            elif isinstance(node, ast.JoinedStr) and "stack.tag" in text and part(module) != "resources":
                told.append(module)
    assert (made, by_hand, told) == (["awsdeploy.config.settings"], [], [])
