"""The machine fetches the commit itself from a git server that asks for a token, and nobody sees the token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine.release_host import ReleaseHost, application, until
from tests.machine.test_release_secrets import watch
from tests.release.git_server import TOKEN, USER, GitServer, serving
from tests.release.repository import commit, git

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST, SECOND = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb"
PLACE = "/deploy/shop/prod/backend/repository"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with serving(tmp_path / "server") as made:
        yield made


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {**application()})
    return folder


def connect(host: ReleaseHost, url: str, **access: str) -> None:
    host.parameters[f"{PLACE}/access"] = json.dumps({"url": url, "user": USER, "token": TOKEN, **access})


def sent(clone: Path, url: str) -> dict[str, Any]:
    """Source in the manifest."""
    return {"repository": url, "commit": git(clone, "rev-parse", "HEAD").strip()}


def release(host: ReleaseHost, id: str, clone: Path, url: str) -> str:
    host.publish(id, {}, **sent(clone, url))
    (host.aws / f"objects/releases/backend/{id}.tar.gz").unlink()
    return id


def test_a_release_comes_from_the_repository_and_the_token_is_seen_nowhere(
    host: ReleaseHost, server: GitServer, clone: Path
) -> None:
    url = server.holds("shop", clone)
    connect(host, url)
    host.tool("git", f'#!/bin/bash\nprintf "%s\\n" "$*" >>{host.place}/argv\nexec /usr/bin/git "$@"\n')
    ended, seen = threading.Event(), set[str]()
    watcher = threading.Thread(target=watch, args=(host.place, ended, seen))
    watcher.start()
    try:
        done = host.run("deploy", release(host, FIRST, clone, url))
    finally:
        ended.set()
        watcher.join()
    assert done.code == 0, done.output
    assert host.serving == FIRST
    folder = host.root / "srv/app/releases" / FIRST
    assert (folder / "main.js").is_file()
    assert not (folder / ".git").exists()
    files = [file for file in host.root.rglob("*") if file.is_file() and not file.is_symlink()]
    texts = {str(file): file.read_text(errors="replace") for file in files}
    texts |= {"output": done.output, "git's arguments": (host.place / "argv").read_text(), "seen": "\n".join(seen)}
    assert "fetch" in texts["git's arguments"]
    assert texts["seen"], "no process of the machine was seen"
    assert not [place for place, text in texts.items() if TOKEN in text]
    assert TOKEN not in json.dumps(host.variables)
    assert not (host.root / "srv/app/shared/repository").exists()


def refused(host: ReleaseHost, clone: Path, url: str) -> dict[str, Any]:
    """Result of a release that cannot be fetched."""
    done = host.run("deploy", release(host, SECOND, clone, url))
    assert done.code == 1, done.output
    assert (done.outcome["outcome"], done.outcome["step"]) == ("failed", "fetch"), done.output
    assert TOKEN not in done.output
    assert not (host.root / "srv/app/shared/repository").exists()
    return done.outcome


@pytest.mark.parametrize("token", ["glpat-of-somebody-else", ""])
def test_who_has_no_token_that_opens_it_is_refused_by_git(
    host: ReleaseHost, server: GitServer, clone: Path, token: str
) -> None:
    url = server.holds("shop", clone)
    if token:
        connect(host, url, token=token)
    outcome = refused(host, clone, url)
    assert outcome["diagnosis"].startswith("git refused")
    assert "awsdeploy repository connect" in outcome["remedy"]


def test_a_commit_that_was_not_pushed_is_named(host: ReleaseHost, server: GitServer, clone: Path) -> None:
    url = server.holds("shop", clone)
    connect(host, url)
    here = commit(clone, {"more": "of it"})
    outcome = refused(host, clone, url)
    assert outcome["diagnosis"] == f"The repository does not have the commit {here[:7]}: it was not pushed."
    server.old = True
    assert refused(host, clone, url)["diagnosis"] == outcome["diagnosis"]
    server.push("shop", clone)
    assert host.run("deploy", SECOND).code == 0


def test_a_repository_that_is_not_there_is_named(host: ReleaseHost, server: GitServer, clone: Path) -> None:
    connect(host, url := f"{server.url}/nothing.git")
    assert refused(host, clone, url)["diagnosis"].startswith(f"The repository {url} does not exist, or")


def test_a_server_that_is_not_there_is_named(host: ReleaseHost, clone: Path) -> None:
    connect(host, url := "http://127.0.0.1:9/shop.git")
    assert "cannot be reached" in refused(host, clone, url)["diagnosis"]


def test_where_a_commit_is_not_handed_out_by_its_name_everything_is_fetched(
    host: ReleaseHost, server: GitServer, clone: Path
) -> None:
    old = sent(clone, url := f"{server.url}/shop.git")
    commit(clone, {"later": "than that"})
    server.holds("shop", clone)
    server.old = True
    connect(host, url)
    done = host.run("deploy", host.publish(FIRST, {}, **old))
    assert done.code == 0, done.output
    assert "unadvertised object" in done.output
    assert not (host.root / "srv/app/releases" / FIRST / "later").exists()


def test_a_new_machine_catches_up_and_a_public_repository_needs_no_token(
    host: ReleaseHost, server: GitServer, clone: Path
) -> None:
    server.token = ""
    host.name_current(release(host, FIRST, clone, server.holds("shop", clone)))
    done = host.run("catchup")
    assert done.code == 0, done.output
    assert host.serving == FIRST
    assert server.told == set()


def test_a_server_to_which_one_is_led_is_not_told_the_token(
    host: ReleaseHost, server: GitServer, clone: Path, tmp_path: Path
) -> None:
    url = server.holds("shop", clone)
    connect(host, url)
    with serving(tmp_path / "other") as other:
        server.elsewhere = other.url
        assert refused(host, clone, url)["diagnosis"].startswith("git refused")
        assert other.told == set()


def test_the_token_of_another_repository_is_not_used(host: ReleaseHost, server: GitServer, clone: Path) -> None:
    connect(host, "https://git.example.com/shop.git")
    outcome = refused(host, clone, url := server.holds("shop", clone))
    assert outcome["diagnosis"] == f"The code is in {url}, but https://git.example.com/shop.git is connected."
    assert server.told == set()


@pytest.mark.torture
def test_nothing_stays_of_a_fetch_that_was_killed(host: ReleaseHost, server: GitServer, clone: Path) -> None:
    url = server.holds("shop", clone)
    connect(host, url)
    host.tool(
        "git",
        f'#!/bin/bash\n[[ "$*" != *" fetch "* ]] || {{ touch {host.place}/asked; exec sleep 60; }}\n'
        'exec /usr/bin/git "$@"\n',
    )
    process = host.start("deploy", release(host, FIRST, clone, url))
    until((host.place / "asked").exists)
    process.kill()
    process.wait()
    assert (host.root / "srv/app/shared/repository/askpass").exists()
    (host.tools / "git").unlink()
    assert host.run("deploy", FIRST).code == 0
    assert not (host.root / "srv/app/shared/repository").exists()


SSH = """\
#!/bin/bash
# Plays ssh and the server behind it: who has the key is let in.
printf '%s\\n' "$*" >>{place}/argv
before=''
for word; do
  [[ $before != -i ]] || key=$word
  [[ $word != UserKnownHostsFile=* ]] || known=${{word#*=}}
  before=$word
done
stat -c %a "$key" "${{key%/*}}" >{place}/modes
cp "$known" {place}/known
grep -qx 'the key' "$key" || {{ echo 'git@git.example.com: Permission denied (publickey).' >&2; exit 255; }}
eval "exec ${{!#}}"
"""


def test_a_deploy_key_is_in_a_file_for_ssh_alone(host: ReleaseHost, server: GitServer, clone: Path) -> None:
    server.holds("shop", clone)
    url = f"ssh://git@git.example.com{server.folder}/shop.git"
    host.tool("ssh", SSH.format(place=host.place))
    assert "is stored for backend" in refused(host, clone, url)["diagnosis"]
    connect(host, url, key="another key\n", token="")
    host.parameters[f"{PLACE}/known_hosts"] = "git.example.com ssh-ed25519 AAAA"
    assert refused(host, clone, url)["diagnosis"].startswith("git refused")
    connect(host, url, key="begin\nthe key\nend\n", token="")
    done = host.run("deploy", release(host, FIRST, clone, url))
    assert done.code == 0, done.output
    assert (host.place / "modes").read_text().split() == ["600", "700"]
    assert (host.place / "known").read_text() == "git.example.com ssh-ed25519 AAAA"
    assert "StrictHostKeyChecking=yes" in (host.place / "argv").read_text()
    files = [file for file in host.root.rglob("*") if file.is_file() and not file.is_symlink()]
    assert not [file for file in files if "the key" in file.read_text(errors="replace")]
