"""deploy, rollback, restart, releases, exec: by the installed command, on machines that really run what is released."""

from __future__ import annotations

import json

import pytest

from tests.release.apps import BEHIND, BROKEN, PATIENT, application
from tests.release.repository import FRONT, commit, git
from tests.release.site import CONFIG, HEALTH, address, asked, asking, begun, current, deploy, founded, machines, sent
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

SECRET = "s3cr3t-never-shown"


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack on which a first release runs, whose frontend ends as docs/your-application.md asks for it."""
    founded(module_world)
    commit(module_world.folder, {f"{FRONT}/server.js": PATIENT})
    deploy(module_world)
    return module_world


def test_both_services_answer_with_their_release(site: World) -> None:
    release = current(site)
    assert asked(site, "/")["release"] == release
    assert asked(site, "/")["base"] == address(site)
    assert {tag["Value"] for one in machines(site) for tag in one["Tags"] if tag["Key"] == "awsdeploy:release"} == {
        release
    }


def test_what_runs_already_is_not_released_again(site: World) -> None:
    before = len(sent(site))
    assert "unchanged, nothing was done" in deploy(site)
    assert len(sent(site)) == before


def test_a_new_commit_serves_and_a_rollback_brings_the_old_one_back(site: World) -> None:
    """Without losing a request: where there are two machines they leave the load balancer in turn, and where there is
    one PM2's cluster has the next process answer before the one before ends."""
    assert len(machines(site, "frontend")) == 1, machines(site, "frontend")
    old = current(site)
    commit(site.folder, {"README": "more"})
    with asking(site, HEALTH, 10) as failures, asking(site, "/", 10) as in_place:
        deploy(site)
        new = current(site)
        assert current(site, "/") == new
        back = site.awsdeploy("rollback", "--json", timeout=300)
        assert back.returncode == 0, back.stderr
    assert failures == in_place == []
    assert new != old
    assert (current(site), current(site, "/")) == (old, old)
    assert "Database migrations are not undone." in back.stderr
    listed = json.loads(site.awsdeploy("releases", "backend", "--json").stdout)["releases"]
    assert [row["release"] for row in listed if row["current"]] == [old]
    assert new in [row["release"] for row in listed]


@pytest.mark.torture
def test_fifty_requests_a_second_are_all_answered_in_two_releases_and_a_rollback(site: World) -> None:
    """Each service gets that many: two machines, and one machine."""
    deploy(site)
    old = current(site)
    with asking(site, HEALTH, 50) as failures, asking(site, "/", 50) as in_place:
        for text in ("one", "two"):
            commit(site.folder, {"README": f"fifty {text}"})
            deploy(site)
        assert old not in (current(site), current(site, "/"))
        back = site.awsdeploy("rollback", timeout=300)
        assert back.returncode == 0, back.stderr
    assert failures == in_place == []


@pytest.mark.torture
@pytest.mark.parametrize("what", BROKEN)
def test_a_release_that_does_not_work_changes_nothing(site: World, what: str) -> None:
    deploy(site)
    old = current(site)
    commit(site.folder, application(**BROKEN[what]))
    with asking(site, HEALTH, 20) as failures:
        said = deploy(site, "backend", code=1)
    assert failures == []
    assert current(site) == old
    assert "the release failed at" in said
    git(site.folder, "reset", "-q", "--hard", "HEAD~1")


def test_a_release_that_fails_behind_the_load_balancer_goes_back(site: World) -> None:
    old = current(site)
    commit(site.folder, application(BEHIND))
    said = deploy(site, "backend", code=1)
    assert "load balancer" in said
    assert current(site) == old
    git(site.folder, "reset", "-q", "--hard", "HEAD~1")


@pytest.mark.torture
def test_secrets_are_in_no_command_and_no_output(site: World) -> None:
    name = "/deploy/site/dev/backend/GREETING"
    site.client("ssm").put_parameter(Name=name, Value=SECRET, Type="SecureString")
    done = site.awsdeploy("restart", "backend", timeout=300)
    assert done.returncode == 0, done.stderr
    assert asked(site)["greeting"] == SECRET
    password = site.client("ssm").get_parameter(Name="/deploy/site/dev/database/DB_PASSWORD", WithDecryption=True)
    secrets = (SECRET, password["Parameter"]["Value"])
    logs = site.client("logs")
    events = logs.filter_log_events(logGroupName="/deploy/site/dev/backend")["events"]
    told = json.dumps(sent(site), default=str) + json.dumps(events) + done.stdout + done.stderr
    assert not [secret for secret in secrets if secret in told]


