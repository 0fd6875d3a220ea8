"""Root, the application and the builder are three users: what one of them writes decides nothing for another."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.machine.release_host import PROGRAM, ReleaseHost, application
from tests.sampling import sampled

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
APP, BUILDER = (
    65534 - 2 * WORKER,
    65533 - 2 * WORKER,
)  # a release ends every process of its builder, on this machine too
FIRST = "20260101T000000Z-aaaaaaa"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.npm,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can be several users"),
]
NUMBERS = f"s/app-build/{BUILDER}/g; s/app:app/{APP}:{APP}/; s/^app$/{APP}/; s/^app-build$/{BUILDER}/"
# A machine's users, without entries in this machine's passwd.
TOOLS = {
    "id": 'case "$*" in -u) echo 0 ;; app | app-build) ;; *) exec /usr/bin/id "$@" ;; esac',
    "getent": 'case $2 in app) echo "app:x:1:1::$HOME_OF_APP:" ;; *) echo "app-build:x:2:2::$HOME_OF_BUILDER:" ;; esac',
    "runuser": f"""\
case $2 in app) number={APP} ;; *) number={BUILDER} ;; esac
shift 3
exec setpriv --reuid "$number" --regid "$number" --clear-groups -- "$@\"""",
    "systemctl": "exit 0",
}
MAPPED = ("chown", "install", "pkill")


@pytest.fixture(scope="module")
def shared_tools(tools: Path) -> Iterator[Path]:
    """Node.js, npm and PM2 where every user may run them."""
    place = Path(tempfile.mkdtemp(prefix="tools-"))
    place.chmod(0o755)
    shutil.copytree(tools, place / "all", symlinks=True, ignore=shutil.ignore_patterns("npm-cache", "lock"))
    yield place / "all"
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def fresh_host(tools: Path, shared_tools: Path) -> Iterator[ReleaseHost]:
    """A machine on which root, `app` and `app-build` are really three users, and nothing is released."""
    with guarded(tools, shared_tools) as host:
        yield host


@pytest.fixture(scope="module")
def serving_host(tools: Path, shared_tools: Path) -> Iterator[ReleaseHost]:
    """Such a machine on which a release serves, whatever is tried there."""
    with guarded(tools, shared_tools) as host:
        assert host.deploy(FIRST).code == 0
        yield host


LATER = itertools.count()


def another() -> str:
    """The next release's name."""
    return f"20260102T{next(LATER):06}Z-bbbbbbb"


@contextmanager
def guarded(tools: Path, copied: Path) -> Iterator[ReleaseHost]:
    host = ReleaseHost(tools)
    for folder in (host.place, host.root, host.tools):
        folder.chmod(0o755)
    for name, text in TOOLS.items():
        host.tool(name, f"#!/bin/bash\n{text}\n")
    for name in MAPPED:
        real = shutil.which(name)
        words = f'for word in "$@"; do words+=("$(sed "{NUMBERS}" <<<"$word")"); done'
        host.tool(name, f'#!/bin/bash\nwords=()\n{words}\nexec {real} "${{words[@]}}"\n')
    homes = {}
    for name, user in (("HOME_OF_APP", APP), ("HOME_OF_BUILDER", BUILDER)):
        homes[name] = host.root / "home" / str(user)
        homes[name].mkdir(parents=True)
        os.chown(homes[name], user, user)
    (host.tools / "systemctl").unlink()  # there is none: PM2 is started by hand
    path = host.environment["PATH"].replace(str(tools), str(copied))
    del host.environment["npm_config_cache"]
    host.environment |= {"PATH": path, **{name: str(home) for name, home in homes.items()}}
    if by(APP, host, "node --version").returncode:
        pytest.skip("another user cannot run Node.js from here")
    yield host
    by(APP, host, "pm2 kill")
    host.close()


def by(user: int, host: ReleaseHost, line: str) -> subprocess.CompletedProcess[str]:
    """A command line that this user types on the machine."""
    home = host.environment["HOME_OF_APP" if user == APP else "HOME_OF_BUILDER"]
    environment = {**host.environment, "HOME": home, "PM2_HOME": f"{home}/.pm2"}
    return subprocess.run(
        ["bash", "-c", line], user=user, group=user, extra_groups=[], env=environment, capture_output=True, text=True
    )


def test_it_serves_as_the_application(serving_host: ReleaseHost) -> None:
    host, second = serving_host, another()
    assert host.deploy(second).outcome["previous"] == FIRST
    assert host.serving == second
    rolled = host.run("rollback", FIRST)
    assert rolled.code == 0, rolled.output
    assert host.serving == FIRST
    assert {path.stat().st_uid for path in (host.root / "srv/app/releases" / FIRST).rglob("*")} == {APP}
    for folder in ("srv/app", "srv/app/releases", "var/lib/awsdeploy/releases"):
        assert (host.root / folder).stat().st_uid == 0


