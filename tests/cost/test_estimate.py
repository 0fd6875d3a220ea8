"""The bill before it comes: by AWS's list prices, with what is unknown said to be unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from awsdeploy.cli import awsdeploy
from awsdeploy.cli.text.bill import difference
from awsdeploy.config import from_mapping
from awsdeploy.cost import estimate
from awsdeploy.cost.estimate import Line

HOURS = 730


def bill(**written: Any) -> dict[str, float | None]:
    settings = from_mapping({"name": "shop", "domain": "example.com", "platform": "supported"} | written)
    return {line.what: line.monthly for line in estimate.lines(settings)}


def test_dev_comes_to_77_dollars() -> None:
    found = bill(environment="dev")
    assert found == pytest.approx(
        {
            "1 × t3.micro (frontend)": 0.013 * HOURS,
            "1 × t3.micro (backend)": 0.013 * HOURS,
            "40 GB of disks": 40 * 0.0912,
            "db.t3.micro": 0.026 * HOURS,
            "20 GB of database": 20 * 0.131,
            "load balancer": 0.0225 * HOURS,
            "4 public addresses": 4 * 0.005 * HOURS,
            "hosted zone": 0.50,
            "health check": 1.50,
        }
    )
    assert sum(filter(None, found.values())) == pytest.approx(77.25, abs=0.005)


@pytest.mark.parametrize(
    ("written", "dollars"),
    [
        ({"environment": "dev", "network": {"nat": True}}, 123.97),
        ({"environment": "prod"}, 240.47),
        ({"environment": "dev", "platform": "documented"}, 77.25 + 175.20),
        ({"environment": "prod", "platform": "documented"}, 240.47 + 350.40),
        ({"environment": "dev", "monitoring": {"health_check": False}}, 75.75),
    ],
)
def test_the_sum_follows_the_settings(written: dict[str, Any], dollars: float) -> None:
    assert sum(filter(None, bill(**written).values())) == pytest.approx(dollars, abs=0.01)


def test_an_unknown_price_is_unknown_and_not_zero() -> None:
    found = bill(services={"frontend": {"instance_type": "m7i.large"}}, region="eu-west-1")
    assert found["1 × m7i.large (frontend)"] is None
    assert set(found.values()) == {None}


def test_a_database_class_of_unknown_size_has_no_known_surcharge() -> None:
    found = bill(platform="documented", database={"instance_class": "db.r6g.large"})
    assert found["Extended Support of MySQL 8.0"] is None


def test_a_worker_needs_no_load_balancer() -> None:
    found = bill(services={"worker": {}}, network={"nat": False})
    assert "load balancer" not in found
    assert "1 public address" in found


def test_a_change_says_what_it_does_to_the_bill_or_that_nobody_knows() -> None:
    disk, more = Line("20 GB of disks", 2.0), Line("40 GB of disks", 4.5)
    nobody_knows = Line("1 × m7i.large (backend)", None)
    assert difference([disk], [more]) == [
        "This changes the bill by +$2.50 a month; currently $2.00:",
        "  - 20 GB of disks: $2.00",
        "  + 40 GB of disks: $4.50",
    ]
    assert difference([disk, nobody_knows], [more, nobody_knows])[0].startswith("This changes the bill by +$2.50")
    first, *lines = difference([disk], [disk, nobody_knows])
    assert first == "How this changes the bill is not known: there is no price at hand for 1 × m7i.large (backend):"
    assert lines == ["  + 1 × m7i.large (backend): unknown"]


@pytest.mark.parametrize("words", [("cost",), ("cost", "--json")])
def test_the_command_says_what_is_known_and_what_is_not(
    words: tuple[str, ...], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(
        'name = "shop"\nplatform = "documented"\n[services.frontend]\ninstance_type = "m7i.large"\n'
    )
    done = CliRunner().invoke(awsdeploy, list(words))
    assert done.exit_code == 0, done.output
    if "--json" in words:
        told = json.loads(done.stdout)
        assert {one["what"]: one["monthly"] for one in told["lines"]}["1 × m7i.large (frontend)"] is None
        assert told["monthly"] > 400
    else:
        row = next(line for line in done.stdout.splitlines() if "m7i.large" in line)
        assert row.endswith("unknown")
        assert "of unknown price: 1 × m7i.large (frontend)" in done.stdout
        assert "traffic" in done.stdout