@pytest.mark.torture
def test_a_variable_is_taken_up_by_a_restart_without_a_gap(site: World) -> None:
    """Two machines serve a client that asks all the time; the frontend, which was not named, is left alone."""
    deploy(site)
    release, commands = current(site), len(sent(site))
    with asking(site, HEALTH, 20) as failures:
        done = site.awsdeploy("env", "set", "backend", "GREETING", "--restart", stdin=SECRET, timeout=300)
    assert done.returncode == 0, done.stderr
    assert failures == []
    assert [asked(site)["greeting"] for _ in machines(site)] == [SECRET, SECRET]
    assert current(site) == release
    assert len(sent(site)) == commands + len(machines(site))
    assert f"backend: {release} restarted" in done.stdout
    assert "still has the old environment" not in done.stdout
    assert SECRET not in done.stdout + done.stderr
    done = site.awsdeploy("env", "unset", "backend", "GREETING", "--restart", timeout=300)
    assert done.returncode == 0, done.stderr
    assert "greeting" not in asked(site)


@pytest.mark.torture
def test_variables_in_config_toml_are_released_although_the_commit_is_the_same(site: World) -> None:
    try:
        site.settings(CONFIG + '[services.backend.variables]\nGREETING = "{UNKNOWN}"\nA_KEY = "sk-live-4f9a"\n')
        refused = deploy(site, "backend", code=5)
        assert "services.backend.variables.GREETING: {UNKNOWN} is not set." in refused
        assert "services.backend.variables.A_KEY in config.toml looks like a secret" in refused
        assert "sk-live-4f9a" not in refused
        assert "Nothing was sent." in refused
        site.settings(CONFIG + '[services.backend.variables]\nGREETING = "of {DB_NAME}, {{DB_NAME}}"\n')
        restarted = site.awsdeploy("restart", "backend", timeout=300)
        assert "the variables of backend in config.toml have changed since its release" in restarted.stderr
        deploy(site, "backend")
        assert asked(site)["greeting"] == "of site, {DB_NAME}"
        assert "unchanged" in deploy(site, "backend")
    finally:
        site.settings(CONFIG)
    deploy(site, "backend")
    assert "greeting" not in asked(site)


@pytest.mark.torture
def test_two_at_once_are_refused_naming_the_first(site: World) -> None:
    commit(site.folder, application(PATIENT, build="sleep 3"))
    first = begun(site)
    assert first.stderr is not None
    next(line for line in first.stderr if "machine 1 of" in line)
    second = site.awsdeploy("deploy", "--force")
    _, rest = first.communicate(timeout=240)
    assert first.returncode == 0, rest
    assert second.returncode == 75
    assert "deploy" in second.stderr


def test_a_machine_whose_agent_does_not_answer_is_named(site: World) -> None:
    id = machines(site, "frontend")[0]["InstanceId"]
    site.control("POST", "agent", {"instance": id, "online": False})
    said = deploy(site, "--force", code=5)
    site.control("POST", "agent", {"instance": id, "online": True})
    assert id in said
    assert "agent" in said


def test_a_command_is_run_on_a_machine(site: World) -> None:
    done = site.awsdeploy("exec", "backend", "--", "echo", "hello from there")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "hello from there\n"
    assert "the log group /deploy/site/dev/exec for 1 day" in done.stderr
    (group,) = site.client("logs").describe_log_groups(logGroupNamePrefix="/deploy/site/dev/exec")["logGroups"]
    assert group["retentionInDays"] == 1
    events = site.client("logs").filter_log_events(logGroupName=group["logGroupName"])["events"]
    assert [one["message"] for one in events][:1] == ["hello from there"]
    assert site.awsdeploy("exec", "backend", "echo one word | tr a-z A-Z").stdout == "ONE WORD\n"
    assert site.awsdeploy("exec", "backend", "--", "echo", "two | words").stdout == "two | words\n"
    failed = site.awsdeploy("exec", "backend", "--", "false")
    assert failed.returncode == 1


def test_without_a_stack_there_is_nothing_to_release_on(world: World) -> None:
    world.settings(CONFIG)
    git(world.folder, "init", "-q")
    commit(world.folder, application())
    done = world.awsdeploy("deploy")
    assert done.returncode == 6
    assert "awsdeploy up" in done.stderr


def test_an_unknown_service_is_named_with_those_there_are(world: World) -> None:
    world.settings(CONFIG)
    done = world.awsdeploy("deploy", "fronted")
    assert done.returncode == 64
    assert "frontend, backend" in done.stderr
