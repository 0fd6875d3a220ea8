"""The plan of a new stack on a terminal: one screen; in a pipe and with --full everything."""

from __future__ import annotations

import pytest

from tests.simulated import DOCUMENTED, World
from tests.terminal import talk

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("columns", [80, 100])
def test_the_plan_of_the_documented_stack_fits_one_screen(
    world: World, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    world.settings(DOCUMENTED)
    monkeypatch.chdir(world.folder)
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    said, code = talk(["plan"], [], columns=columns)
    lines = said.splitlines()
    assert code == 0, said
    assert len(lines) <= 40
    assert max(map(len, lines)) <= columns
    assert "EC2 instances: frontend t3.medium in a, backend t3.medium in c, +12 more" in lines
    assert "Load balancer: in a and c, +3 more" in lines
    assert any(line.startswith("S3 buckets: replica, uploads, logs") for line in lines)
    assert next(line for line in lines if line.startswith("TLS certificate: ")).count("example.com") == 2
    total = next(number for number, line in enumerate(lines) if "a month before VAT" in line)
    decide = lines.index("To decide:")
    assert total < lines.index(next(line for line in lines if line.startswith("VPC and subnets: "))) < decide
    assert any("MySQL 8.0 is out of standard support" in line for line in lines[decide:])
    assert any("refuses connections without TLS" in line for line in lines[decide:])
    assert "alias of the load balancer" not in said
    full, _ = talk(["plan", "--full"], [], columns=columns)
    piped = world.awsdeploy("plan").stdout
    for everything in (" ".join(full.split()), " ".join(piped.split())):
        assert "+ machines/backend/JWT_SECRET" in everything
        assert "alias of the load balancer" in everything
