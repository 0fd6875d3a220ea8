"""TLS to the database: the certificates on the machine, and how a service is told of them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.machine.release_host import CURL, ReleaseHost, application

pytestmark = [pytest.mark.slow, pytest.mark.npm]

FIRST, SECOND = "20260101T000000Z-aaaaaaa", "20260102T000000Z-bbbbbbb"
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
FOLDER = "/deploy/shop/prod/database"
PLAIN = "mysql://admin:secret@db.example.com:3306/shop"


@pytest.fixture
def host(host: ReleaseHost) -> ReleaseHost:
    host.tool("curl", CURL)
    host.parameters = {
        f"{FOLDER}/DB_HOST": "db.example.com",
        f"{FOLDER}/DB_NAME": "shop",
        f"{FOLDER}/DB_PASSWORD": "secret",
        f"{FOLDER}/DB_SSL_CA": "/opt/awsdeploy/rds-ca.pem",
        f"{FOLDER}/DB_USER": "admin",
    }
    (host.aws / "rds-ca.pem").write_text(CA)
    return host


def using(*libraries: str, kind: str = "dependencies") -> dict[str, str]:
    """An application that has these libraries: each a folder of its own, as no registry is asked."""
    named: dict[str, Any] = {kind: {name: f"file:./its/{name}" for name in libraries}}
    files = application(**named)
    del files["package-lock.json"]
    return files | {f"its/{name}/package.json": json.dumps({"name": name, "version": "1.0.0"}) for name in libraries}


def deployed(host: ReleaseHost, id: str = FIRST, files: dict[str, str] | None = None) -> dict[str, str]:
    done = host.deploy(id, files, database=True)
    assert done.code == 0, done.output
    return host.variables


def asked(host: ReleaseHost) -> list[str]:
    file = host.aws / "asked"
    return file.read_text().splitlines() if file.exists() else []


def test_the_certificates_are_on_the_machine_and_anyone_may_read_them(host: ReleaseHost) -> None:
    found = deployed(host)
    bundle = host.root / "opt/awsdeploy/rds-ca.pem"
    assert found["DB_SSL_CA"] == str(bundle)
    assert bundle.read_text() == CA
    assert bundle.stat().st_mode & 0o777 == 0o644
    assert asked(host) == ["https://truststore.pki.rds.amazonaws.com/ap-northeast-2/ap-northeast-2-bundle.pem"]
    assert found["DATABASE_URL"] == PLAIN, "it has no library that could be told so"


def test_mysql2_is_told_in_the_address(host: ReleaseHost) -> None:
    address = urlsplit(deployed(host, files=using("mysql2", "typeorm"))["DATABASE_URL"])
    assert address._replace(query="").geturl() == PLAIN
    told: Any = parse_qs(address.query, strict_parsing=True)
    assert list(told) == ["ssl"]
    assert json.loads(told["ssl"][0]) == {"ca": CA, "verifyIdentity": True}


def test_prisma_is_told_where_they_are(host: ReleaseHost) -> None:
    found = deployed(host, files=using("prisma", kind="devDependencies"))
    told = parse_qs(urlsplit(found["DATABASE_URL"]).query, strict_parsing=True)
    assert told == {"sslaccept": ["strict"], "sslcert": [found["DB_SSL_CA"]]}


@pytest.mark.torture
def test_sequelize_fails_with_such_an_address_and_gets_none(host: ReleaseHost) -> None:
    assert deployed(host, files=using("mysql2", "sequelize"))["DATABASE_URL"] == PLAIN


@pytest.mark.torture
def test_a_database_of_the_owners_own_has_other_certificates(host: ReleaseHost) -> None:
    host.parameters["/deploy/shop/prod/backend/DB_HOST"] = "elsewhere.example.com"
    assert deployed(host, files=using("mysql2"))["DATABASE_URL"] == PLAIN.replace("db.", "elsewhere.")


@pytest.mark.torture
def test_without_the_parameter_all_is_as_it_was(host: ReleaseHost) -> None:
    """An older stack, whose services get no certificates."""
    del host.parameters[f"{FOLDER}/DB_SSL_CA"]
    found = deployed(host, files=using("mysql2"))
    assert (found["DATABASE_URL"], "DB_SSL_CA" in found, asked(host)) == (PLAIN, False, [])


@pytest.mark.torture
def test_an_older_copy_does_where_no_newer_can_be_fetched(host: ReleaseHost) -> None:
    deployed(host)
    (host.aws / "rds-ca.pem").unlink()
    assert "ssl" in deployed(host, SECOND, using("mysql2"))["DATABASE_URL"]


def test_without_certificates_the_release_fails_and_says_why(host: ReleaseHost) -> None:
    (host.aws / "rds-ca.pem").write_text("<html>a page of the network's own</html>")
    done = host.deploy(FIRST, database=True)
    assert (done.code, done.outcome["step"]) == (1, "environment")
    assert "ap-northeast-2-bundle.pem cannot be fetched" in done.outcome["diagnosis"]


def test_a_service_that_reaches_no_database_gets_none(host: ReleaseHost) -> None:
    assert host.deploy(FIRST, database=False).code == 0
    assert (asked(host), "DB_SSL_CA" in host.variables) == ([], False)
