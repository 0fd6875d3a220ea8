"""Plans on a terminal: one screen for a new stack and for a destroy; in a pipe and with --full everything.

Changes of an existing stack are always complete, the dangerous ones first.
"""

from __future__ import annotations

import pytest

from tests.simulated import DOCUMENTED, World
from tests.terminal import talk

pytestmark = pytest.mark.slow

CONFIG = DOCUMENTED
CHANGED = """
nat = false

[database]
instance_class = "db.t3.medium"
storage_gb = 30
backup_days = 3

[logs]
days = 7

[services.frontend]
port = 3000
paths = ["/*"]
instance_type = "t3.large"
"""


@pytest.fixture
def new_stack(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.settings(DOCUMENTED)
    return at_terminal(world, monkeypatch)


@pytest.fixture
def existing_stack(stack_copy: World, monkeypatch: pytest.MonkeyPatch) -> World:
    return at_terminal(stack_copy, monkeypatch)


def at_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(world.folder)
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    return world


def screen(words: list[str], columns: int, conversation: list[tuple[str, str]], code: int) -> list[str]:
    """Lines on a terminal, none wider than it, at most 40 until the question."""
    said, ended = talk(words, conversation, columns=columns)
    assert ended == code, said
    lines = said.splitlines()
    asked = next((number for number, line in enumerate(lines) for question, _ in conversation if question in line), -1)
    shown = lines[: asked + 1] if conversation else lines
    assert len(shown) <= 40, said
    assert max(map(len, shown)) <= columns, said
    return shown


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.usefixtures("new_stack")
@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize(("command", "conversation", "code"), [("plan", [], 0), ("up", [("Go ahead?", "n")], 8)])
def test_the_plan_of_the_documented_stack_fits_one_screen(
    command: str, conversation: list[tuple[str, str]], code: int, columns: int
) -> None:
    lines = screen([command], columns, conversation, code)
    assert "EC2 instances: frontend t3.medium in a, backend t3.medium in c, +12 more" in lines
    assert "Load balancer: in a and c, +3 more" in lines
    assert any(line.startswith("S3 buckets: replica, uploads, logs") for line in lines)
    assert next(line for line in lines if line.startswith("TLS certificate: ")).count("example.com") == 2
    total = next(number for number, line in enumerate(lines) if "a month before VAT" in line)
    decide = lines.index("To decide:")
    assert total < lines.index(next(line for line in lines if line.startswith("VPC and subnets: "))) < decide
    assert any("MySQL 8.0 is out of standard support" in line for line in lines[decide:])
    assert any("refuses connections without TLS" in line for line in lines[decide:])
    assert "alias of the load balancer" not in flat("\n".join(lines))
    assert "4 notes for information." in flat("\n".join(lines))


@pytest.mark.parametrize(("command", "conversation"), [("plan", []), ("up", [("Go ahead?", "n")])])
def test_everything_of_the_documented_stack_with_full_and_in_a_pipe(
    new_stack: World, command: str, conversation: list[tuple[str, str]]
) -> None:
    full, _ = talk([command, "--full"], conversation, columns=100)
    piped = new_stack.awsdeploy(command, *(("--yes",) if command == "up" else ()))
    for everything in (flat(full), flat(piped.stderr if command == "up" else piped.stdout)):
        assert "+ machines/backend/JWT_SECRET" in everything
        decide, inform = everything.index("To decide:"), everything.index("For information:")
        assert decide < everything.index("refuses connections without TLS") < inform
        assert inform < everything.index("alias of the load balancer")


@pytest.mark.usefixtures("existing_stack")
@pytest.mark.parametrize("columns", [80, 100])
def test_a_destroy_fits_one_screen_with_what_is_lost_and_retained_first(columns: int) -> None:
    lines = screen(["destroy"], columns, [("Type shop-prod", "no")], 8)
    lost, kept = lines.index("Lost for good:"), lines.index("Will retain:")
    saves = next(number for number, line in enumerate(lines) if line.startswith("Saves about $"))
    steps = next(number for number, line in enumerate(lines) if line.startswith("RDS database: database, "))
    assert lost < lines.index("  5 log groups") < kept < saves < steps < lines.index("To decide:")
    assert any("final DB snapshot of database/mysql" in line for line in lines[kept:saves])
    assert any("to delete; usually 5 min" in line for line in lines[saves:steps])
    assert "VPC and subnets: NAT gateway, VPC, 4 subnets" in "\n".join(lines)
    said = flat("\n".join(lines))
    assert "Deletion protection of database/mysql is on." in said
    assert "To retain nothing: awsdeploy destroy --everything" in said
    assert "machines/backend-1" not in said


@pytest.mark.usefixtures("existing_stack")
def test_without_retention_the_data_is_what_is_lost() -> None:
    lines = screen(["destroy", "--everything"], 80, [("Type shop-prod", "no")], 8)
    said = flat("\n".join(lines))
    assert "Will retain:" not in lines
    assert "To retain nothing" not in said
    lost = said[said.index("Lost for good:") : said.index("Saves about")]
    assert [key in lost for key in ("database/mysql", "storage/uploads", "storage/replica")] == [True] * 3
    assert "usually 2 min" in said, "no final snapshot is waited for"


def test_everything_that_a_destroy_deletes_with_full_and_in_a_pipe(existing_stack: World) -> None:
    full, _ = talk(["destroy", "--full"], [("Type shop-prod", "no")], columns=100)
    piped = existing_stack.awsdeploy("destroy", "--confirm", "shop-prod", "--everything").stderr
    for everything in (flat(full), flat(piped)):
        assert "- machines/backend-1 EC2 instance i-" in everything
        assert "- security/rds security group sg-" in everything
        assert "Will delete: " in everything
        assert "2 EC2 instances" in everything


def test_changes_of_an_existing_stack_are_complete_and_the_dangerous_ones_first(existing_stack: World) -> None:
    (existing_stack.folder / "config.toml").write_text(DOCUMENTED + CHANGED)
    shown, _ = talk(["plan"], [], columns=100)
    asked, code = talk(["up"], [("Go ahead?", "n")], columns=100)
    assert code == 8
    piped = existing_stack.awsdeploy("plan").stdout
    for said in (shown, asked, piped):
        lines = [line.rstrip() for line in said.splitlines()]
        titles = [line.partition(":")[0] for line in lines if line and line[0] != " "]
        loss, outage, steps = titles.index("Data loss"), titles.index("Outage"), titles.index("VPC and subnets")
        assert loss < outage < steps
        words = flat(said)
        first = words[words.index("Data loss:") : words.index("Outage:")]
        assert "BackupRetentionPeriod: 7 → 3 AWS deletes older automatic backups DBInstanceClass" in first
        assert "AWS deletes older log events" in first
        assert "- monitoring/logs/backend log group" in first
        second = words[words.index("Outage:") : words.index("VPC and subnets")]
        assert "instance type: t3.medium → t3.large stops and starts the machine" in second
        assert "- machines/backend-1 EC2 instance i-" in second
        assert "- web/backend target group" in words, "everything is shown"
        assert "Outage: machines/frontend-1, machines/backend-1" in lines
