"""A release that cannot be: the old one serves on, and the outcome names step, cause and remedy in a sentence each."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.machine.release_host import PROGRAM, ReleaseHost, Run, application
from tests.sampling import sampled

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST = "20260101T000000Z-aaaaaaa"


@pytest.fixture(scope="module")
def released_host(tools: Path) -> Iterator[ReleaseHost]:
    host = ReleaseHost(tools)
    assert host.deploy(FIRST).code == 0
    yield host
    host.close()


@pytest.fixture
def serving_host(released_host: ReleaseHost) -> Iterator[ReleaseHost]:
    """A machine on which a release serves, whatever is tried there."""
    served = released_host
    yield served
    assert served.serving == FIRST
    assert served.current == FIRST
    assert [one["name"] for one in served.processes] == ["backend"], "no candidate stays"
    assert served.tags == [f"Key=awsdeploy:release,Value={FIRST}"]


NUMBERS = itertools.count()


def another() -> str:
    return f"20260102T{next(NUMBERS):06}Z-bbbbbbb"


def failed(host: ReleaseHost, step: str, files: Mapping[str, str] | None = None, /, **manifest: object) -> Run:
    id = another()
    done = host.deploy(id, files, **manifest)
    assert done.code == 1, done.output
    assert (done.outcome["outcome"], done.outcome["step"]) == ("failed", step), done.output
    assert (done.outcome["release"], done.outcome["previous"]) == (id, FIRST)
    assert len(done.tail) <= 50
    tail = {line.removeprefix("| ") for line in done.tail} - {""}
    assert not tail.intersection(done.output.splitlines()), "a line of the output is shown once"
    for said in ("diagnosis", "remedy"):
        assert done.outcome[said].endswith((".", "?")), done.outcome
        assert "\n" not in done.outcome[said]
    return done


def building(script: str) -> dict[str, str]:
    return {**application(scripts={"build": "bash build.sh"}), "build.sh": script}


BUILDS = {
    "out of memory, killed": ("kill -9 $$", "ran out of memory", "instance_type"),
    "out of memory, by a worker": (
        "echo 'Next.js build worker exited with code: null and signal: SIGKILL'; exit 1",
        "ran out of memory",
        "instance_type",
    ),
    "out of memory, Node.js itself": (
        "echo 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'; exit 134",
        "ran out of memory",
        "instance_type",
    ),
    "disk full": (
        "echo 'npm error nospc ENOSPC: no space left on device, write'; exit 228",
        "disk is full",
        "volume_gb",
    ),
    "tool missing": ("nest build", "`nest` was not found", "package.json"),
    "tool missing, exit status alone": ("exit 127", "program that this step runs", "package.json"),
    "module missing": ("node -e \"require('left-pad')\"", "imports left-pad", "dependencies"),
    "types": (
        "echo 'src/main.ts(1,1): error TS2304: no such name.'; exit 2",
        "reports an error: no such name",
        "file and line",
    ),
    "anything else": ("echo 'a sad story'; exit 2", "`npm run build` failed", "your computer"),
}


@pytest.mark.parametrize(
    ("said", "diagnosis"),
    [
        (
            "Error: Connections using insecure transport are prohibited while --require_secure_transport=ON.",
            "The database refuses connections without TLS.",
        ),
        ("code: 'HANDSHAKE_SSL_ERROR', fatal: true", "does not trust the database's certificate"),
    ],
)
def test_a_migration_that_speaks_no_tls(serving_host: ReleaseHost, said: str, diagnosis: str) -> None:
    done = failed(serving_host, "migrate", migrate=f"""echo "{said}" >&2; exit 1""")
    assert diagnosis in done.outcome["diagnosis"]
    assert "process.env.DB_SSL_CA" in done.outcome["remedy"]


def crashing(words: str) -> str:
    return f"throw new Error({json.dumps(words)});\n"


def answering(status: int, words: str = "") -> str:
    """Its health path answers this, and the log says that."""
    lines = f"console.error({json.dumps(words)}); response.statusCode = {status}; return response.end();"
    return PROGRAM.replace("const health =", f"{lines}\n  const health =")


UPGRADE = json.dumps("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
SILENT = "setInterval(() => {}, 1000);\n"
REFUSED = "Error: connect ECONNREFUSED 10.0.21.7:3306\n    at TCPConnectWrap.afterConnect"
TRIED = {
    "crash at start": (crashing("a sad story"), "ended right after it was started", "See its output"),
    "module missing": ("require('reflect-metadata');", "imports reflect-metadata", "devDependencies"),
    "nothing on any port": (SILENT, "Nothing listens on the port in PORT", "process.env.PORT"),
    "another port": (
        PROGRAM.replace("process.env.PORT", "OTHER"),
        "the program listens on OTHER",
        "set the service's port to OTHER",
    ),
    "127.0.0.1 only": (
        PROGRAM.replace("process.env.PORT", "process.env.PORT, '127.0.0.1'"),
        "127.0.0.1 only",
        "0.0.0.0",
    ),
    "health path unknown": (answering(404), "/health answers 404", "health path"),
    "health path fails": (answering(500, "a sad story"), "/health answers 500", "See the program's output"),
    "health path redirects to itself": (
        PROGRAM.replace(
            "const health =",
            "response.writeHead(301, { location: `https://${request.headers.host}${request.url}` }); "
            "return response.end();\n  const health =",
        ),
        "redirects to itself",
        "trust proxy",
    ),
    "::1 only": (
        PROGRAM.replace("process.env.PORT", "process.env.PORT, '::1'"),
        "listens on ::1 only, not on every address",
        "0.0.0.0",
    ),
    "https": (
        PROGRAM.replace("http.createServer(", "require('https').createServer("),
        "does not answer with HTTP",
        "not HTTPS",
    ),
    "an upgrade to WebSocket": (
        PROGRAM.replace("const health =", f"return request.socket.end({UPGRADE});\n  const health ="),
        "/health answers 101",
        "200 to 399",
    ),
    "database refuses, crash": (crashing(REFUSED), "database refused the connection", "awsdeploy status"),
    "database refuses, waiting": (
        f"console.error('[TypeOrmModule] Unable to connect to the database.', {json.dumps(REFUSED)});{SILENT}",
        "database refused the connection",
        "DB_HOST",
    ),
    "database refuses the password": (
        crashing("Access denied for user 'admin'@'10.0.1.2' (using password: YES)"),
        "refused the user or the password",
        "DB_PASSWORD",
    ),
    "database does not answer": (crashing("connect ETIMEDOUT"), "did not answer in time", "security group"),
    "table missing": (
        answering(500, "QueryFailedError: Table 'shop.items' doesn't exist"),
        "table of the database is missing",
        "migrat",
    ),
    "an upload with an ACL": (
        answering(500, "AccessControlListNotSupported: The bucket does not allow ACLs"),
        "AccessControlListNotSupported",
        "Remove the ACL",
    ),
    "a host that is not known": (
        crashing("getaddrinfo ENOTFOUND db.nowhere.example"),
        "db.nowhere.example",
        "manually",
    ),
}


PRIVATE = {
    "401": ("npm error code E401\nnpm error Incorrect or missing password.", "denied access to a private package"),
    "403": (
        "npm error code E403\nnpm error 403 403 Forbidden - GET https://packages.example.com/x",
        "denied access",
    ),
    "404": (
        "npm error code E404\nnpm error 404 Not Found - GET https://packages.example.com/@shop%2fui - Not found",
        "has no package @shop/ui: it is private",
    ),
}


@pytest.mark.parametrize("case", sampled(BUILDS, 2))
def test_a_build_that_fails(serving_host: ReleaseHost, case: str) -> None:
    script, diagnosis, remedy = BUILDS[case]
    done = failed(serving_host, "build", building(script))
    assert diagnosis in done.outcome["diagnosis"]
    assert remedy in done.outcome["remedy"]


def test_an_unknown_failure_is_shown_with_the_end_of_the_output_and_each_line_once(serving_host: ReleaseHost) -> None:
    done = failed(serving_host, "build", building("seq 1001 1080; exit 1"))
    lines = done.output.splitlines()
    assert [line for line in lines if line.isdigit()] == [str(number) for number in range(1001, 1081)]
    assert done.tail == ["| exit status 1"], "all else has been shown"


def test_of_a_long_log_of_the_program_the_last_fifty_lines_are_shown(serving_host: ReleaseHost) -> None:
    program = "for (let number = 1001; number <= 1080; number++) console.log(number);\nprocess.exit(1);\n"
    done = failed(serving_host, "check", application(program))
    assert (len(done.tail), done.tail[-1]) == (50, "| 1080")


def test_noise_of_npm_is_not_shown(serving_host: ReleaseHost) -> None:
    script = "echo 'npm notice New minor version of npm available!'; echo 'npm warn deprecated a@1.0.0: old'; exit 3"
    done = failed(serving_host, "build", building(script))
    assert "npm " not in done.output.split("@step build")[1].split("@outcome")[0].replace("npm run", "")
    assert "npm notice New minor" in (serving_host.root / "var/log/awsdeploy/release.log").read_text()


def test_npms_lock_file_is_out_of_date(serving_host: ReleaseHost) -> None:
    files = {
        **application(dependencies={"near": "file:./near"}),
        "near/package.json": '{"name": "near", "version": "1.0.0"}',
    }
    done = failed(serving_host, "install", files)
    assert done.outcome["diagnosis"] == "The lock file does not match package.json."


def test_yarns_lock_file_is_out_of_date(serving_host: ReleaseHost) -> None:
    files = {**application(dependencies={"left-pad": "1.3.0"}), "yarn.lock": "# yarn lockfile v1\n"}
    del files["package-lock.json"]
    serving_host.tool(
        "yarn",
        "#!/bin/bash\n"
        "echo 'error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.'\nexit 1\n",
    )
    try:
        done = failed(serving_host, "install", files)
    finally:
        (serving_host.tools / "yarn").unlink()
    assert done.outcome["diagnosis"] == "The lock file does not match package.json."


@pytest.fixture
def npm(serving_host: ReleaseHost) -> Iterator[Callable[[str], None]]:
    """An npm that says this and fails, as the real one does where it cannot be had so in a test."""

    def says(text: str) -> None:
        serving_host.tool("npm", f"#!/bin/bash\ncat <<'SAID' >&2\n{text}\nSAID\nexit 1\n")

    yield says
    (serving_host.tools / "npm").unlink()


def test_pnpms_lock_file_is_out_of_date(serving_host: ReleaseHost, npm: Callable[[str], None]) -> None:
    npm(' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date')
    files = {**application(), "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}
    del files["package-lock.json"]
    done = failed(serving_host, "install", files)
    assert done.outcome["diagnosis"] == "The lock file does not match package.json."


@pytest.mark.parametrize("code", sampled(PRIVATE, 1))
def test_a_private_package_is_refused(serving_host: ReleaseHost, npm: Callable[[str], None], code: str) -> None:
    said, diagnosis = PRIVATE[code]
    npm(said)
    done = failed(serving_host, "install")
    assert diagnosis in done.outcome["diagnosis"]
    assert "awsdeploy env set backend NPM_TOKEN --build" in done.outcome["remedy"]


def test_npm_ends_well_although_the_disk_is_full(serving_host: ReleaseHost) -> None:
    said = "npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write"
    serving_host.tool("npm", f"#!/bin/bash\necho '{said}'\n")
    try:
        done = failed(serving_host, "install")
    finally:
        (serving_host.tools / "npm").unlink()
    assert done.outcome["diagnosis"] == "The disk is full."


def test_another_node_is_wanted(serving_host: ReleaseHost) -> None:
    done = failed(serving_host, "install", application(engines={"node": ">=99"}))
    assert "requires Node.js >=99, but the release has v" in done.outcome["diagnosis"]
    assert "set node" in done.outcome["remedy"]


def test_the_archive_is_not_there(serving_host: ReleaseHost) -> None:
    id = serving_host.publish(another())
    (serving_host.aws / "objects/releases/backend" / f"{id}.tar.gz").unlink()
    done = serving_host.run("deploy", id)
    assert (done.code, done.outcome["step"]) == (1, "fetch")
    assert "could not be read" in done.outcome["diagnosis"]


def test_a_directory_without_a_package(serving_host: ReleaseHost) -> None:
    done = serving_host.deploy(another(), directory="api")
    assert (done.code, done.outcome["step"]) == (1, "fetch")
    assert done.outcome["diagnosis"] == "There is no package.json in `api`."


def test_a_manifest_that_leads_outside(serving_host: ReleaseHost) -> None:
    done = serving_host.deploy(another(), directory="../../etc")
    assert (done.code, done.outcome["step"]) == (1, "fetch")
    assert "manifest" in done.outcome["diagnosis"]


def test_a_migration_that_fails(serving_host: ReleaseHost) -> None:
    done = failed(serving_host, "migrate", migrate="echo \"Access denied for user 'admin'@'10.0.0.1'\"; exit 1")
    assert "refused the user or the password" in done.outcome["diagnosis"]


@pytest.mark.parametrize("case", sampled(TRIED, 2))
def test_a_release_that_does_not_answer_is_not_switched_to(serving_host: ReleaseHost, case: str) -> None:
    program, diagnosis, remedy = TRIED[case]
    other = str(serving_host.port + 1)
    done = failed(serving_host, "check", application(program.replace("OTHER", other)))
    assert diagnosis.replace("OTHER", other) in done.outcome["diagnosis"]
    assert remedy.replace("OTHER", other) in done.outcome["remedy"]


REJECTED = {
    "top-level await in an ES module": (
        "setInterval(() => {}, 1000);\nawait Promise.reject(new Error('a sad story'));\n",
        "module",
    ),
    "a start that is a promise": ("(async () => { await null; throw new Error('a sad story'); })();\n", "commonjs"),
}


@pytest.mark.parametrize("case", sampled(REJECTED))
def test_a_rejected_start_is_told_at_once_and_in_its_words(
    serving_host: ReleaseHost, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Outcome without the patience of a minute, although PM2 in cluster mode keeps such a process."""
    program, kind = REJECTED[case]
    monkeypatch.setitem(serving_host.environment, "PATIENCE", "60")
    id = serving_host.publish(another(), application(program, type=kind))
    process = serving_host.start("deploy", id)
    assert process.stdout is not None
    begun, lines = 0.0, []
    for line in process.stdout:
        lines.append(line.strip())
        if lines[-1] == "@step check":
            begun = time.monotonic()
    seconds = time.monotonic() - begun
    assert process.wait() == 1
    outcome = json.loads(lines[-1].removeprefix("@outcome "))
    assert outcome["diagnosis"] == "The program ended right after it was started: Error: a sad story."
    assert seconds < 30, "far below the patience; a busy machine needs its time to start PM2"


