"""Variables that config.toml makes of others: on the machine, by the templates of the release's manifest."""

from __future__ import annotations

import pytest

from tests.machine.release_host import ReleaseHost

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST, SECOND = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb"
DATABASE = {
    "/deploy/shop/prod/database/DB_HOST": "db.example.com",
    "/deploy/shop/prod/database/DB_USER": "admin",
    "/deploy/shop/prod/database/DB_PASSWORD": "p@ss/word",
}
TEMPLATES = {
    "DATABASE_HOST": "{DB_HOST}",
    "MAIN_URL": "mysql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/main",
    "LEVEL": "debug",
    "TZ": "Asia/Seoul",
}


def test_the_program_has_the_values_and_a_restart_reads_them_again(host: ReleaseHost) -> None:
    host.parameters = {**DATABASE, "/deploy/shop/prod/backend/LEVEL": "set by hand"}
    run = host.deploy(FIRST, database=True, variables=TEMPLATES)
    assert run.code == 0, run.output
    found = host.variables
    assert found["DATABASE_HOST"] == "db.example.com"
    assert found["MAIN_URL"] == "mysql://admin:p%40ss%2Fword@db.example.com/main"
    assert (found["LEVEL"], found["TZ"]) == ("set by hand", "Asia/Seoul")
    host.parameters = {**DATABASE, "/deploy/shop/prod/database/DB_PASSWORD": "another"}
    assert host.run("restart").code == 0
    found = host.variables
    assert found["MAIN_URL"] == "mysql://admin:another@db.example.com/main"
    assert found["LEVEL"] == "debug"


def test_a_name_that_nobody_has_set_stops_the_release_before_it_is_built(host: ReleaseHost) -> None:
    assert host.deploy(FIRST).code == 0
    run = host.deploy(SECOND, variables={"A": "{LOST}"})
    assert run.code == 1
    assert "[services.backend.variables] in config.toml uses {LOST}, which is not set." in run.output
    assert "awsdeploy env set backend LOST" in run.output
    assert "@step install" not in run.output
    assert host.serving is not None