def test_what_the_application_wrote_is_never_evaluated(serving_host: ReleaseHost) -> None:
    """Bash evaluates `a[$(command)]` where it counts, and a port is written into nginx's configuration."""
    host = serving_host
    owned = host.place / "owned"
    command, line = f"a[$(touch {owned})]", f"80; }} }} load_module {owned}; #"
    manifest = host.root / "srv/app/shared" / FIRST / "manifest.json"
    poisoned = {**json.loads(manifest.read_text()), "memory_mb": command, "keep": command, "port": line, "behind": line}
    script = f"cat >{manifest} <<'JSON'\n{json.dumps(poisoned)}\nJSON\nrm -f {manifest.parent}/complete"
    assert by(APP, host, script).returncode == 0
    for words in (("deploy", host.publish(another())), ("rollback", FIRST), ("restart",)):
        done = host.run(*words)
        assert done.code == 0, done.output
        assert not owned.exists()
    assert str(owned) not in "".join(path.read_text() for path in (host.root / "etc").rglob("*") if path.is_file())


def test_a_manifest_with_a_field_of_another_type_is_refused(host: ReleaseHost) -> None:
    for wrong in ({"port": "80"}, {"memory_mb": "a[1]"}, {"keep": -1}, {"behind": 1.5}, {"health": "/a b"}):
        done = host.deploy(FIRST, None, **wrong)
        assert done.code == 1
        assert done.outcome["diagnosis"] == f"The manifest of {FIRST} cannot be read.", wrong


LINKING = """\
const fs = require('fs')
for (const log of [process.env.AWSDEPLOY_LOG, LOG].filter(Boolean)) {
  fs.rmSync(log, { force: true })
  fs.symlinkSync(PRIVATE, log)
}
"""


@pytest.mark.parametrize("port", sampled(["other", "own"]))
def test_a_link_in_place_of_a_log_shows_no_private_file(serving_host: ReleaseHost, port: str) -> None:
    """The program links its logs to a file of root's, then is not well: where it is tried, or on its own port."""
    host = serving_host
    private = host.place / "private"
    private.write_text("kept by root\n")
    private.chmod(0o600)
    linking = LINKING.replace("LOG]", f"'{host.root}/var/log/app/backend.log']").replace("PRIVATE", f"'{private}'")
    well = f"(health && process.env.PORT {'===' if port == 'other' else '!=='} '{host.port}') ||"
    done = host.deploy(another(), application(linking + PROGRAM.replace("health ||", well)))
    assert done.code == 1
    assert (host.root / "var/log/app/backend.log").is_symlink(), done.output
    (host.root / "var/log/app/backend.log").unlink()
    told = done.output + (host.root / "var/log/awsdeploy/release.log").read_text()
    assert "kept by root" not in told


def test_a_link_in_place_of_the_releases_loses_nothing(fresh_host: ReleaseHost) -> None:
    """On machines of an older bootstrap the folder above is the application's own."""
    host = fresh_host
    victim = host.place / "victim"
    (victim / "kept").mkdir(parents=True)
    app = host.root / "srv/app"
    app.mkdir(parents=True)
    os.chown(app, APP, APP)
    assert by(APP, host, f"ln -s {victim} {app}/releases").returncode == 0
    done = host.deploy(FIRST)
    assert done.code == 1
    assert (victim / "kept").is_dir()
    assert len(list(victim.iterdir())) == 1


def test_scripts_of_packages_see_no_secret_and_run_as_the_builder(serving_host: ReleaseHost) -> None:
    host, id = serving_host, another()
    host.parameters = {
        "/deploy/shop/prod/backend/JWT_SECRET": "a-secret-of-the-api",
        "/deploy/shop/prod/backend/build/NPM_TOKEN": "npm_0123456789abcdef",
    }
    scripts = {
        "postinstall": "env >installed; stat -c uid=%u installed >>installed; "
        "cat /proc/[0-9]*/environ >>installed 2>/dev/null || true",
        "build": "env >built",
    }
    done = host.deploy(id, application(scripts=scripts))
    assert done.code == 0, done.output
    folder = host.root / "srv/app/releases" / id
    installed = (folder / "installed").read_bytes().decode(errors="replace")
    assert "a-secret-of-the-api" not in installed
    assert "npm_0123456789abcdef" not in installed
    assert "npm_0123456789abcdef" in (folder / "built").read_text()
    assert (folder / "installed").stat().st_uid == APP  # given to it when all is built
    assert f"\nuid={BUILDER}\n" in installed
    assert not (host.root / "var/lib/awsdeploy/build").exists()


def test_what_an_installation_leaves_running_ends_with_it(serving_host: ReleaseHost) -> None:
    scripts = {"postinstall": "(setsid sleep 97531 >/dev/null 2>&1 &)"}
    assert serving_host.deploy(another(), application(scripts=scripts)).code == 0
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert [one for one in commands if b"97531" in one] == []
