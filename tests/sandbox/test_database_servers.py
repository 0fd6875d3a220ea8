"""A simulated database is a real one where this machine has a server: the machines reach it by its name in AWS."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tenacity

from awsdeploy.sandbox.machines import certificates, mysql, mysql_files, paths
from tests.simulated import World, machines

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


SECURED = """\
const net = require('net'), tls = require('tls'), fs = require('fs')
const [host, file] = process.argv.slice(1)
const socket = net.connect({ host, port: 3306 })
socket.once('data', () => { // MySQL's SSLRequest: 4.1 protocol, secure authentication, TLS
  const request = Buffer.alloc(36)
  request.writeUInt32LE(32 | (1 << 24))
  request.writeUInt32LE(0x8a00, 4)
  socket.write(request)
  const secure = tls.connect({ socket, ca: fs.readFileSync(file), servername: host }, () => {
    console.log(secure.authorized, tls.checkServerIdentity(host, secure.getPeerCertificate()))
    secure.destroy()
  }).on('error', (error) => console.log(error.code))
})
socket.on('error', (error) => console.log(error.code))
"""


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.skipif(mysql.program() is None, reason="no MariaDB server on this machine")
def test_a_database_proves_its_name_by_the_certificates_that_aws_hands_out(world: World) -> None:
    world.up(world.settings(CONFIG))
    (database,) = world.client("rds").describe_db_instances()["DBInstances"]
    place = "https://truststore.pki.rds.amazonaws.com/ap-northeast-2/ap-northeast-2-bundle.pem"
    fetched = f"curl --fail --silent --output $TMPDIR/ca.pem {place}"
    asking = f"node -e \"$(cat <<'JS'\n{SECURED}JS\n)\" {database['Endpoint']['Address']} $TMPDIR/ca.pem"
    id = world.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    assert ran(world, id, f"{fetched} && {asking}").strip() == "true undefined"


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.skipif(not (mysql.program() and shutil.which("mariadb")), reason="no MariaDB server and client here")
def test_a_database_follows_its_parameter_group(world: World) -> None:
    world.up(world.settings(CONFIG))
    (database,) = world.client("rds").describe_db_instances()["DBInstances"]
    id = world.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    name = {"Name": "/deploy/data/dev/database/DB_PASSWORD", "WithDecryption": True}
    password = world.client("ssm").get_parameter(**name)["Parameter"]["Value"]
    way = '--protocol=tcp $(awk \'NR == 1 { print "--host=" $3, "--port=" $4 }\' $AWSDEPLOY_HOST_NAMES) --skip-ssl'
    plain = f"MYSQL_PWD={password} mariadb --no-defaults {way} --user=app --execute='SELECT 41 + 1' data 2>&1"
    assert "ERROR 1045" in ran(world, id, plain)
    parameter = {"ParameterName": "require_secure_transport", "ParameterValue": "0", "ApplyMethod": "immediate"}
    group: Any = {"DBParameterGroupName": database["DBParameterGroups"][0]["DBParameterGroupName"]}
    world.client("rds").modify_db_parameter_group(**group, Parameters=[parameter])
    waiting = tenacity.Retrying(wait=tenacity.wait_fixed(0.2), stop=tenacity.stop_after_delay(30), reraise=True)
    for attempt in waiting:
        with attempt:
            assert "42" in ran(world, id, plain)


NATIVE = """\
set -e
folder=/deploy/data/dev/database
aws ssm get-parameters-by-path --path $folder --with-decryption --output json > $TMPDIR/parameters
value() {
  node -p "JSON.parse(fs.readFileSync('$TMPDIR/parameters')).Parameters.find((x) => x.Name === '$folder/$1').Value"
}
place=https://truststore.pki.rds.amazonaws.com/ap-northeast-2/ap-northeast-2-bundle.pem
curl --fail --silent --output $TMPDIR/ca.pem $place
export MYSQL_PWD=$(value DB_PASSWORD)
where="--host=$(value DB_HOST) --port=$(value DB_PORT) --ssl-ca=$TMPDIR/ca.pem --ssl-verify-server-cert"
echo "$(value DB_HOST) $(value DB_PORT)"
mariadb --no-defaults $where --user=$(value DB_USER) --skip-column-names -e 'SELECT 41 + 1' $(value DB_NAME) 2>&1
"""


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.skipif(not (mysql.program() and shutil.which("mariadb")), reason="no MariaDB server and client here")
@pytest.mark.skipif(not paths.many_addresses(), reason="this system has one loopback address")
def test_a_program_that_is_not_for_node_reaches_the_database_and_trusts_it(world: World) -> None:
    world.up(world.settings(CONFIG))
    ours, answer = ran(world, machines(world)["backend-1"], NATIVE).splitlines()
    assert re.fullmatch(r"127\.\d+\.\d+\.\d+ 3306", ours)
    assert answer == "42"
    told = world.client("ssm").get_parameter(Name="/deploy/data/dev/database/DB_HOST", WithDecryption=True)
    assert told["Parameter"]["Value"].endswith(".rds.amazonaws.com"), "only on machines it is an address"


def test_a_database_has_its_own_address_where_its_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "many_addresses", lambda: False)
    assert paths.free_address("one", 3306)[0] == "127.0.0.1"
    assert paths.free_address("one", 3306)[1] != 3306


@pytest.mark.skipif(not paths.many_addresses(), reason="this system has one loopback address")
def test_a_taken_address_is_not_given_to_a_database() -> None:
    first = paths.free_address("one", 45454)
    assert paths.free_address("one", 45454) == first
    assert paths.free_address("other", 45454) != first
    with socket.socket() as taken:
        taken.bind(first)
        taken.listen()
        assert paths.free_address("one", 45454) != first


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mysql.MysqlServer]:
    folder = tmp_path_factory.mktemp("secured")
    authority = certificates.authority(folder)
    tls = mysql.MysqlTls(*certificates.issue(authority, "localhost", folder / "one"), alone=True)
    server = mysql.start(folder / "one", "shop", "admin", "secret", tls)
    if server is None or shutil.which("mariadb") is None:
        pytest.skip("no MariaDB server and client on this machine")
    yield server
    mysql.stop(server)


@pytest.mark.slow
def test_a_database_of_which_tls_is_required_refuses_all_else(tls_server: mysql.MysqlServer) -> None:
    asked = "SHOW STATUS LIKE 'Ssl_cipher'"
    assert query(tls_server, "admin", "secret", asked, "--skip-ssl")[0] != 0
    named = ("--host=localhost", f"--ssl-ca={tls_server.folder.parent / 'rds-ca.pem'}", "--ssl-verify-server-cert")
    code, said = query(tls_server, "admin", "secret", asked, *named)
    assert code == 0, said
    assert "TLS_" in said
    code, said = query(tls_server, "admin", "secret", asked, *named[1:])
    assert code != 0, "it is not 127.0.0.1 by name"
    assert "certificate" in said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mysql.MysqlServer]:
    folder = tmp_path_factory.mktemp("database") / "one"
    server = mysql.start(folder, "shop", "admin", "it's a \\ secret")
    if server is None or shutil.which("mariadb") is None:
        pytest.skip("no MariaDB server and client on this machine")
    yield server
    mysql.stop(server)


def query(server: mysql.MysqlServer, user: str, password: str, statement: str, *options: str) -> tuple[int, str]:
    way = ["--protocol=tcp", f"--host={server.address}", f"--port={server.port}", *options]
    done = subprocess.run(
        ["mariadb", "--no-defaults", *way, f"--user={user}", "--batch", "--skip-column-names", "-e", statement],
        env={**os.environ, "MYSQL_PWD": password},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_nobody_gets_into_a_database_without_its_password(server: mysql.MysqlServer) -> None:
    for user in ("root", "mysql", "mariadb.sys", "", "admin", os.environ.get("USER") or "root"):
        code, said = query(server, user, "", "SELECT 1")
        assert code != 0, user
        assert "denied" in said or "ERROR" in said
    by_socket = ("--protocol=socket", f"--socket={server.folder / 's'}")
    assert query(server, "root", "", "SELECT 1", *by_socket)[0] != 0
    assert query(server, "admin", "it's a \\ secret", "SELECT 1") == (0, "1\n")
    assert socket.gethostname() not in query(server, "admin", "it's a \\ secret", "SHOW GRANTS")[1]


@pytest.mark.slow
def test_its_temporary_tables_are_in_no_folder_of_another_server(server: mysql.MysqlServer) -> None:
    """A server that starts deletes the temporary tables in its folder, also those of a server that runs."""
    code, folder = query(server, "admin", "it's a \\ secret", "SELECT @@tmpdir")
    assert (code, Path(folder.strip()).parent) == (0, server.folder)


@pytest.mark.slow
@pytest.mark.skipif(mysql.program() is None, reason="no MariaDB server on this machine")
def test_files_of_several_databases_are_made_at_once(tmp_path: Path) -> None:
    found, folders = str(mysql.program()), [tmp_path / str(number) for number in range(4)]

    def make(folder: Path) -> bool:
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            mysql_files.make(found, folder, folder / "data", "shop", log)
        assert list((folder / "temporary").iterdir()) == []
        return (folder / "data").is_dir()

    with ThreadPoolExecutor() as pool:
        assert all(pool.map(make, folders))


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
def test_its_user_may_do_nothing_outside_its_database(
    server: mysql.MysqlServer, statement: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    code, said = query(server, "admin", "it's a \\ secret", statement.format(outside=tmp_path))
    assert code != 0
    assert "denied" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_its_user_reads_no_file_of_this_machine(server: mysql.MysqlServer, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("kept")
    tmp_path.chmod(0o777)
    mine.chmod(0o666)
    asked = f"CREATE TABLE shop.t (line TEXT); LOAD DATA LOCAL INFILE '{mine}' INTO TABLE shop.t; SELECT * FROM shop.t"
    assert "kept" not in query(server, "admin", "it's a \\ secret", asked, "--local-infile=1")[1]
    assert query(server, "admin", "it's a \\ secret", f"SELECT LOAD_FILE('{mine}')") == (0, "NULL\n")
