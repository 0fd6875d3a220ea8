"""A simulated database is a real one where this machine has a server: the machines reach it by its name in AWS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tenacity

from awsdeploy.sandbox import mysql
from tests.simulated import World

CONFIG = """\
name = "data"
environment = "dev"
platform = "supported"
"""
GREETING = """\
const net = require('net')
const socket = net.connect({ host: process.argv[1], port: 3306 })
socket.once('data', (said) => { console.log(`greeted: ${said.length > 10}`); socket.end() })
socket.on('error', (error) => console.log(error.code))
"""


def ran(world: World, id: str, command: str) -> str:
    ssm = world.client("ssm")
    parameters: Any = {"commands": [command]}
    sent = ssm.send_command(InstanceIds=[id], DocumentName="AWS-RunShellScript", Parameters=parameters)
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda one: one is None),
        wait=tenacity.wait_fixed(0.1),
        stop=tenacity.stop_after_delay(60),
    )

    def look() -> str | None:
        try:
            told = ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=id)
        except ssm.exceptions.InvocationDoesNotExist:
            return None
        return str(told["StandardOutputContent"]) if told["Status"] in ("Success", "Failed") else None

    return str(waiting(look))


@pytest.mark.slow
@pytest.mark.npm
def test_a_machine_reaches_the_database_by_its_endpoint(world: World) -> None:
    world.up(world.settings(CONFIG))
    (database,) = world.client("rds").describe_db_instances()["DBInstances"]
    host = database["Endpoint"]["Address"]
    reservations = world.client("ec2").describe_instances()["Reservations"]
    id = reservations[0]["Instances"][0]["InstanceId"]
    said = ran(world, id, f"node -e \"$(cat <<'JS'\n{GREETING}JS\n)\" {host}")
    if mysql.program() is None:
        assert said.strip() in ("ENOTFOUND", "EAI_AGAIN")
    else:
        assert said.strip() == "greeted: true"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mysql.Server]:
    folder = tmp_path_factory.mktemp("database") / "one"
    server = mysql.start(folder, "shop", "admin", "it's a \\ secret")
    if server is None or shutil.which("mariadb") is None:
        pytest.skip("no MariaDB server and client on this machine")
    yield server
    mysql.stop(server)


def query(server: mysql.Server, user: str, password: str, statement: str, *options: str) -> tuple[int, str]:
    way = ["--protocol=tcp", "--host=127.0.0.1", f"--port={server.port}", *options]
    done = subprocess.run(
        ["mariadb", "--no-defaults", *way, f"--user={user}", "--batch", "--skip-column-names", "-e", statement],
        env={**os.environ, "MYSQL_PWD": password},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_nobody_gets_into_a_database_without_its_password(database: mysql.Server) -> None:
    for user in ("root", "mysql", "mariadb.sys", "", "admin", os.environ.get("USER") or "root"):
        code, said = query(database, user, "", "SELECT 1")
        assert code != 0, user
        assert "denied" in said or "ERROR" in said
    by_socket = ("--protocol=socket", f"--socket={database.folder / 's'}")
    assert query(database, "root", "", "SELECT 1", *by_socket)[0] != 0
    assert query(database, "admin", "it's a \\ secret", "SELECT 1") == (0, "1\n")
    assert socket.gethostname() not in query(database, "admin", "it's a \\ secret", "SHOW GRANTS")[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT User FROM mysql.user",
        "SELECT 'x' INTO OUTFILE '{outside}/taken'",
        "SELECT 'x' INTO DUMPFILE '{outside}/taken'",
        "CREATE DATABASE other",
        "INSTALL SONAME 'ha_example'",
        "CREATE USER taken",
        "SET GLOBAL general_log_file = '{outside}/taken'",
    ],
)
def test_its_user_may_do_nothing_outside_its_database(database: mysql.Server, statement: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    code, said = query(database, "admin", "it's a \\ secret", statement.format(outside=tmp_path))
    assert code != 0
    assert "denied" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_its_user_reads_no_file_of_this_machine(database: mysql.Server, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("kept")
    tmp_path.chmod(0o777)
    mine.chmod(0o666)
    asked = f"CREATE TABLE shop.t (line TEXT); LOAD DATA LOCAL INFILE '{mine}' INTO TABLE shop.t; SELECT * FROM shop.t"
    assert "kept" not in query(database, "admin", "it's a \\ secret", asked, "--local-infile=1")[1]
    assert query(database, "admin", "it's a \\ secret", f"SELECT LOAD_FILE('{mine}')") == (0, "NULL\n")
