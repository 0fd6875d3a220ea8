"""The address people are given: what AWSDEPLOY_LINKS says, else the domain, else the load balancer's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.dns import addresses
from awsdeploy.resources.network import operator_address

OWN = "shop-123.ap-northeast-2.elb.amazonaws.com"


class Links(HTTPServer):
    """A service of links that says `says` to everybody."""

    says, status = "http://127.0.0.1:8080/", 200
    asked: list[str]


class SiteHandler(BaseHTTPRequestHandler):
    server: Links

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.says.encode())

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Iterator[Links]:
    server = Links(("127.0.0.1", 0), SiteHandler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWSDEPLOY_LINKS", f"http://127.0.0.1:{server.server_port}/link")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_service_of_links_it_is_the_domain_or_the_load_balancer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWSDEPLOY_LINKS", raising=False)
    assert addresses.address("shop-prod-alb", OWN) == f"http://{OWN}"
    assert addresses.address("shop-prod-alb", OWN, "example.com") == "https://example.com"


def test_a_service_of_links_is_asked_by_the_load_balancers_name_and_believed(links: Links) -> None:
    assert addresses.address("shop-prod-alb", OWN, "example.com") == "http://127.0.0.1:8080"
    assert links.asked == ["/link?name=shop-prod-alb"]


@pytest.mark.parametrize("said", ["", "ftp://127.0.0.1", "http://a b", "http://a\nhttp://b"])
def test_what_is_no_address_is_not_believed(links: Links, said: str) -> None:
    links.says = said
    assert addresses.address("shop-prod-alb", OWN) == f"http://{OWN}"


def test_a_service_that_fails_or_is_gone_changes_nothing(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    links.status = 404
    assert addresses.address("shop-prod-alb", OWN) == f"http://{OWN}"
    for place in ("http://127.0.0.1:1/link", "no address"):
        monkeypatch.setenv("AWSDEPLOY_LINKS", place)
        assert addresses.address("shop-prod-alb", OWN) == f"http://{OWN}"


def test_a_file_is_never_read_in_place_of_a_web_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").write_text("http://127.0.0.1:8080")
    (tmp_path / "address").write_text("203.0.113.99")
    monkeypatch.setenv("AWSDEPLOY_LINKS", f"{(tmp_path / 'kept').as_uri()}#")
    assert addresses.address("shop-prod-alb", OWN) == f"http://{OWN}"
    monkeypatch.setenv(operator_address.VARIABLE, (tmp_path / "address").as_uri())
    with pytest.raises(operator_address.AddressUnknown, match="not an http or https address"):
        operator_address.ask()
