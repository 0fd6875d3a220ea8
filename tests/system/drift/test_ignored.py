"""Attributes that `[drift] ignore` leaves to their owner: no plan counts them, and no call of `up` sends them."""

from __future__ import annotations

import json

import pytest

from awsdeploy import architecture
from awsdeploy.engine import ignored, plan
from awsdeploy.engine.resource import KINDS, Resource
from awsdeploy.errors import ConfigInvalid
from tests.conftest import Stacks
from tests.simulated import World, writes
from tests.system.drift.tables import HANDS
from tests.system.drift.test_drift import CONFIG

CPU, BACKEND, HEALTH, DATABASE = (
    "monitoring/alarms/frontend-1-cpu",
    "web/backend",
    "monitoring/health-check",
    "database/mysql",
)
GROUP_OF_CHECKS = ("Protocol", "IntervalSeconds", "TimeoutSeconds")
LEFT = {
    "web/alb:idle_timeout": "load balancer idle_timeout.timeout_seconds",
    "web/alb:client_keep_alive.seconds": "load balancer client_keep_alive.seconds",
    **{f"{BACKEND}:HealthCheck{name}": f"target group HealthCheck{name}" for name in (*GROUP_OF_CHECKS, "Path")},
    f"{BACKEND}:HealthyThresholdCount": "target group HealthyThresholdCount",
    f"{BACKEND}:UnhealthyThresholdCount": "target group UnhealthyThresholdCount",
    "web/https:SslPolicy": "old TLS",
    **{
        f"{CPU}:{name}": f"{CPU} {name}"
        for name in (
            *("AlarmActions", "OKActions", "InsufficientDataActions", "Threshold", "Period", "EvaluationPeriods"),
            *("DatapointsToAlarm", "TreatMissingData"),
        )
    },
    "monitoring/dashboard:widgets": "dashboard",
    "monitoring/topic:e-mail": "addressee added",
    **{
        f"{HEALTH}:{name}": f"health check {name}"
        for name in ("ResourcePath", "FailureThreshold", "Inverted", "Disabled")
    },
    "monitoring/budget:limit": "budget BudgetLimit",
    **{
        f"{DATABASE}:{name}": f"database {name}"
        for name in (
            *("MaxAllocatedStorage", "BackupRetentionPeriod", "DeletionProtection", "CopyTagsToSnapshot"),
            "AutoMinorVersionUpgrade",
        )
    },
    "database/parameters:slow_query_log": "MySQL setting",
    "database/parameters:long_query_time": "queries are slow after 5 s",
    **{
        f"machines/admin-group:{name}": "group of other sizes"
        for name in ("MaxSize", "HealthCheckGracePeriod", "DefaultInstanceWarmup")
    },
    "machines/admin-scaling:target": "policy of another target",
    "security/rds:inbound": "rule added",
    "machines/backend-role:managed policy": "another policy attached",
    "storage/uploads:encryption": "storage/uploads with another key",
    **{
        f"storage/uploads-cors:{name}": f"browsers: other {name}"
        for name in ("AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders")
    },
}
"""Entry of `[drift] ignore` → the change by hand that it leaves alone."""

WITNESSES = {
    "web/alb:routing": "load balancer routing.http.drop_invalid_header_fields.enabled",
    f"{BACKEND}:Matcher": "target group Matcher",
    f"{CPU}:ComparisonOperator": f"{CPU} ComparisonOperator",
    f"{HEALTH}:Port": "health check Port",
    "monitoring/budget:TimeUnit": "budget TimeUnit",
    f"{DATABASE}:PubliclyAccessible": "database PubliclyAccessible",
    "database/parameters:require_secure_transport": "connections without TLS allowed",
    "machines/admin-group:MinSize": "group of other sizes",
    "storage/uploads-cors:MaxAgeSeconds": "browsers: other MaxAgeSeconds",
    "web/https:default action": "https forwards elsewhere",
}
"""Another attribute that is sent in the same call → the change by hand that `up` corrects."""

IGNORING = f"{CONFIG}\n[drift]\nignore = {json.dumps(list(LEFT))}\n"


def _https_forwards_elsewhere(world: World) -> None:
    elbv2 = world.client("elbv2")
    observed = {one.key: one for one in world.everything(world.settings(CONFIG))}
    action = {"Type": "forward", "TargetGroupArn": observed[BACKEND].id}
    elbv2.modify_listener(ListenerArn=observed["web/https"].id, DefaultActions=[action])


