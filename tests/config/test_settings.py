"""The documented values are the defaults, presets override sizes, and every value knows where it came from."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from awsdeploy.config import ENVIRONMENT, ScalingSettings, Settings, from_mapping, json_schema, load, loads
from awsdeploy.errors import ConfigInvalid

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
MINIMAL: dict[str, Any] = {"name": "shop", "platform": "documented", "domain": "example.com"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)


def settings(**written: Any) -> Settings:
    return from_mapping(MINIMAL | written)


def test_the_documented_values_are_the_defaults() -> None:
    documented = settings()
    assert str(documented.stack) == "shop-prod"
    assert (documented.region, documented.preset, documented.timezone) == ("ap-northeast-2", "prod", "UTC")
    assert documented.aliases == ("www.example.com",)
    assert documented.create_zone is False
    network = documented.network  # B1-B4
    assert network.cidr == "10.0.0.0/16"
    assert documented.zone_names == ("ap-northeast-2a", "ap-northeast-2c")
    assert network.public == ("10.0.1.0/24", "10.0.2.0/24")
    assert network.private == ("10.0.3.0/24", "10.0.4.0/24")
    assert network.nat is True
    assert network.ssh_from == ()
    frontend, backend = documented.services.values()  # E1, E2, F1, F2, F4
    assert (frontend.name, frontend.port, frontend.paths, frontend.health) == ("frontend", 3000, ("/*",), "/")
    assert (backend.name, backend.port, backend.health) == ("backend", 9999, "/api/health")
    assert backend.paths == ("/api", "/api/*")
    for service in (frontend, backend):
        assert (service.instances, service.instance_type, service.volume_gb) == (1, "t3.medium", 20)
    database = documented.database  # D1, D2
    assert (database.engine_version, database.instance_class) == ("8.0", "db.t3.small")
    assert (database.storage_gb, database.max_storage_gb, database.backup_days) == (20, 100, 7)
    assert (database.multi_az, database.deletion_protection) == (True, True)
    assert (database.name, database.username) == ("shop", "app")
    uploads = documented.uploads  # H1, H4, L3
    assert (uploads.access, uploads.replicate, uploads.replica_region) == ("public", True, "ap-northeast-1")
    assert (uploads.temp_days, uploads.noncurrent_days) == (7, 30)
    assert (documented.logs.days, documented.logs.access_days) == (30, 90)
    monitoring, backup = documented.monitoring, documented.backup  # G2, J1, L2, L6
    assert (monitoring.emails, monitoring.health_check, monitoring.request_metrics) == ((), True, True)
    assert (backup.images, backup.keep_images, backup.at) == (True, 7, "18:00")
    waits = documented.waits
    assert (waits.settle, waits.poll_floor, waits.poll_ceiling, waits.silence) == (60.0, 0.5, 30.0, 120.0)


@pytest.mark.parametrize(
    ("written", "path", "codes", "healthy"),
    [
        ("", "/api/health", "200-399", {200, 302}),
        ('health_status = "200-499"', "/api/health", "200-499", {200, 302, 404}),
        ('health_status = "200, 404"', "/api/health", "200,404", {200, 404}),
        ('health = "tcp"', "/", "200-499", {200, 302, 404}),
    ],
)
def test_which_answers_are_healthy(written: str, path: str, codes: str, healthy: set[int]) -> None:
    text = f'name = "shop"\nplatform = "supported"\n[services.frontend]\n[services.backend]\n{written}\n'
    backend = loads(text).services["backend"]
    assert (backend.health_path, backend.healthy_codes) == (path, codes)
    assert {code for code in (200, 302, 404, 503) if backend.is_healthy(code)} == healthy


@pytest.mark.parametrize(
    ("written", "prefixes", "health", "asked"),
    [
        ("", (), "/api/health", "/api/health"),
        ("strip_prefix = true", ("/api",), "/health", "/api/health"),
        ('strip_prefix = true\nhealth = "tcp"', ("/api",), "/", "/api/"),
        ('strip_prefix = true\npaths = ["/v1", "/v1/admin/*"]\nhealth = "/ok"', ("/v1/admin", "/v1"), "/ok", "/v1/ok"),
    ],
)
def test_a_stripped_prefix_changes_what_the_program_is_asked(
    written: str, prefixes: tuple[str, ...], health: str, asked: str
) -> None:
    text = f'name = "shop"\nplatform = "supported"\n[services.frontend]\n[services.backend]\n{written}\n'
    backend = loads(text).services["backend"]
    assert (backend.stripped_prefixes, backend.health_path) == (prefixes, health)
    assert backend.asked(backend.health_path) == asked


def test_the_dev_preset_is_small_and_the_rest_stays() -> None:
    """K1: t3.micro and db.t3.micro; nothing but sizes differs from prod."""
    dev, prod = settings(environment="dev"), settings()
    assert dev.preset == "dev"
    assert {service.instance_type for service in dev.services.values()} == {"t3.micro"}
    assert (dev.database.instance_class, dev.database.multi_az) == ("db.t3.micro", False)
    assert (dev.network.nat, dev.database.deletion_protection) == (False, False)
    changed = {key for key in flat(dev) if flat(dev)[key] != flat(prod)[key]}
    assert changed == {
        "environment",
        "preset",
        "network.nat",
        "services.frontend.instance_type",
        "services.backend.instance_type",
        "database.instance_class",
        "database.multi_az",
        "database.deletion_protection",
        "uploads.replicate",
    }


def test_a_written_value_wins_over_the_preset() -> None:
    written = settings(environment="dev", network={"nat": True}, database={"multi_az": True})
    assert written.network.nat is True
    assert written.database.multi_az is True
    assert written.database.instance_class == "db.t3.micro"


def test_another_environment_names_its_preset() -> None:
    assert settings(environment="staging", preset="dev").database.instance_class == "db.t3.micro"


@pytest.mark.parametrize(("platform", "version"), [("documented", "8.0"), ("supported", "8.4")])
def test_the_platform_decides_mysqls_version_unless_written(platform: str, version: str) -> None:
    assert settings(platform=platform).database.engine_version == version
    assert settings(platform=platform, database={"engine_version": "8.4"}).database.engine_version == "8.4"


@pytest.mark.parametrize(
    ("domain", "aliases"),
    [
        ("example.com", ("www.example.com",)),
        ("EXAMPLE.com.", ("www.example.com",)),
        ("example.co.kr", ("www.example.co.kr",)),
        ("shop.example.com", ()),
        ("shop.example.co.kr", ()),
        ("한국.kr", ("www.xn--3e0b707e.kr",)),
    ],
)
def test_www_of_an_apex_is_the_default_alias(domain: str, aliases: tuple[str, ...]) -> None:
    assert settings(domain=domain).aliases == aliases


def test_without_a_domain_there_are_no_aliases() -> None:
    bare = from_mapping({"name": "shop", "platform": "supported"})
    assert (bare.domain, bare.aliases) == (None, ())


def test_a_bare_alias_is_a_name_under_the_domain() -> None:
    written = settings(domain="shop.example.com", aliases=["www", "example.com"])
    assert written.aliases == ("www.shop.example.com", "example.com")


def test_writing_a_service_replaces_the_documented_two_and_keeps_their_values() -> None:
    only = settings(services={"frontend": {"instances": 2}})
    assert list(only.services) == ["frontend"]
    assert (only.services["frontend"].port, only.services["frontend"].paths) == (3000, ("/*",))


def test_a_service_scales_when_asked_to() -> None:
    written = settings(services={"worker": {"scaling": {"max": 6}}, "other": {}})
    scaling = written.services["worker"].scaling
    assert scaling is not None
    assert (scaling.min, scaling.max, scaling.target_cpu, scaling.health) == (1, 6, 60, "ec2")
    assert written.services["other"].scaling is None
    assert written.origin("services.worker.scaling.target_cpu") == "default"


def test_what_a_service_calls_besides_is_written_out_or_named() -> None:
    text = """
        [services.frontend]
        [services.backend]
        policies = ["arn:aws:iam::aws:policy/AmazonSESFullAccess"]
        [[services.backend.statements]]
        actions = ["sqs:SendMessage"]
        resources = ["arn:aws:sqs:{region}:{account}:orders"]
        conditions = { StringEquals = { "aws:ResourceTag/a" = ["b"] } }
        [[services.backend.statements]]
        effect = "Deny"
        actions = ["sqs:*"]
        resources = ["*"]
    """
    backend = loads('name = "shop"\nplatform = "supported"\n' + text).services["backend"]
    assert backend.policies == ("arn:aws:iam::aws:policy/AmazonSESFullAccess",)
    first, second = backend.statements
    assert (first.effect, first.actions, second.effect) == ("Allow", ("sqs:SendMessage",), "Deny")
    assert first.conditions == {"StringEquals": {"aws:ResourceTag/a": ("b",)}}


def test_ssh_may_come_from_the_operators_own_address() -> None:
    assert settings(network={"ssh_from": ["auto", "203.0.113.7/32"]}).network.ssh_from == ("auto", "203.0.113.7/32")
    assert settings().network.key_pair == ""


def test_services_keep_the_order_they_are_written_in() -> None:
    text = '[services.z]\n[services.backend]\n[services.frontend]\n[services.a]\nport = 1\npaths = ["/a"]\n'
    written = loads('name = "shop"\nplatform = "supported"\n' + text)
    assert list(written.services) == ["z", "backend", "frontend", "a"]
    assert written.services["a"].health == "/"
    worker = written.services["z"]
    assert (worker.port, worker.paths, worker.health) == (None, (), None)


def test_subnets_follow_the_range_and_the_zones() -> None:
    three = settings(network={"cidr": "172.16.0.0/16", "zones": ["a", "b", "c"]}).network
    assert three.public == ("172.16.1.0/24", "172.16.2.0/24", "172.16.3.0/24")
    assert three.private == ("172.16.4.0/24", "172.16.5.0/24", "172.16.6.0/24")
    for prefix in range(16, 26):
        assert settings(network={"cidr": f"10.128.0.0/{prefix}"}).network.private
    with pytest.raises(ConfigInvalid, match="inside the VPC"):
        settings(network={"cidr": "10.0.0.0/26"})


@pytest.mark.parametrize(("project", "database"), [("my-shop", "my_shop"), ("order", "order_db"), ("sys", "sys_db")])
def test_the_database_is_called_like_the_project_as_mysql_allows(project: str, database: str) -> None:
    assert settings(name=project).database.name == database


@pytest.mark.parametrize("username", ["admin", "root", "user", "app_1"])
def test_users_that_mysql_allows_are_allowed(username: str) -> None:
    assert settings(database={"username": username}).database.username == username


def test_settings_cannot_be_changed() -> None:
    frozen: Any = settings()
    for target, key in ((frozen, "name"), (frozen.network, "cidr"), (frozen.services["backend"], "port")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(target, key, "x")
    with pytest.raises(TypeError):
        frozen.services["more"] = frozen.services["backend"]
    with pytest.raises(TypeError):
        frozen.origins["name"] = "me"


def test_the_time_zone_is_ready_to_use() -> None:
    assert settings().tz is UTC
    assert str(settings(timezone="Asia/Seoul").tz) == "Asia/Seoul"


def test_every_value_knows_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWSDEPLOY_SETTLE", "1")
    monkeypatch.setenv("AWSDEPLOY_REGION", "us-east-1")
    text = (
        'name = "shop"\nplatform = "documented"\n\n[services.backend]\n# the API\nport = 8000\npaths = [\n "/*",\n]\n'
    )
    written = loads(text, {"region": "eu-west-1"}, source="my.toml")
    assert written.region == "eu-west-1"
    assert written.origin("region") == "--region"
    assert written.origin("waits.settle") == "AWSDEPLOY_SETTLE"
    assert written.origin("services.backend.port") == "my.toml:6"
    assert written.origin("services.backend.paths") == "my.toml:7"
    assert written.origin("services.backend.health") == "default"
    assert written.origin("database.multi_az") == "preset prod"
    assert written.origin("database.engine_version") == "platform documented"
    assert written.origin("preset") == "environment prod"
    assert set(written.origins) == set(flat(written))
    with pytest.raises(KeyError):
        written.origin("nonsense")


VARIABLES = {
    "AWSDEPLOY_NAME": "other",
    "AWSDEPLOY_ENVIRONMENT": "dev",
    "AWSDEPLOY_PRESET": "prod",
    "AWSDEPLOY_REGION": "us-east-1",
    "AWSDEPLOY_DOMAIN": "other.com",
    "AWSDEPLOY_PLATFORM": "supported",
    "AWSDEPLOY_TIMEZONE": "Asia/Seoul",
    "AWSDEPLOY_SETTLE": "0.25",
    "AWSDEPLOY_POLL_FLOOR": "0.02",
    "AWSDEPLOY_POLL_CEILING": "3",
}


@pytest.mark.parametrize(("variable", "key"), ENVIRONMENT.items())
def test_each_variable_sets_its_key(variable: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, VARIABLES[variable])
    written = settings()
    assert str(flat(written)[key]) in (VARIABLES[variable], f"{VARIABLES[variable]}.0")
    assert written.origin(key) == variable


def test_an_empty_variable_and_one_of_somebody_else_are_ignored() -> None:
    environ = {"AWSDEPLOY_REGION": "", "AWSDEPLOY_SANDBOX": "1", "AWSDEPLOY_WHATEVER": "x"}
    assert from_mapping(MINIMAL, environ=environ).region == "ap-northeast-2"


@pytest.mark.parametrize(("variable", "value"), [("AWSDEPLOY_SETTLE", "soon"), ("AWSDEPLOY_REGION", "seoul")])
def test_a_mistake_in_a_variable_names_it(variable: str, value: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"^{variable}: .*{value}"):
        from_mapping(MINIMAL, environ={variable: value})


def test_a_mistake_in_a_flag_names_it() -> None:
    with pytest.raises(ConfigInvalid, match=r"^--env: environment: "):
        from_mapping(MINIMAL, {"environment": "A B"})


def test_the_example_is_valid_and_its_comments_are_the_defaults() -> None:
    example = load(EXAMPLE)
    assert (example.name, example.environment, example.domain) == ("shop", "prod", "example.com")
    assert example.platform == "documented"
    comments = [line.removeprefix("# ") for line in EXAMPLE.read_text().splitlines()]
    spoken_for = {"name", "environment", "domain", "platform", "tags"}
    table = ""
    seen = set()
    for line in comments:
        if line.startswith("["):
            table = line.split("#")[0].strip("[] ") + "."
        try:
            said = tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
        for key, value in said.items():
            if line.startswith("[") or table + key in spoken_for or table == "tags.":
                continue
            if table.endswith(".scaling."):  # nobody scales unless asked to
                assert getattr(ScalingSettings(), key) == value, line
                seen.add(table.rstrip("."))
                continue
            shown = flat(example)[table + key]
            value = [f"{one}.example.com" for one in value] if key == "aliases" else value
            assert (list(shown) if isinstance(shown, tuple) else shown) == value, line
            seen.add(table + key)
    unseen = {key for key in flat(example) if not key.endswith((".name", "frontend.scaling"))} - seen
    assert unseen == spoken_for, "the example shows every key"


def test_the_schema_describes_the_file() -> None:
    schema = json_schema()
    json.dumps(schema)
    assert schema["required"] == ["name", "platform"]
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert "name" not in schema["$defs"]["Service"]["properties"]
    assert schema["additionalProperties"] is False
    for table in (schema, *schema["$defs"].values()):
        for key, said in table["properties"].items():
            if "$ref" not in said and key not in ("services",):
                assert said.get("description"), key
    assert schema["properties"]["platform"]["enum"] == ["documented", "supported"]
    assert schema["$defs"]["Service"]["properties"]["volume_gb"]["maximum"] == 16384


def test_reading_settings_imports_neither_aws_nor_screen_nor_command_line() -> None:
    script = (
        "import sys, awsdeploy.config; print([m for m in ('boto3', 'botocore', 'rich', 'click') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def flat(settings: Settings) -> dict[str, Any]:
    def leaves(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in tree.items():
            found |= leaves(value, f"{above}{key}.") if isinstance(value, dict) and value else {above + key: value}
        return found

    return leaves(settings.model_dump())
