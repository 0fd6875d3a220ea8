"""The release agent really runs, with Node.js, npm and PM2, in a throwaway root: builds, tests, switches, verifies."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine.release_host import PROGRAM, SERVICE, ReleaseHost, application, until
from tests.sampling import sampled

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST, SECOND, THIRD = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb", "20260103T000000Z-ccccccc"

ECOSYSTEM = """\
module.exports = { apps: [{
  name: 'tiny', script: 'main.js', exec_mode: 'cluster', instances: 1, cwd: '/srv/elsewhere',
  env: { COLOUR: 'blue', PORT: 1 },
}] };
"""


@pytest.fixture(scope="module")
def released_host(tools: Path) -> Iterator[ReleaseHost]:
    host = ReleaseHost(tools)
    assert host.deploy(FIRST).code == 0
    yield host
    host.close()


@pytest.fixture
def serving_host(released_host: ReleaseHost) -> Iterator[ReleaseHost]:
    """A machine on which the first release serves, and serves again when the test is over."""
    yield released_host
    released_host.parameters.clear()
    assert released_host.serving == FIRST


def test_a_first_release_serves(host: ReleaseHost) -> None:
    done = host.deploy(FIRST)
    assert done.code == 0, done.output
    assert done.steps == ["fetch", "environment", "install", "check", "switch", "verify", "tidy"]
    assert done.outcome == {
        "outcome": "ok",
        "release": FIRST,
        "step": "tidy",
        "diagnosis": "",
        "remedy": "",
        "previous": None,
    }
    assert host.serving == FIRST
    assert host.current == FIRST
    assert host.tags == [f"Key=awsdeploy:release,Value={FIRST}"]
    assert [one["name"] for one in host.processes] == [SERVICE]
    assert done.output in (host.root / "var/log/awsdeploy/release.log").read_text()


def test_a_client_that_never_stops_asking_loses_nothing_in_a_deploy_and_a_rollback(serving_host: ReleaseHost) -> None:
    serving_host.publish(SECOND)
    ended, answers = threading.Event(), []

    def ask() -> None:
        while not ended.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{serving_host.port}/health", timeout=60) as answer:
                    answers.append(answer.read().decode())
            except OSError as error:
                answers.append(repr(error))
            time.sleep(0.01)

    client = threading.Thread(target=ask)
    client.start()
    forth = serving_host.run("deploy", SECOND)
    back = serving_host.run("rollback", FIRST)
    ended.set()
    client.join()
    assert (forth.code, back.code) == (0, 0), forth.output + back.output
    assert set(answers) == {FIRST, SECOND}
    assert len(answers) > 200
    assert answers[-1] == FIRST
    assert forth.outcome["previous"] == FIRST
    assert back.steps == ["fetch", "environment", "check", "switch", "verify", "tidy"], "nothing is built again"


def test_an_ecosystem_file_is_honoured_and_loses_none_of_our_variables(host: ReleaseHost) -> None:
    host.parameters = {"/deploy/shop/prod/backend/GREETING": "hello"}
    files = {**application(), "ecosystem.config.js": ECOSYSTEM}
    assert host.deploy(FIRST, files).code == 0
    assert host.variables["COLOUR"] == "blue"
    host.parameters = {"/deploy/shop/prod/backend/FAREWELL": "good bye"}
    changed = {**application(), "ecosystem.config.js": ECOSYSTEM.replace("blue", "green")}
    done = host.deploy(SECOND, changed)
    assert done.code == 0, done.output
    found = host.variables
    assert (found["COLOUR"], found["FAREWELL"], found["RELEASE_ID"]) == ("green", "good bye", SECOND)
    assert found["PORT"] == str(host.port)
    assert "GREETING" not in found, "a variable that is gone is gone"
    (process,) = host.processes
    assert process["name"] == "tiny"
    assert process["pm2_env"]["pm_cwd"] == str(host.root / "srv/app/releases" / SECOND)
    assert process["pm2_env"]["restart_time"] == 1, "reloaded, not started anew"


def test_the_environment_is_made_of_four_parts_and_the_users_own_wins(host: ReleaseHost) -> None:
    host.parameters = {
        "/deploy/shop/prod/backend/COLOUR": "theirs",
        "/deploy/shop/prod/backend/DB_NAME": "other",
        "/deploy/shop/prod/backend/build/NPM_TOKEN": "only-for-the-build",
        "/deploy/shop/prod/database/DB_HOST": "db.example.com",
        "/deploy/shop/prod/database/DB_PORT": "3306",
        "/deploy/shop/prod/database/DB_NAME": "shop",
        "/deploy/shop/prod/database/DB_USER": "admin",
        "/deploy/shop/prod/database/DB_PASSWORD": "p@ss/w:rd",
        "/deploy/shop/prod/frontend/SECRET": "another service's",
    }
    files = application(scripts={"build": "node -p process.env.NPM_TOKEN.length,process.env.COLOUR"})
    sent = {"PORT": str(host.port), "COLOUR": "ours", "TZ": "Asia/Seoul"}
    done = host.deploy(FIRST, files, database=True, environment=sent)
    assert done.code == 0, done.output
    assert "build" in done.steps
    found = host.variables
    assert found["COLOUR"] == "theirs"
    assert found["TZ"] == "Asia/Seoul"
    assert found["DB_PASSWORD"] == "p@ss/w:rd"
    assert found["DATABASE_URL"] == "mysql://admin:p%40ss%2Fw%3Ard@db.example.com:3306/other"
    assert not {"NPM_TOKEN", "SECRET", "AWSDEPLOY_LISTENS", "AWSDEPLOY_REAL_PORT"} & set(found)


def test_restart_reads_the_environment_again(serving_host: ReleaseHost) -> None:
    serving_host.parameters = {"/deploy/shop/prod/backend/GREETING": "hello"}
    done = serving_host.run("restart")
    assert done.code == 0, done.output
    assert done.steps == ["environment", "check", "switch", "verify", "tidy"]
    assert done.outcome["release"] == FIRST
    assert serving_host.variables["GREETING"] == "hello"


def test_restart_without_a_release_says_so(host: ReleaseHost) -> None:
    done = host.run("restart")
    assert (done.code, done.outcome["outcome"]) == (1, "failed")
    assert done.outcome["diagnosis"] == "This machine has no release yet."


def test_a_new_machine_catches_up_without_migrating_again(host: ReleaseHost) -> None:
    host.name_current(host.publish(FIRST, application(scripts={"migrate": "exit 1"}), migrate="npm run migrate"))
    done = host.run("catchup")
    assert done.code == 0, done.output
    assert "migrate" not in done.steps
    assert host.serving == FIRST
    assert host.run("catchup").outcome["outcome"] == "unchanged"


def test_a_new_machine_has_nothing_to_catch_up_on_before_the_first_release(host: ReleaseHost) -> None:
    done = host.run("catchup")
    assert (done.code, done.outcome["outcome"], done.outcome["release"]) == (0, "unchanged", None)


def test_a_first_release_that_fails_is_in_the_tag_and_a_later_one_is_not(host: ReleaseHost) -> None:
    broken = application("throw new Error('no')")
    assert host.deploy(FIRST, broken).code == 1
    assert host.tags == [f"Key=awsdeploy:release,Value=failed {FIRST} check"]
    assert host.deploy(SECOND).code == 0
    assert host.tags[-1] == f"Key=awsdeploy:release,Value={SECOND}"
    assert host.deploy(THIRD, broken).code == 1
    assert host.tags[-1] == f"Key=awsdeploy:release,Value={SECOND}"


def test_a_new_machine_whose_release_fails_says_so_in_its_tag(host: ReleaseHost) -> None:
    host.name_current(host.publish(FIRST, application("throw new Error('no')")))
    assert host.run("catchup").code == 1
    assert host.tags == [f"Key=awsdeploy:release,Value=failed {FIRST} check"]


def test_the_release_that_serves_is_not_deployed_again(serving_host: ReleaseHost) -> None:
    done = serving_host.run("deploy", FIRST)
    assert (done.code, done.outcome["outcome"], done.steps) == (0, "unchanged", ["fetch"])


@pytest.mark.torture
def test_the_newest_releases_are_kept_and_the_one_that_serves(host: ReleaseHost) -> None:
    for id in (FIRST, SECOND, THIRD):
        assert host.deploy(id, keep=2).code == 0
    assert json.loads(host.run("releases").output) == {"current": THIRD, "releases": [THIRD, SECOND]}
    done = host.run("rollback", FIRST)
    assert done.code == 0, done.output
    assert "install" in done.steps, "what is no longer there is built again"
    assert json.loads(host.run("releases").output) == {"current": FIRST, "releases": [THIRD, SECOND, FIRST]}


def test_there_is_nothing_to_list_on_a_new_machine(host: ReleaseHost) -> None:
    assert host.run("releases").output == '{"current": null, "releases": []}\n'


def test_a_migration_runs_once_before_the_switch_and_sees_what_only_the_build_needs(host: ReleaseHost) -> None:
    files = {**application(), "migrate.js": "require('fs').writeFileSync(process.env.MARK, process.env.RELEASE_ID)"}
    host.parameters = {"/deploy/shop/prod/backend/MARK": str(host.place / "mark")}
    done = host.deploy(FIRST, files, migrate="node migrate.js")
    assert done.code == 0, done.output
    assert done.steps.index("migrate") < done.steps.index("check") < done.steps.index("switch")
    assert (host.place / "mark").read_text() == FIRST


@pytest.mark.parametrize("development", sampled([True, False]))
def test_what_only_the_build_needs_is_not_kept_and_where_there_is_none_npm_is_not_asked(
    host: ReleaseHost, tools: Path, development: bool
) -> None:
    host.tool("npm", f'#!/bin/bash\nprintf "%s\\n" "$1" >>{host.place}/asked\nexec {tools}/bin/npm "$@"\n')
    wanted: dict[str, Any] = {"devDependencies" if development else "dependencies": {"near": "file:near"}}
    root = {"name": "tiny", "version": "1.0.0", **wanted}
    near = {"version": "1.0.0", **({"dev": True} if development else {})}
    packages = {"": root, "near": near, "node_modules/near": {"resolved": "near", "link": True}}
    lock = {"name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    files = {
        **application(scripts={"build": "ls node_modules/near/package.json"}, **wanted),
        "package-lock.json": json.dumps(lock),
        "near/package.json": '{"name": "near", "version": "1.0.0"}',
    }
    done = host.deploy(FIRST, files)
    assert done.code == 0, done.output
    assert (host.root / "srv/app/releases" / FIRST / "node_modules/near").exists() is not development
    assert ("prune" in (host.place / "asked").read_text().split()) is development


def test_a_tool_of_dev_dependencies_is_named_and_keep_dev_keeps_it(host: ReleaseHost) -> None:
    wanted: dict[str, Any] = {"devDependencies": {"near": "file:near"}}
    near = {"version": "1.0.0", "dev": True, "bin": {"near": "tool.js"}}
    packages = {"": {"name": "tiny", **wanted}, "near": near, "node_modules/near": {"resolved": "near", "link": True}}
    files = {
        **application(**wanted),
        "package-lock.json": json.dumps({"name": "tiny", "lockfileVersion": 3, "requires": True, "packages": packages}),
        "near/package.json": '{"name": "near", "version": "1.0.0", "bin": {"near": "tool.js"}}',
        "near/tool.js": "#!/usr/bin/env node\nconsole.log('the tool has run')\n",
    }
    assert host.deploy(FIRST, files).code == 0
    failed = host.run("exec", "near | cat; exit ${PIPESTATUS[0]}")
    assert failed.outcome["diagnosis"] == (
        "The command ended with 127. near is in devDependencies, which a release does not keep after its build."
    )
    assert "Set keep_dev = true in [services.backend], then: `awsdeploy deploy backend`." in failed.outcome["remedy"]
    noted = host.run("exec", "near || true")
    assert (noted.code, "Note: near is in devDependencies" in noted.output) == (0, True)
    assert "keep_dev" not in host.run("exec", "far").output
    assert host.deploy(SECOND, files, keep_dev=True).code == 0
    assert "the tool has run" in host.run("exec", "near").output
    assert "keep_dev" not in host.run("exec", "nearest").output


@pytest.mark.parametrize(("workspace", "said"), sampled([("", "at the root"), ("apps/", "in apps")]))
def test_a_service_in_a_directory_of_a_workspace_is_installed_from_the_lock_file_above_it(
    host: ReleaseHost, workspace: str, said: str
) -> None:
    root = {"name": "shop", "version": "1.0.0", "workspaces": ["back"], "private": True}
    member = {"name": "back", "version": "1.0.0", "scripts": {"start": "node --no-warnings src/main"}}
    packages = {"": root, "back": {"version": "1.0.0"}, "node_modules/back": {"resolved": "back", "link": True}}
    lock = {"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    files = {
        "package.json": json.dumps(root),
        "package-lock.json": json.dumps(lock),
        "back/package.json": json.dumps(member),
        "back/src/main.js": PROGRAM,
    }
    files = {f"{workspace}{name}": content for name, content in files.items()}
    done = host.deploy(FIRST, files, directory=f"{workspace}back")
    assert done.code == 0, done.output
    assert f"installed by npm, from the lock file {said}" in done.output
    (process,) = host.processes
    assert process["pm2_env"]["pm_exec_path"].endswith(f"{FIRST}/{workspace}back/src/main.js")
    assert process["pm2_env"]["node_args"] == ["--no-warnings"]


def test_the_packages_of_a_workspace_are_built_before_the_service(host: ReleaseHost) -> None:
    """The steps are those of the manifest; a step with a command is a program of the packages."""
    root = {"name": "shop", "version": "1.0.0", "workspaces": ["*"], "private": True}
    text = "node -e \"fs.writeFileSync('index.js', 'exports.of = 1')\""
    tool = {"name": "tool", "version": "1.0.0", "bin": "tool.js"}
    described: dict[str, dict[str, Any]] = {
        "types": {"name": "types", "version": "1.0.0", "scripts": {"build": text}},
        "back": {"name": "back", "version": "1.0.0", "scripts": {"build": "node -e \"require('types').of.toFixed()\""}},
        "tool": tool,
    }
    links = {f"node_modules/{name}": {"resolved": name, "link": True} for name in described}
    members = {
        name: {"version": "1.0.0", **({"bin": {"tool": "tool.js"}} if name == "tool" else {})} for name in described
    }
    lock = {"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": root, **members, **links}}
    files = {
        "package.json": json.dumps(root),
        "package-lock.json": json.dumps(lock),
        "back/index.js": PROGRAM,
        "tool/tool.js": "#!/usr/bin/env node\nconsole.log('the tool has', process.argv.slice(2).join(' '))\n",
        **{f"{name}/package.json": json.dumps(one) for name, one in described.items()},
    }
    steps = [{"folder": "types", "command": []}, {"folder": "back", "command": []}]
    more = [{"folder": ".", "command": ["tool", "run", "build"]}]
    done = host.deploy(FIRST, files, directory="back", build=[*steps, *more])
    assert done.code == 0, done.output
    assert "in this order: types, back" in done.output
    assert "the tool has run build" in done.output
    done = host.deploy(SECOND, files, directory="back", build=list(reversed(steps)))
    assert (done.outcome["step"], done.outcome["diagnosis"]) == (
        "build",
        "The program imports types, which was not found.",
    )
    files["types/package.json"] = json.dumps({**described["types"], "scripts": {"build": "exit 7"}})
    done = host.deploy(THIRD, files, directory="back", build=steps)
    assert "`npm run build` failed in types." in done.outcome["diagnosis"]
    assert host.serving == FIRST


def test_next_js_is_started_itself_with_a_longer_keep_alive(host: ReleaseHost) -> None:
    program = "node_modules/next/dist/bin/next"
    lines = f"process.env.ARGUMENTS = process.argv.slice(2).join(' ');\n{PROGRAM}"
    files = {**application(), "package.json": json.dumps({"name": "x", "dependencies": {"next": "1"}})}
    del files["package-lock.json"]
    host.tool("npm", f'#!/bin/bash\nmkdir -p {program.rpartition("/")[0]}\nprintf %s "$NEXT" >{program}\n')
    host.publish(FIRST, files)
    done = host.run("deploy", FIRST, NEXT=lines)
    assert done.code == 0, done.output
    assert host.variables["ARGUMENTS"] == "start --keepAliveTimeout 65000"


@pytest.mark.parametrize("tool", sampled(["pnpm", "yarn", "yarn 2"]))
def test_the_lock_file_says_which_program_installs(host: ReleaseHost, tool: str) -> None:
    files = application()
    del files["package-lock.json"]
    if tool == "yarn":
        files["yarn.lock"] = "# yarn lockfile v1\n"
    elif tool == "yarn 2":
        files["yarn.lock"] = "__metadata:\n  version: 8\n"
        host.tool("npm", f'#!/bin/bash\necho "$YARN_NODE_LINKER $*" >>{host.place}/npm.txt\n')
    else:
        files["pnpm-lock.yaml"] = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"
        files["package.json"] = json.dumps({"name": "x", "main": "main.js", "packageManager": "pnpm@9.15.9+sha512.abc"})
        host.tool("npm", f'#!/bin/bash\necho "$*" >>{host.place}/npm.txt\n')
    done = host.deploy(FIRST, files)
    assert done.code == 0, done.output
    assert f"installed by {tool}" in done.output
    if tool == "yarn 2":
        first, last = (host.place / "npm.txt").read_text().splitlines()
        assert first == "node-modules exec --yes --package=@yarnpkg/cli-dist@4.13 -- yarn install --immutable"
        assert last.endswith("yarn workspaces focus --all --production")
    if tool == "pnpm":
        first, last = (host.place / "npm.txt").read_text().splitlines()
        pnpm = "pnpm --config.engine-strict=false"
        assert first == f"exec --yes --package=pnpm@9.15.9 -- {pnpm} install --frozen-lockfile --prod=false"
        assert last.endswith(f"{pnpm} prune --prod --ignore-scripts")


@pytest.mark.parametrize("lock", ["package-lock.json", "yarn.lock"])
def test_only_the_major_version_of_engines_counts_for_dependencies_too(
    host: ReleaseHost, tools: Path, lock: str
) -> None:
    shown = subprocess.run([tools / "bin/node", "--version"], capture_output=True, text=True, check=True).stdout
    engines = {"node": f"{shown[1:].partition('.')[0]}.0.0"}
    files = application(engines=engines, dependencies={"strict": "file:strict"}, scripts={"build": "echo built"})
    locked = json.loads(files.pop("package-lock.json"))
    locked["packages"] |= {
        "": {**locked["packages"][""], "dependencies": {"strict": "file:strict"}, "engines": engines}
    }
    locked["packages"] |= {"node_modules/strict": {"resolved": "strict", "link": True}}
    locked["packages"] |= {"strict": {"version": "1.0.0", "engines": engines}}
    text = json.dumps(locked) if lock == "package-lock.json" else '"strict@file:strict":\n  version "1.0.0"\n'
    strict = json.dumps({"name": "strict", "version": "1.0.0", "engines": engines})
    files |= {lock: text, "strict/package.json": strict, ".npmrc": "engine-strict=true\n"}
    done = host.deploy(FIRST, files)
    assert done.code == 0, done.output


def test_a_migration_may_call_the_package_manager(host: ReleaseHost) -> None:
    files = application(packageManager="pnpm@9.15.9")
    del files["package-lock.json"]
    files["pnpm-lock.yaml"] = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"
    host.tool("npm", f'#!/bin/bash\necho "$*" >>{host.place}/npm.txt\n')
    done = host.deploy(FIRST, files, migrate="pnpm run migrate")
    assert done.code == 0, done.output
    assert "exec --yes --package=pnpm@9.15.9 -- bash -c pnpm run migrate" in (host.place / "npm.txt").read_text()


def with_package(scripts: dict[str, str], version: str = "1.0.0") -> dict[str, str]:
    """The application with a package of its own repository, which npm installs by the lock file."""
    about = {"name": "x", "main": "main.js", "scripts": scripts, "dependencies": {"dep": "file:dep"}}
    packages = {"": about, "dep": {"version": version}, "node_modules/dep": {"resolved": "dep", "link": True}}
    return {
        **application(),
        "package.json": json.dumps(about),
        "package-lock.json": json.dumps({"name": "x", "lockfileVersion": 3, "requires": True, "packages": packages}),
        "dep/package.json": json.dumps({"name": "dep", "version": version}),
    }


def test_packages_of_an_unchanged_lock_file_are_used_again(host: ReleaseHost) -> None:
    reused = "the packages of the last install are used again"
    scripts = {"postinstall": "test -e node_modules/dep && touch node_modules/$npm_package_name-installed"}
    assert reused not in host.deploy(FIRST, with_package(scripts)).output
    kept = host.root / "srv/app/installs"
    (key,) = kept.iterdir()
    (key / "node_modules/.by-hand").touch()
    again = host.deploy(SECOND, {**with_package(scripts), "more.txt": "another commit"})
    assert again.code == 0, again.output
    assert reused in again.output
    modules = host.root / f"srv/app/releases/{SECOND}/node_modules"
    assert {one.name for one in modules.iterdir()} >= {"dep", ".by-hand", "x-installed"}
    (key / "node_modules/x-installed").unlink()
    changed = host.deploy(THIRD, with_package(scripts, "2.0.0"))
    assert changed.code == 0, changed.output
    assert reused not in changed.output
    assert [one.name for one in kept.iterdir()] != [key.name]


def test_packages_that_cannot_be_completed_are_installed_again(host: ReleaseHost) -> None:
    scripts = {"postinstall": "test ! -e node_modules/.by-hand"}
    assert host.deploy(FIRST, with_package(scripts)).code == 0
    (key,) = (host.root / "srv/app/installs").iterdir()
    (key / "node_modules/.by-hand").touch()
    again = host.deploy(SECOND, {**with_package(scripts), "more.txt": "another commit"})
    assert again.code == 0, again.output
    assert "they are installed again" in again.output
    assert not (key / "node_modules/.by-hand").exists()


@pytest.mark.torture
def test_what_cannot_be_reloaded_without_a_gap_is_said_with_what_to_write_instead(host: ReleaseHost) -> None:
    files = {
        **application(scripts={"start": "node main.js"}),
        "ecosystem.config.js": "module.exports = { apps: [{ name: 'a', script: 'npm', args: 'start' }] };",
    }
    done = host.deploy(FIRST, files)
    assert done.code == 0, done.output
    (note,) = [line for line in done.output.splitlines() if line.startswith("note: ")]
    assert "through npm" in note
    assert 'script: "main.js", exec_mode: "cluster"' in note
    assert host.serving == FIRST
    assert host.deploy(SECOND, files).code == 0
    assert host.serving == SECOND


@pytest.mark.torture
def test_a_start_script_is_followed_with_its_variables_and_modules(host: ReleaseHost) -> None:
    """PM2 starts a process of a cluster in a folder of its own."""
    start = "cross-env MODE=a NODE_ENV=test node -r ./first --require=./second/on main"
    preload = "process.env.{0} = 'yes'"
    files = {
        **application(scripts={"start": start}, main="none.js"),
        "first.js": preload.format("FIRST"),
        "second/on.js": preload.format("SECOND"),
    }
    done = host.deploy(FIRST, files)
    assert done.code == 0, done.output
    names = ("MODE", "FIRST", "SECOND", "NODE_ENV")
    assert [host.variables.get(name) for name in names] == ["a", "yes", "yes", "production"]


def test_a_program_that_names_its_port_itself_takes_no_requests_before_it_has_been_tried(host: ReleaseHost) -> None:
    assert host.deploy(FIRST, application(PROGRAM.replace("process.env.PORT", str(host.port)))).code == 0
    broken = PROGRAM.replace("process.env.PORT", str(host.port)).replace("health ||", "")
    done = host.deploy(SECOND, application(broken))
    assert done.outcome["step"] == "check"
    assert host.serving == FIRST


def test_a_worker_without_a_port_runs(host: ReleaseHost) -> None:
    done = host.deploy(FIRST, application("setInterval(() => {}, 1000)"), port=None, health="/")
    assert done.code == 0, done.output
    (process,) = host.processes
    assert process["pm2_env"]["status"] == "online"


def test_a_worker_whose_start_was_rejected_is_named(host: ReleaseHost) -> None:
    program = "setInterval(() => {}, 1000);\nawait Promise.reject(new Error('a sad story'));\n"
    done = host.deploy("20260101T000000Z-aaaaaaa", application(program, type="module"), port=None)
    assert done.code == 0, done.output
    assert "a promise of it was rejected at the start: Error: a sad story." in done.output


@pytest.mark.torture
def test_the_number_of_processes_follows_the_config(host: ReleaseHost) -> None:
    for id, count in ((FIRST, 1), (SECOND, 2), (THIRD, 1)):
        done = host.deploy(id, processes=count)
        assert done.code == 0, done.output
        assert len(host.processes) == count
        assert {one["pm2_env"]["pm_cwd"].rpartition("/")[2] for one in host.processes} == {id}


@pytest.mark.torture
def test_a_second_run_waits_and_is_refused_in_the_end_naming_the_first(host: ReleaseHost) -> None:
    host.publish(FIRST, application(scripts={"build": "sleep 4"}))
    host.publish(SECOND)
    first = host.start("deploy", FIRST)
    assert first.stdout is not None
    while "@step build" not in first.stdout.readline():
        pass
    refused = host.run("deploy", SECOND, LOCK_SECONDS="1")
    assert (refused.code, refused.outcome["step"]) == (1, "lock")
    assert f"deploy {FIRST}" in refused.outcome["diagnosis"]
    waited = host.run("deploy", SECOND)
    assert waited.code == 0, waited.output
    assert first.communicate()[0].splitlines()[-1].startswith('@outcome {"outcome": "ok"')
    assert host.serving == SECOND


def test_what_runs_is_saved_and_comes_back_after_a_reboot(serving_host: ReleaseHost) -> None:
    serving_host.pm2("kill")
    assert serving_host.serving is None
    serving_host.pm2("resurrect")
    until(lambda: serving_host.serving == FIRST)


def test_the_placeholder_gives_its_port_and_is_there_again_if_nothing_comes_of_it(host: ReleaseHost) -> None:
    host.tool(
        "systemctl",
        f'#!/bin/bash\necho "$*" >>{host.place}/systemctl.txt\n[[ $1 != restart ]] || pm2 ping >/dev/null\n'
        "[[ $1 != is-enabled ]]\n",
    )
    done = host.deploy(FIRST)
    assert done.code == 0, done.output
    said = (host.place / "systemctl.txt").read_text().splitlines()
    assert said.index("stop awsdeploy-placeholder.service") < said.index("disable awsdeploy-placeholder.service")
    assert "enable --quiet awsdeploy-application.service" in said
    unit = (host.root / "etc/systemd/system/awsdeploy-application.service").read_text()
    assert "pm2 resurrect" in unit


def test_a_health_path_may_redirect_elsewhere_and_to_https_for_those_who_came_by_http(host: ReleaseHost) -> None:
    elsewhere = (
        "if (health && request.headers['x-forwarded-proto'] !== 'https') {\n"
        "    response.writeHead(302, { location: `https://${request.headers.host}/health` });\n"
        "    return response.end();\n  }\n"
    )
    done = host.deploy(
        FIRST, application(PROGRAM.replace("  response.statusCode", f"  {elsewhere}  response.statusCode"))
    )
    assert done.code == 0, done.output
    assert host.serving is None or host.current == FIRST


@pytest.mark.parametrize(
    "accepted", sampled([{"health_status": "200-399,404"}, {"health": "/", "health_protocol": "tcp"}])
)
def test_a_service_says_which_answers_are_healthy(host: ReleaseHost, accepted: dict[str, str]) -> None:
    never = application(PROGRAM.replace("health ||", "false &&"))
    assert host.deploy(FIRST, never).outcome["diagnosis"] == "The health path /health answers 404."
    done = host.deploy(SECOND, never, **accepted)
    assert done.code == 0, done.output
    assert host.current == SECOND


def test_a_release_that_fails_only_on_the_real_port_is_taken_back(serving_host: ReleaseHost) -> None:
    late = PROGRAM.replace(
        "const health =", "if (!process.execArgv.length) response.statusCode = 503, response.end();\n  const health ="
    )
    late = late.replace(
        "response.statusCode = health", "if (response.writableEnded) return;\n  response.statusCode = health"
    )
    done = serving_host.deploy(THIRD, application(late))
    assert (done.code, done.outcome["step"]) == (1, "verify"), done.output
    assert "answers 503" in done.outcome["diagnosis"]
    assert f"Went back to {FIRST}." in done.output
    assert (serving_host.serving, serving_host.current) == (FIRST, FIRST)
    (process,) = serving_host.processes
    assert process["pm2_env"]["pm_cwd"].endswith(FIRST)
    assert serving_host.variables["RELEASE_ID"] == FIRST
