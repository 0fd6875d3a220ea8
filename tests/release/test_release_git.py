"""The machine fetches the commit itself from a git server that asks for a token, and nobody sees the token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.release.box import ReleaseHost, application, until
from tests.release.git_server import TOKEN, USER, GitServer, serving
from tests.release.repository import commit, git
from tests.release.test_release_secrets import watch

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


def connect(box: ReleaseHost, url: str, **access: str) -> None:
    box.parameters[f"{PLACE}/access"] = json.dumps({"url": url, "user": USER, "token": TOKEN, **access})


def sent(clone: Path, url: str) -> dict[str, Any]:
    """What the manifest says of the source."""
    return {"repository": url, "commit": git(clone, "rev-parse", "HEAD").strip()}


def release(box: ReleaseHost, id: str, clone: Path, url: str) -> str:
    box.publish(id, {}, **sent(clone, url))
    (box.aws / f"objects/releases/backend/{id}.tar.gz").unlink()
    return id


def test_a_release_comes_from_the_repository_and_the_token_is_seen_nowhere(
    box: ReleaseHost, server: GitServer, clone: Path
) -> None:
    url = server.holds("shop", clone)
    connect(box, url)
    box.tool("git", f'#!/bin/bash\nprintf "%s\\n" "$*" >>{box.place}/argv\nexec /usr/bin/git "$@"\n')
    ended, seen = threading.Event(), set[str]()
    watcher = threading.Thread(target=watch, args=(ended, seen))
    watcher.start()
    try:
        done = box.run("deploy", release(box, FIRST, clone, url))
    finally:
        ended.set()
        watcher.join()
    assert done.code == 0, done.output
    assert box.serving == FIRST
    folder = box.root / "srv/app/releases" / FIRST
    assert (folder / "main.js").is_file()
    assert not (folder / ".git").exists()
    files = [file for file in box.root.rglob("*") if file.is_file() and not file.is_symlink()]
    texts = {str(file): file.read_text(errors="replace") for file in files}
    texts |= {"output": done.output, "git's arguments": (box.place / "argv").read_text(), "seen": "\n".join(seen)}
    assert "fetch" in texts["git's arguments"]
    assert not [place for place, text in texts.items() if TOKEN in text]
    assert TOKEN not in json.dumps(box.variables)
    assert not (box.root / "srv/app/shared/repository").exists()


def refused(box: ReleaseHost, clone: Path, url: str) -> dict[str, Any]:
    """How a release ends that cannot be fetched."""
    done = box.run("deploy", release(box, SECOND, clone, url))
    assert done.code == 1, done.output
    assert (done.outcome["outcome"], done.outcome["step"]) == ("failed", "fetch"), done.output
    assert TOKEN not in done.output
    assert not (box.root / "srv/app/shared/repository").exists()
    return done.outcome


@pytest.mark.parametrize("token", ["glpat-of-somebody-else", ""])
def test_who_has_no_token_that_opens_it_is_refused_by_git(
    box: ReleaseHost, server: GitServer, clone: Path, token: str
) -> None:
    url = server.holds("shop", clone)
    if token:
        connect(box, url, token=token)
    outcome = refused(box, clone, url)
    assert outcome["diagnosis"].startswith("git refused")
    assert "awsdeploy repository connect" in outcome["remedy"]


def test_a_commit_that_was_not_pushed_is_named(box: ReleaseHost, server: GitServer, clone: Path) -> None:
    url = server.holds("shop", clone)
    connect(box, url)
    here = commit(clone, {"more": "of it"})
    outcome = refused(box, clone, url)
    assert outcome["diagnosis"] == f"The repository does not have the commit {here[:7]}: it was not pushed."
    server.old = True
    assert refused(box, clone, url)["diagnosis"] == outcome["diagnosis"]
    server.push("shop", clone)
    assert box.run("deploy", SECOND).code == 0


def test_a_repository_that_is_not_there_is_named(box: ReleaseHost, server: GitServer, clone: Path) -> None:
    connect(box, url := f"{server.url}/nothing.git")
    assert refused(box, clone, url)["diagnosis"].startswith(f"The repository {url} does not exist, or")


def test_a_server_that_is_not_there_is_named(box: ReleaseHost, clone: Path) -> None:
    connect(box, url := "http://127.0.0.1:9/shop.git")
    assert "cannot be reached" in refused(box, clone, url)["diagnosis"]


def test_where_a_commit_is_not_handed_out_by_its_name_everything_is_fetched(
    box: ReleaseHost, server: GitServer, clone: Path
) -> None:
    old = sent(clone, url := f"{server.url}/shop.git")
    commit(clone, {"later": "than that"})
    server.holds("shop", clone)
    server.old = True
    connect(box, url)
    done = box.run("deploy", box.publish(FIRST, {}, **old))
    assert done.code == 0, done.output
    assert "unadvertised object" in done.output
    assert not (box.root / "srv/app/releases" / FIRST / "later").exists()


def test_a_new_machine_catches_up_and_a_public_repository_needs_no_token(
    box: ReleaseHost, server: GitServer, clone: Path
) -> None:
    server.token = ""
    box.name_current(release(box, FIRST, clone, server.holds("shop", clone)))
    done = box.run("catchup")
    assert done.code == 0, done.output
    assert box.serving == FIRST
    assert server.told == set()


def test_a_server_to_which_one_is_led_is_not_told_the_token(
    box: ReleaseHost, server: GitServer, clone: Path, tmp_path: Path
) -> None:
    url = server.holds("shop", clone)
    connect(box, url)
    with serving(tmp_path / "other") as other:
        server.elsewhere = other.url
        assert refused(box, clone, url)["diagnosis"].startswith("git refused")
        assert other.told == set()


def test_the_token_of_another_repository_is_not_used(box: ReleaseHost, server: GitServer, clone: Path) -> None:
    connect(box, "https://git.example.com/shop.git")
    outcome = refused(box, clone, url := server.holds("shop", clone))
    assert outcome["diagnosis"] == f"The code is in {url}, but https://git.example.com/shop.git is connected."
    assert server.told == set()


@pytest.mark.torture
def test_nothing_stays_of_a_fetch_that_was_killed(box: ReleaseHost, server: GitServer, clone: Path) -> None:
    url = server.holds("shop", clone)
    connect(box, url)
    box.tool(
        "git",
        f'#!/bin/bash\n[[ "$*" != *" fetch "* ]] || {{ touch {box.place}/asked; exec sleep 60; }}\n'
        'exec /usr/bin/git "$@"\n',
    )
    process = box.start("deploy", release(box, FIRST, clone, url))
    until((box.place / "asked").exists)
    process.kill()
    process.wait()
    assert (box.root / "srv/app/shared/repository/askpass").exists()
    (box.tools / "git").unlink()
    assert box.run("deploy", FIRST).code == 0
    assert not (box.root / "srv/app/shared/repository").exists()


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


def test_a_deploy_key_is_in_a_file_for_ssh_alone(box: ReleaseHost, server: GitServer, clone: Path) -> None:
    server.holds("shop", clone)
    url = f"ssh://git@git.example.com{server.folder}/shop.git"
    box.tool("ssh", SSH.format(place=box.place))
    assert "is stored for backend" in refused(box, clone, url)["diagnosis"]
    connect(box, url, key="another key\n", token="")
    box.parameters[f"{PLACE}/known_hosts"] = "git.example.com ssh-ed25519 AAAA"
    assert refused(box, clone, url)["diagnosis"].startswith("git refused")
    connect(box, url, key="begin\nthe key\nend\n", token="")
    done = box.run("deploy", release(box, FIRST, clone, url))
    assert done.code == 0, done.output
    assert (box.place / "modes").read_text().split() == ["600", "700"]
    assert (box.place / "known").read_text() == "git.example.com ssh-ed25519 AAAA"
    assert "StrictHostKeyChecking=yes" in (box.place / "argv").read_text()
    files = [file for file in box.root.rglob("*") if file.is_file() and not file.is_symlink()]
    assert not [file for file in files if "the key" in file.read_text(errors="replace")]
