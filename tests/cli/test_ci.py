"""ci github: the role that GitHub Actions deploys as, whom it trusts, what is printed, and what goes with the stack."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from awsdeploy import config
from awsdeploy.sandbox.control import RunningSandbox
from tests.account import leftovers
from tests.conftest import forked
from tests.release.repository import git
from tests.sampling import sampled
from tests.simulated import World, tags, writes

pytestmark = pytest.mark.slow

PLAIN = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
CONFIG = f'{PLAIN}\n[ci]\ngithub = "acme/shop"\n'
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
ISSUER = "token.actions.githubusercontent.com"
DOCUMENT = Path(__file__).parents[2] / "docs" / "ci.md"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FROM_GIT = ("--install", f"git+https://github.com/OWNER/awsdeploy@{COMMIT}")
MAIN = "repo:acme/shop:ref:refs/heads/main"


def role(world: World) -> dict[str, Any]:
    (found,) = world.client("iam").list_roles(PathPrefix="/awsdeploy/shop/dev/ci/")["Roles"]
    answer: dict[str, Any] = world.client("iam").get_role(RoleName=found["RoleName"])["Role"]
    return answer


def trusted(world: World) -> str:
    (statement,) = role(world)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"Federated": PROVIDER}
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    (operator,) = statement["Condition"]
    assert operator == "StringEquals"
    keys = dict(statement["Condition"]["StringEquals"])
    assert keys.pop(f"{ISSUER}:aud") == "sts.amazonaws.com"
    subject = keys.pop(f"{ISSUER}:sub")
    assert keys == {}
    return str(subject)


def providers(world: World) -> list[str]:
    return [one["Arn"] for one in world.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]]


def test_one_branch_of_one_repository_may_be_the_role(stack_copy: World) -> None:
    assert trusted(stack_copy) == MAIN
    assert tags(role(stack_copy)["Tags"])["awsdeploy:stack"] == "shop/dev"
    provider = stack_copy.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    assert provider["ClientIDList"] == ["sts.amazonaws.com"]


def test_a_second_up_writes_nothing(stack_copy: World) -> None:
    settings = stack_copy.settings(CONFIG)
    assert stack_copy.plan(settings).quiet
    assert writes(stack_copy.up(settings)) == {}


@pytest.mark.parametrize(
    ("more", "subject"),
    sampled(
        [
            ('github = "acme/other"', "repo:acme/other:ref:refs/heads/main"),
            ('github = "acme/shop"\nbranch = "release/1.x"', "repo:acme/shop:ref:refs/heads/release/1.x"),
            ('github = "acme/shop"\nenvironment = "production"', "repo:acme/shop:environment:production"),
            ('github = "acme@12/shop@345"', "repo:acme@12/shop@345:ref:refs/heads/main"),
        ]
    ),
)
def test_another_subject_is_planned_and_then_trusted_instead(stack_copy: World, more: str, subject: str) -> None:
    before = role(stack_copy)["Arn"]
    text = f"{PLAIN}\n[ci]\n{more}\n"
    (stack_copy.folder / "config.toml").write_text(text)
    late = stack_copy.awsdeploy("ci", "github", *FROM_GIT)
    assert late.returncode == 5
    assert MAIN in late.stderr
    assert subject in late.stderr
    planned = stack_copy.awsdeploy("plan")
    assert f"{MAIN} → {subject} only" in " ".join(planned.stdout.split())
    stack_copy.up(stack_copy.settings(text))
    assert trusted(stack_copy) == subject
    assert role(stack_copy)["Arn"] == before


def test_where_the_machines_fetch_the_code_the_role_sees_what_is_connected(stack_copy: World) -> None:
    """The role can check the access, as `deploy` does before it sends anything."""
    action = '"ssm:DescribeParameters"'
    policy = {"RoleName": role(stack_copy)["RoleName"], "PolicyName": "awsdeploy"}
    iam = stack_copy.client("iam")
    assert action not in json.dumps(iam.get_role_policy(**policy)["PolicyDocument"])
    from_git = '\n[release]\nsource = "git"\nrepository = "https://github.com/acme/shop.git"\n'
    stack_copy.up(stack_copy.settings(CONFIG + from_git))
    assert action in json.dumps(iam.get_role_policy(**policy)["PolicyDocument"])


def test_the_workflow_is_printed_with_the_role(stack_copy: World) -> None:
    stack_copy.control("DELETE", "calls")
    done = stack_copy.awsdeploy("ci", "github", *FROM_GIT)
    assert done.returncode == 0, done.stderr
    arn = role(stack_copy)["Arn"]
    assert arn in done.stderr.splitlines()
    assert "the name acme/shop only" in done.stderr
    assert "gh api repos/acme/shop" in done.stderr
    workflow = yaml.safe_load(done.stdout)
    assert workflow[True] == {"push": {"branches": ["main"]}}  # YAML reads `on` as a yes
    assert workflow["permissions"] == {}
    assert workflow["concurrency"] == {"group": "deploy-shop-dev", "cancel-in-progress": False}
    (job,) = workflow["jobs"].values()
    assert "environment" not in job
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    given = next(step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", ""))
    assert given == {"role-to-assume": arn, "aws-region": "ap-northeast-2"}
    assert job["steps"][-1]["run"] == 'awsdeploy deploy --ref "$GITHUB_SHA"'
    told = json.loads(stack_copy.awsdeploy("ci", "github", *FROM_GIT, "--json").stdout)
    assert (told["role"], told["subject"], told["workflow"]) == (arn, MAIN, done.stdout)
    assert stack_copy.control("GET", "calls")["writes"] == 0


def test_the_workflow_installs_one_commit_before_it_has_credentials(stack_copy: World) -> None:
    (job,) = yaml.safe_load(stack_copy.awsdeploy("ci", "github", *FROM_GIT).stdout)["jobs"].values()
    steps = [step.get("run") or step["uses"] for step in job["steps"]]
    assert [step.split("@")[0] for step in steps] == [
        "actions/checkout",
        "pipx install git+https://github.com/OWNER/awsdeploy",
        "aws-actions/configure-aws-credentials",
        'awsdeploy deploy --ref "$GITHUB_SHA"',
    ]
    assert all(re.fullmatch("[0-9a-f]{40}", step.split("@")[1]) for step in steps[:3])
    assert job["steps"][0]["with"] == {"persist-credentials": False}


def test_without_an_address_the_workflow_is_not_printed(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("ci", "github")
    assert (done.returncode, done.stdout) == (64, "")
    assert "--install git+https://" in done.stderr


def test_the_document_shows_what_is_printed(stack_copy: World) -> None:
    shown = re.search(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert shown is not None
    printed = stack_copy.awsdeploy("ci", "github", *FROM_GIT).stdout.replace("deploy-shop-dev", "deploy-shop-prod")
    assert re.sub("role-to-assume: .*", "", shown[1]) == re.sub("role-to-assume: .*", "", printed)


def test_the_stack_that_was_asked_about_is_the_one_that_is_released(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").rename(stack_copy.folder / "shop.toml")
    done = stack_copy.awsdeploy("ci", "github", *FROM_GIT, "--config", "shop.toml", "-e", "dev")
    assert 'run: awsdeploy deploy --config shop.toml -e dev --ref "$GITHUB_SHA"' in done.stdout


def test_a_job_in_an_environment_says_so(stack_copy: World) -> None:
    text = f'{PLAIN}\n[ci]\ngithub = "acme/shop"\nenvironment = "production"\n'
    stack_copy.up(stack_copy.settings(text))
    workflow = yaml.safe_load(stack_copy.awsdeploy("ci", "github", *FROM_GIT).stdout)
    (job,) = workflow["jobs"].values()
    assert job["environment"] == "production"


def test_what_config_does_not_say_yet_is_printed_to_be_added(world: World) -> None:
    (world.folder / "config.toml").write_text(PLAIN)
    done = world.awsdeploy("ci", "github", "--repository", "acme/shop", "--branch", "live")
    assert done.returncode == 0, done.stderr
    assert "Nothing was written" in done.stderr
    assert "gh api repos/acme/shop" in done.stderr
    settings = config.from_mapping(tomllib.loads(PLAIN + done.stdout))
    assert settings.ci.subject == "repo:acme/shop:ref:refs/heads/live"


def test_the_repository_is_taken_from_where_the_folder_was_cloned(world: World) -> None:
    (world.folder / "config.toml").write_text(PLAIN)
    assert world.awsdeploy("ci", "github").returncode == 64
    git(world.folder, "init", "-q")
    git(world.folder, "remote", "add", "origin", "git@github.com:acme/shop.git")
    assert 'github = "acme/shop"' in world.awsdeploy("ci", "github").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--repository", "acme"),
        ("--repository", "acme/*"),
        ("--repository", "acme@1/shop"),
        ("--repository", "acme/shop", "--branch", "feature/*"),
        ("--repository", "acme/shop", "--branch", "main:x"),
        ("--repository", "acme/shop", "--environment", "${x}"),
    ],
)
def test_what_iam_would_read_otherwise_is_no_subject(world: World, words: tuple[str, ...]) -> None:
    (world.folder / "config.toml").write_text(PLAIN)
    done = world.awsdeploy("ci", "github", *words)
    assert done.returncode == 64, done.stderr
    assert words[-2] in done.stderr
    assert done.stdout == ""


def test_the_role_goes_and_the_accounts_provider_stays_and_is_named(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("destroy", "--confirm", "shop-dev")
    assert done.returncode == 0, done.stderr
    assert leftovers(stack_copy) == []
    assert providers(stack_copy) == [PROVIDER]
    for text in (done.stdout, done.stderr):
        assert f"{ISSUER}: shared by the account, other roles may use it ($0.00 a month)" in text


def test_without_the_setting_the_role_goes(stack_copy: World) -> None:
    stack_copy.up(stack_copy.settings(PLAIN))
    assert stack_copy.client("iam").list_roles(PathPrefix="/awsdeploy/shop/dev/ci/")["Roles"] == []
    assert providers(stack_copy) == [PROVIDER]


def test_anothers_provider_is_used(world: World) -> None:
    world.client("iam").create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com", "x"], ThumbprintList=["0" * 40]
    )
    world.up(world.settings(CONFIG))
    assert trusted(world) == MAIN
    provider = world.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    assert provider["ClientIDList"] == ["sts.amazonaws.com", "x"]


def test_a_provider_that_does_not_take_such_tokens_is_named_with_the_remedy(stack_copy: World) -> None:
    iam = stack_copy.client("iam")
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["x"], ThumbprintList=["0" * 40])
    done = stack_copy.awsdeploy("up", "--yes")
    assert done.returncode == 4, done.stderr
    assert f"{PROVIDER} does not accept tokens for sts.amazonaws.com" in done.stderr
    assert "add-client-id-to-open-id-connect-provider" in done.stderr


@pytest.mark.parametrize("kind", sampled(["kill-after", "lost-answer"]))
@pytest.mark.parametrize("operation", sampled(["CreateRole", "CreateOpenIDConnectProvider", "PutRolePolicy"]))
def test_what_broke_off_is_made_by_the_same_command(
    stack_world: World, tmp_path: Path, kind: str, operation: str
) -> None:
    with forked(RunningSandbox(**stack_world.control("GET", "status")), tmp_path) as world:
        world.up(world.settings(PLAIN))
        world.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
        (tmp_path / "config.toml").write_text(CONFIG)
        world.control("POST", "fault", {"kind": kind, "write": 1, "operation": f"iam:{operation}"})
        world.awsdeploy("up", "--yes")
        assert not world.control("GET", "fault")["armed"]
        done = world.awsdeploy("up", "--yes")
        assert done.returncode == 0, done.stderr
        assert trusted(world) == MAIN
        assert providers(world) == [PROVIDER]
        policies = world.client("iam").list_role_policies(RoleName=role(world)["RoleName"])["PolicyNames"]
        assert policies == ["awsdeploy"]
