"""repository connect, show and disconnect: what is tried, what then stands in Parameter Store, and who sees it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.account import leftovers
from tests.release.git_server import TOKEN, USER, GitServer, serving
from tests.release.repository import commit, git, repository
from tests.simulated import World, tags
from tests.terminal import talk

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
PLACE = "/deploy/shop/dev"
ACCESS = {f"{PLACE}/{service}/repository/access" for service in ("backend", "frontend")}
KNOWN_HOSTS = {f"{PLACE}/{service}/repository/known_hosts" for service in ("backend", "frontend")}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A git server with a repository that a token opens."""
    (tmp_path / "code").mkdir()
    with serving(tmp_path / "server") as made:
        made.holds("shop", repository(tmp_path / "code"))
        yield made


@pytest.fixture
def url(server: GitServer) -> str:
    return f"{server.url}/shop.git"


def stored(world: World) -> dict[str, dict[str, Any]]:
    ssm = world.client("ssm")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=PLACE, Recursive=True, WithDecryption=True)
    every = [one for page in pages for one in page["Parameters"]]
    assert every
    return {one["Name"]: one for one in every if "/repository/" in one["Name"]}


def connected(world: World, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    done = world.awsdeploy("repository", "connect", url, *words, stdin=f"{TOKEN}\n")
    assert done.returncode == 0, done.stderr
    return done


def test_a_token_is_tried_and_stored_encrypted_for_each_service(stack_copy: World, url: str) -> None:
    done = connected(stack_copy, url)
    found = stored(stack_copy)
    assert set(found) == ACCESS
    for name, one in found.items():
        assert one["Type"] == "SecureString"
        assert json.loads(one["Value"]) == {"url": url, "user": USER, "token": TOKEN}
        listed = stack_copy.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        assert tags(listed)["awsdeploy:stack"] == "shop/dev"
    assert f'repository = "{url}"' in done.stdout
    shown = stack_copy.awsdeploy("repository", "show")
    assert url in shown.stdout
    texts = [done.stdout, done.stderr, shown.stdout, stack_copy.awsdeploy("env", "list", "--show").stdout]
    texts += [file.read_text(errors="replace") for file in stack_copy.folder.rglob("*") if file.is_file()]
    assert not any(TOKEN in text for text in texts)


def test_a_token_is_asked_for_and_not_echoed(stack_copy: World, url: str) -> None:
    said, code = talk(["repository", "connect", url], [("Read-only token", TOKEN)])
    assert code == 0, said
    assert TOKEN not in said
    assert set(stored(stack_copy)) == ACCESS


def test_the_address_is_the_settings_one(stack_copy: World, url: str) -> None:
    stack_copy.settings(f'{CONFIG}[release]\nsource = "git"\nrepository = "{url}"\n')
    done = stack_copy.awsdeploy("repository", "connect", stdin=TOKEN)
    assert done.returncode == 0, done.stderr
    assert "[release]" not in done.stdout


def test_a_token_that_does_not_open_it_is_refused_with_gits_reason(stack_copy: World, url: str) -> None:
    done = stack_copy.awsdeploy("repository", "connect", url, stdin="ghp_of_somebody_else")
    assert done.returncode == 5
    assert "Authentication failed" in done.stderr
    assert "ghp_of_somebody_else" not in done.stdout + done.stderr
    missing = stack_copy.awsdeploy("repository", "connect", url.replace("shop", "none"), stdin=TOKEN)
    assert missing.returncode == 5
    assert "not found" in missing.stderr
    assert stored(stack_copy) == {}


def test_the_token_is_in_no_argument_and_no_file_of_gits(stack_copy: World, url: str, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$*" >>{tmp_path}/argv\ncat "$PWD"/* >>{tmp_path}/files\nexec /usr/bin/git "$@"\n'
    )
    (tools / "git").chmod(0o755)
    done = stack_copy.awsdeploy("repository", "connect", url, stdin=TOKEN, PATH=f"{tools}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    assert "ls-remote" in (tmp_path / "argv").read_text()
    assert TOKEN not in (tmp_path / "argv").read_text() + (tmp_path / "files").read_text()


def test_a_public_repository_needs_nothing(stack_copy: World, server: GitServer, url: str) -> None:
    server.token = ""
    done = stack_copy.awsdeploy("repository", "connect", url)
    assert done.returncode == 0, done.stderr
    assert "is public" in done.stdout
    assert stored(stack_copy) == {}


def test_what_is_connected_goes_on_request(stack_copy: World, url: str) -> None:
    connected(stack_copy, url)
    assert "backend, frontend" in stack_copy.awsdeploy("repository", "disconnect").stdout
    assert stored(stack_copy) == {}
    assert "No repository is connected" in stack_copy.awsdeploy("repository", "show").stdout


def test_up_leaves_it_alone_and_destroy_takes_it_along(stack_copy: World, url: str) -> None:
    settings = stack_copy.settings(CONFIG)
    connected(stack_copy, url)
    assert stack_copy.plan(settings).quiet
    stack_copy.up(settings)
    assert set(stored(stack_copy)) == ACCESS
    done = stack_copy.awsdeploy("destroy", "--confirm", "shop-dev")
    assert done.returncode == 0, done.stderr
    assert leftovers(stack_copy) == []


SSH = """\
#!/bin/bash
# Plays ssh and the server behind it: it writes down the server's key, and lets in who has the right one.
before=''
for word; do
  [[ $before != -i ]] || key=$word
  [[ $word != UserKnownHostsFile=* ]] || known=${{word#*=}}
  before=$word
done
echo "$*" >>{place}/argv
stat -c %a "$key" >{place}/mode
[[ -s $known ]] || echo "[git.example.com]:2222 $(cut -d' ' -f1,2 {place}/host.pub)" >"$known"
cmp -s "$key" {place}/deploy_key || {{ echo 'git@git.example.com: Permission denied (publickey).' >&2; exit 255; }}
eval "exec ${{!#}}"
"""


def test_a_deploy_key_is_stored_with_the_keys_of_its_server(
    stack_copy: World, server: GitServer, tmp_path: Path
) -> None:
    for name in ("deploy_key", "other", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ssh").write_text(SSH.format(place=tmp_path))
    (tools / "ssh").chmod(0o755)
    words = ["repository", "connect", f"ssh://git@git.example.com:2222{server.folder}/shop.git", "--deploy-key"]
    refused = stack_copy.awsdeploy(*words, "other", PATH=f"{tools}:/usr/bin:/bin", HOME=str(tmp_path))
    assert refused.returncode == 5
    assert "Permission denied (publickey)" in refused.stderr
    assert stored(stack_copy) == {}
    done = stack_copy.awsdeploy(*words, "deploy_key", PATH=f"{tools}:/usr/bin:/bin", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "was not in known_hosts" in done.stderr
    parameters = stored(stack_copy)
    assert set(parameters) == ACCESS | KNOWN_HOSTS
    assert {one["Type"] for one in parameters.values()} == {"SecureString"}
    key = (tmp_path / "deploy_key").read_text()
    for name in ACCESS:
        assert json.loads(parameters[name]["Value"])["key"] == key
    for name in KNOWN_HOSTS:
        assert parameters[name]["Value"].startswith("[git.example.com]:2222 ssh-ed25519 ")
    assert (tmp_path / "mode").read_text().strip() == "600"
    assert key.splitlines()[1] not in done.stdout + done.stderr + (tmp_path / "argv").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "set release.repository"),
        (("https://me:s3cret@github.com/a/b.git",), "without a password or token"),
        (("../shop",), "git@github.com"),
        (("git@github.com:acme/shop.git",), "--deploy-key"),
        (("https://github.com/acme/shop.git", "--deploy-key", "config.toml"), "needs a token"),
        (("git@github.com:acme/shop.git", "--deploy-key", "missing"), "cannot be read"),
        (("git@github.com:acme/shop.git", "--deploy-key", "config.toml"), "not a private key"),
        (("git@github.com:acme/shop.git", "--deploy-key", "locked"), "passphrase"),
        (("http://127.0.0.1:9/shop.git",), "Not a valid token"),
    ],
)
def test_what_makes_no_sense_stores_nothing(stack_copy: World, words: tuple[str, ...], says: str) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "s3cret", "-f", stack_copy.folder / "locked"], check=True
    )
    done = stack_copy.awsdeploy("repository", "connect", *words)
    assert done.returncode == 64, done.stderr
    assert says in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert stored(stack_copy) == {}


def test_who_has_not_connected_it_may_not_deploy_from_it(stack_copy: World, url: str) -> None:
    git(stack_copy.folder, "init", "-q", "-b", "main")
    commit(stack_copy.folder, {"back/package.json": "{}", "front/package.json": "{}"})
    stack_copy.settings(f'{CONFIG}[release]\nsource = "git"\nrepository = "{url}"\n')
    for name in ("back", "front"):
        commit(stack_copy.folder, {f"{name}/package-lock.json": "{}"})
    done = stack_copy.awsdeploy("deploy")
    assert done.returncode == 5, done.stderr
    assert "awsdeploy repository connect" in done.stderr
    assert "sending" not in done.stderr
    connected(stack_copy, url)
    stack_copy.settings(f'{CONFIG}[release]\nsource = "git"\nrepository = "https://git.example.com/other.git"\n')
    other = stack_copy.awsdeploy("deploy")
    assert other.returncode == 5
    assert f"connected to {url}" in other.stderr