BACKGROUND = f"""\
if (process.env.AWAY) {{
  {PROGRAM}
}} else {{
  const env = {{ ...process.env, AWAY: '1' }};
  require('child_process').spawn(process.execPath, [__filename], {{ detached: true, stdio: 'ignore', env }}).unref();
  const end = () => setTimeout(() => process.exit(), 200);
  setInterval(() => require('net').connect(process.env.PORT, '127.0.0.1', end).on('error', () => {{}}), 100);
}}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which process listens")
def test_a_program_that_goes_to_the_background_is_not_released(serving_host: ReleaseHost) -> None:
    """Its process would answer in place of every later release."""
    done = serving_host.deploy(another(), application(BACKGROUND))
    assert (done.code, done.outcome["previous"]) == (1, FIRST), done.output
    assert done.outcome["step"] in ("check", "verify")
    assert "goes to the background" in done.outcome["diagnosis"]
    folder = str(serving_host.root / "srv/app/releases" / done.outcome["release"])
    assert folder not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_nest_without_its_prefix(serving_host: ReleaseHost) -> None:
    done = failed(serving_host, "check", health="/api/health")
    assert "answers 404, but /health answers: the prefix is missing" in done.outcome["diagnosis"]
    assert "setGlobalPrefix('api')" in done.outcome["remedy"]


def test_a_health_path_that_does_not_answer_in_time(serving_host: ReleaseHost) -> None:
    done = failed(serving_host, "check", application(PROGRAM.replace("const health", "return;\n  const health")))
    assert "did not answer within 5 s" in done.outcome["diagnosis"]


def test_an_ecosystem_file_that_cannot_be_read(serving_host: ReleaseHost) -> None:
    done = failed(
        serving_host, "check", {**application(), "ecosystem.config.js": "module.exports = require('./nowhere')"}
    )
    assert "imports ./nowhere" in done.outcome["diagnosis"]


def test_nothing_to_start(serving_host: ReleaseHost) -> None:
    done = failed(serving_host, "check", application(main="dist/none.js"))
    assert "start configuration is not valid" in done.outcome["diagnosis"]
    assert "no script named start" in done.output


def test_a_restart_that_cannot_be_recorded_goes_back_to_the_environment_before(serving_host: ReleaseHost) -> None:
    parameter = "/deploy/shop/prod/backend/GREETING"
    in_the_way = serving_host.root / "var/lib/awsdeploy/current.new"
    in_the_way.mkdir()
    serving_host.parameters[parameter] = "new"
    try:
        done = serving_host.run("restart")
    finally:
        in_the_way.rmdir()
        del serving_host.parameters[parameter]
    assert (done.code, done.outcome["step"]) == (1, "verify"), done.output
    assert "GREETING" not in serving_host.variables
    shared = serving_host.root / "srv/app/shared" / FIRST
    assert "GREETING" not in json.loads((shared / "environment.json").read_text())
    assert not list(shared.glob("*.before.json"))


def test_a_record_that_cannot_be_written_leaves_the_previous_release_also_after_a_reboot(
    serving_host: ReleaseHost,
) -> None:
    in_the_way = serving_host.root / "var/lib/awsdeploy/current.new"
    in_the_way.mkdir()
    try:
        failed(serving_host, "verify")
    finally:
        in_the_way.rmdir()
    saved = json.loads((serving_host.root / "home/app/.pm2/dump.pm2").read_text())
    assert [one["pm_cwd"].rpartition("/")[2] for one in saved] == [FIRST]


def test_a_port_that_another_program_has(host: ReleaseHost) -> None:
    """It would answer in place of the first release."""
    with socket.create_server(("127.0.0.1", host.port)):
        done = host.deploy(FIRST)
    assert (done.code, done.outcome["step"]) == (1, "switch"), done.output
    assert done.outcome["diagnosis"] == f"Port {host.port} is taken by another program."
    assert host.deploy(FIRST).code == 0
