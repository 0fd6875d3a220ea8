"""`report`: one page without secrets whose parts say what AWS has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.report.rows import ROWS
from tests.chromium import Browser, needs_chromium
from tests.page_checks import (
    A4,
    CUT_OFF,
    PAPER,
    TEXTS_OUTSIDE,
    TEXTS_OVER_OTHERS,
    inaccessible,
    low_contrast,
    sizes,
)
from tests.simulated import SUPPORTED, World, machines

pytestmark = pytest.mark.slow

CONFIG = SUPPORTED + '[monitoring]\nemails = ["ops@example.com"]\n'


def report(world: World) -> dict[str, Any]:
    done = world.awsdeploy("report", "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_it_says_how_the_stack_is(stack_copy: World) -> None:
    found = report(stack_copy)
    assert (found["stack"], found["state"], found["drift"]) == ("shop-prod", "healthy", [])
    assert found["facts"]["url"].startswith("http")
    assert found["releases"] == {"frontend": [], "backend": []}
    assert found["alarms"] == {"all": 22, "ringing": [], "recipients": 1, "confirmed": 0}
    assert 0 < found["certificate"]["days"] < 400
    assert found["bill"]["monthly"] == found["diagram"]["monthly"] == 240.47
    assert [one["what"] for one in found["bill"]["lines"] if one["unused"]] == ["NAT gateway"]
    assert {"database/mysql", "storage/uploads"} <= {one["of"] for one in found["backups"]}


def test_every_row_of_the_document_is_in_it(stack_copy: World) -> None:
    architecture = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
    documented = re.findall(r"^\| ([A-L]\d?) \|", architecture, re.MULTILINE)
    assert [row.id for row in ROWS] == documented
    rows = {row["id"]: row for row in report(stack_copy)["rows"]}
    assert {id for id, row in rows.items() if row["state"] == "off"} == {"E4", "K1"}
    assert {id for id, row in rows.items() if row["state"] == "not there"} == {"I1", "I2"}
    assert {row["state"] for row in rows.values()} == {"healthy", "off", "not there"}
    assert rows["D1"]["said"] == "MySQL 8.4, db.t3.small, 20 to 100 GB"
    assert rows["I2"]["said"] == "nothing deployed yet"


@pytest.mark.parametrize("command", sorted({row.command for row in ROWS}))
def test_a_row_names_a_command_that_exists(stack_world: World, command: str) -> None:
    assert stack_world.awsdeploy(*command.split(), "--help").returncode == 0


def test_a_removed_rule_is_drift_and_in_its_row(stack_copy: World) -> None:
    ec2 = stack_copy.client("ec2")
    groups = {one["GroupName"]: one for one in ec2.describe_security_groups()["SecurityGroups"]}
    group = next(one for name, one in groups.items() if "backend" in name)
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    found = report(stack_copy)
    assert found["drift"] == [{"key": "security/backend", "action": "change", "fields": ["inbound"]}]
    row = next(row for row in found["rows"] if row["id"] == "C3")
    assert (row["state"], row["said"]) == ("differs", "HTTP 9999, /api/health; security/backend differs: inbound")
    assert "9999 is closed" in json.dumps(found["diagram"])


def test_no_secret_is_in_it(stack_copy: World) -> None:
    stack_copy.awsdeploy("env", "set", "backend", "API_TOKEN", stdin="s3cr3t-token-value")
    ssm = stack_copy.client("ssm")
    path = {"Path": "/", "Recursive": True, "WithDecryption": True}
    stored = [
        one for page in ssm.get_paginator("get_parameters_by_path").paginate(**path) for one in page["Parameters"]
    ]
    secrets = [one["Value"] for one in stored if one["Type"] == "SecureString"]
    assert len(secrets) >= 2
    secrets += [stack_copy.environment["AWS_SECRET_ACCESS_KEY"], "s3cr3t-token-value"]
    # A value that differs is where a secret could come from: somebody changes one by hand.
    ssm.put_parameter(
        Name=next(one["Name"] for one in stored if "DB_HOST" in one["Name"]), Value="h0st", Overwrite=True
    )
    done = stack_copy.awsdeploy("report", "--json", "--output", "report.html")
    assert done.returncode == 0, done.stderr
    written = done.stdout + (stack_copy.folder / "report.html").read_text()
    assert [one for one in [*secrets, "h0st"] if one in written] == []
    assert "database/DB_HOST" in written


@needs_chromium
def test_what_others_wrote_into_tags_is_text(stack_copy: World, page: Browser) -> None:
    hostile = "<script>document.title='got in'</script>"
    machine = machines(stack_copy)["backend-1"]
    stack_copy.client("ec2").create_tags(
        Resources=[machine], Tags=[{"Key": "awsdeploy:release", "Value": hostile}, {"Key": "Name", "Value": hostile}]
    )
    assert stack_copy.awsdeploy("report", "--output", "report.html").returncode == 0
    file = stack_copy.folder / "report.html"
    assert "<script" not in file.read_text()
    page.open(file)
    assert hostile in page.value("document.body.textContent")
    assert page.value("document.title") == "shop-prod: Report"


def test_it_replaces_a_file_and_names_one_that_cannot_be_written(stack_copy: World) -> None:
    file = stack_copy.folder / "report.html"
    file.write_text("the report before, which is longer" * 10_000)
    assert stack_copy.awsdeploy("report", "--output", "report.html").returncode == 0
    assert file.read_text().startswith("<!doctype html>")
    assert "the report before" not in file.read_text()
    file.unlink()
    file.mkdir()
    for name in ("report.html", "missing/report.html", "/dev/full/report.html"):
        done = stack_copy.awsdeploy("report", "--output", name)
        assert (done.returncode, name in done.stderr) == (64, True)


def test_the_last_run_is_in_it_as_bars(stack_copy: World) -> None:
    assert (report(stack_copy)["timeline"], report(stack_copy)["runs"]) == (None, [])
    groups = stack_copy.client("ec2").describe_security_groups()["SecurityGroups"]
    group = next(one for one in groups if "backend" in one["GroupName"])
    stack_copy.client("ec2").revoke_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
    )
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    found = report(stack_copy)
    assert [(one["number"], one["command"], one["outcome"]) for one in found["runs"]] == [(1, "up", "done")]
    assert "security/backend" in {one["name"] for one in found["timeline"]["bars"]}
    assert stack_copy.awsdeploy("report", "--output", "report.html").returncode == 0
    text = (stack_copy.folder / "report.html").read_text()
    assert '<div class="timeline">' in text
    assert "Critical path" in text


def test_of_nothing_there_is_no_report_and_it_asks_for_a_place(world: World) -> None:
    (world.folder / "config.toml").write_text(CONFIG)
    assert world.awsdeploy("report", "--json").returncode == 6
    done = world.awsdeploy("report")
    assert done.returncode == 64
    assert "--output report.html" in done.stderr


@needs_chromium
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_browser_opens_and_prints_it(stack_copy: World, page: Browser, language: str) -> None:
    stack_copy.client("ec2").stop_instances(InstanceIds=[machines(stack_copy)["backend-1"]])
    stack_copy.pass_time(120)
    assert stack_copy.awsdeploy("backup", "now").returncode == 0
    done = stack_copy.awsdeploy("report", "--output", "report.html", "--lang", language)
    assert done.returncode == 0, done.stderr
    file = stack_copy.folder / "report.html"
    for scheme in ("light", "dark"):
        for width in (1200, 420):
            page.open(file, scheme, width)
            assert page.value("document.documentElement.scrollWidth <= innerWidth")
            assert {one for one in page.requested if not one.startswith("data:")} == {file.as_uri()}
            assert page.logged == []
        assert page.value(TEXTS_OUTSIDE) == []
        assert page.value(TEXTS_OVER_OTHERS) == []
        assert (low_contrast(page), inaccessible(page)) == ([], [])
    assert "stopped" in page.value("document.body.textContent")
    assert page.value("document.querySelectorAll('.timeline .track').length") > 0
    assert sizes(page.pdf()) == A4
    page.open(file, "dark", PAPER, "print")
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value(CUT_OFF) == []
    assert low_contrast(page) == []