def _by_hand(world: World, name: str) -> None:
    if name in HANDS:
        HANDS[name][1](world, {one.key: one for one in world.everything(world.settings(CONFIG))})
    else:
        _https_forwards_elsewhere(world)
    world.pass_time(900)


def _shown(world: World, config: str) -> set[str]:
    """Differences that the plan shows, as `KEY:ATTRIBUTE`."""
    items = world.plan(world.settings(config)).items.values()
    return {f"{item.resource.key}:{change.field}" for item in items for change in item.changes}


def _matched(shown: set[str], entries: dict[str, str]) -> set[str]:
    return {entry for entry in entries if any(one == entry or one.startswith(f"{entry}.") for one in shown)}


@pytest.mark.slow
def test_what_is_ignored_is_not_shown_and_not_sent_with_what_is_corrected(
    stacks: Stacks, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with stacks.copy(IGNORING, tmp_path_factory.mktemp("ignoring")) as world:
        world.control("POST", "confirm", {"email": "ops@example.com"})
        assert _shown(world, CONFIG) == set(), "a new resource gets our values"
        for name in dict.fromkeys((*LEFT.values(), *WITNESSES.values())):
            _by_hand(world, name)
        assert _matched(_shown(world, CONFIG), LEFT) == set(LEFT)
        shown = _shown(world, IGNORING)
        assert _matched(shown, LEFT) == set()
        assert _matched(shown, WITNESSES) == set(WITNESSES)
        world.up(world.settings(IGNORING))
        world.pass_time(900)
        assert world.plan(world.settings(IGNORING)).quiet
        assert writes(world.up(world.settings(IGNORING))) == {}
        left = _shown(world, CONFIG)
        assert _matched(left, LEFT) == set(LEFT)
        assert _matched(left, WITNESSES) == set()


@pytest.mark.slow
def test_what_is_deleted_of_an_ignored_attribute_comes_back(
    stacks: Stacks, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = f'{CONFIG}\n[drift]\nignore = ["security/alb:inbound"]\n'
    with stacks.copy(IGNORING, tmp_path_factory.mktemp("ignoring")) as world:
        _by_hand(world, "rule taken")
        assert "security/alb:inbound" in _shown(world, config)
        world.up(world.settings(config))
        assert _shown(world, CONFIG) == set()


def _resources(world: World) -> list[Resource]:
    steps = architecture.steps(world.settings(CONFIG))
    return [resource for step in steps for resource in step.resources]


def test_every_attribute_that_can_be_ignored_is_tried(world: World) -> None:
    resources = _resources(world)
    keys = {
        id(one.ignorable): {other.key for other in resources if other.ignorable is one.ignorable} for one in resources
    }
    for resource in resources:
        entries = {
            entry.partition(":")[2]
            for entry in (*LEFT, *WITNESSES)
            if entry.partition(":")[0] in keys[id(resource.ignorable)]
        }
        assert {one for one in resource.ignorable if not entries & {one, one.partition(".")[0]}} == set(), resource.key
    assert {kind.__name__ for kind in KINDS.values() if kind.ignorable} == {
        type(one).__name__ for one in resources if one.ignorable
    }


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("web/abl:idle_timeout", ("no resource has the key web/abl", "Did you mean web/alb?")),
        ("anything:else", ("no resource has the key anything", "Possible keys: security/alb, ", "web/alb")),
        ("web/alb:idle", ("idle cannot be ignored", "client_keep_alive.seconds, idle_timeout.timeout_seconds")),
        ("network/vpc:EnableDnsSupport", ("no attribute of network/vpc can be ignored",)),
    ],
)
def test_an_entry_that_names_nothing_is_refused_with_what_is_known(
    entry: str, says: tuple[str, ...], world: World
) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        ignored.check((entry,), _resources(world))
    assert refused.value.exit_code == 64
    assert all(word in refused.value.message for word in (f"drift.ignore: {entry}: ", *says))


def test_every_mistake_is_named_and_nothing_was_read(world: World) -> None:
    settings = world.settings(f'{CONFIG}\n[drift]\nignore = ["a/b:c", "web/alb:idle_timeout", "web/alb:d"]\n')
    run, calls = world.run(settings)
    with pytest.raises(ConfigInvalid) as refused:
        plan.make(run, architecture.steps(settings))
    assert [line.split(":")[1:3] for line in refused.value.message.split("\n")] == [[" a/b", "c"], [" web/alb", "d"]]
    assert not calls
