"""Modes of DNS: a stack comes up, says what to enter, does nothing twice, and takes nothing along."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest

from awsdeploy.engine import plan, up
from awsdeploy.resources.dns.certificate import Certificate
from tests.account import leftovers
from tests.dns.dropping import dropping
from tests.sampling import sampled
from tests.simulated import World

BASE = 'name = "shop"\nenvironment = "dev"\nplatform = "supported"\n'
QUIET = """
[backup]
images = false

[services.site]
port = 3000
paths = ["/*"]
"""
OTHERS = [
    ("example.com", "MX", ["10 mail.example.com."]),
    ("example.com", "TXT", ['"v=spf1 mx -all"']),
    ("example.com", "CAA", ['0 issue "amazon.com"']),
    ("mail.example.com", "A", ["192.0.2.25"]),
    ("blog.example.com", "CNAME", ["blogs.example.net."]),
    ("_dmarc.example.com", "TXT", ['"v=DMARC1; p=reject"']),
    ("selector._domainkey.example.com", "TXT", ['"v=DKIM1; p=AAAA"']),
]
"""Records of other people in a zone."""


def settled(world: World, *words: str) -> str:
    """Output of a successful command."""
    done = world.awsdeploy(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def life_cycle(world: World, config: str) -> str:
    """`up`, `status` and an `up` that writes nothing; what the first one said."""
    (world.folder / "config.toml").write_text(config)
    said = settled(world, "up", "--yes")
    settled(world, "status")
    nothing_to_do(world)
    return said


def nothing_to_do(world: World) -> None:
    world.control("DELETE", "calls")
    assert "No changes" in settled(world, "up", "--yes")
    assert [call["call"] for call in world.control("GET", "calls")["calls"] if call["write"]] == []


def dies(world: World) -> None:
    assert "nothing else is left" in settled(world, "destroy", "--confirm", "shop-dev", "--everything")


def zone(world: World, name: str = "example.com") -> str:
    zones = world.client("route53").list_hosted_zones()["HostedZones"]
    return next(str(one["Id"]) for one in zones if one["Name"] == f"{name}.")


def records(world: World) -> Any:
    return world.client("route53").list_resource_record_sets(HostedZoneId=zone(world))["ResourceRecordSets"]


def fill(world: World) -> None:
    """The zone is full of other people's records."""
    for name, kind, values in OTHERS:
        record = {"Name": name, "Type": kind, "TTL": 600, "ResourceRecords": [{"Value": one} for one in values]}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        world.client("route53").change_resource_record_sets(HostedZoneId=zone(world), ChangeBatch=batch)


def without_zone(world: World) -> None:
    """An account that has no zone."""
    world.client("route53").delete_hosted_zone(Id=zone(world))


def ports(world: World) -> dict[int, str]:
    """Action of each port of the load balancer."""
    elbv2 = world.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    found = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    return {one["Port"]: one["DefaultActions"][0]["Type"] for one in found}


def served(address: str, path: str) -> int:
    with urllib.request.urlopen(address + path, timeout=10) as answer:
        return int(answer.status)


def prove(world: World) -> None:
    """Enter the validation records at the DNS provider."""
    acm = world.client("acm")
    for one in acm.list_certificates()["CertificateSummaryList"]:
        shown = acm.describe_certificate(CertificateArn=one["CertificateArn"])["Certificate"]
        for option in shown["DomainValidationOptions"]:
            record = option["ResourceRecord"]
            entry = {"name": record["Name"], "type": "CNAME", "values": [record["Value"]]}
            world.control("POST", "dns", entry)


@pytest.mark.slow
def test_with_external_dns_all_but_https_comes_up_and_a_later_up_finishes_it(world: World) -> None:
    without_zone(world)
    said = life_cycle(world, BASE + 'domain = "example.com"\n[dns]\nmode = "external"\n' + QUIET)
    (balancer,) = world.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert ports(world) == {80: "forward"}
    assert f"  example.com  CNAME or ALIAS  {balancer['DNSName']}" in said
    assert said.count(".acm-validations.aws\n") == 2
    assert "cannot be a CNAME" in said
    assert re.search(r"then run `\S*awsdeploy up`", said)
    address = next(line.split()[1] for line in said.splitlines() if line.startswith("  url "))
    assert address.startswith("http://")
    assert served(address, "/") == served(address, "/api/health") == 200
    assert world.client("route53").list_hosted_zones()["HostedZones"] == []
    prove(world)
    said = settled(world, "up", "--yes")
    assert ports(world) == {80: "redirect", 443: "forward"}
    assert "then run " not in said
    assert balancer["DNSName"] in said
    nothing_to_do(world)
    settled(world, "status")
    dies(world)
    assert leftovers(world) == []


@pytest.mark.slow
@pytest.mark.torture
def test_a_domain_whose_name_servers_are_elsewhere_does_not_block(world: World) -> None:
    fill(world)
    before = records(world)
    world.control("POST", "delegation", {"name": "example.com", "servers": ["ns1.gabia.co.kr", "ns2.gabia.co.kr"]})
    said = life_cycle(world, BASE + 'domain = "example.com"\n' + QUIET)
    servers = world.client("route53").get_hosted_zone(Id=zone(world))["DelegationSet"]["NameServers"]
    assert [line.strip() for line in said.splitlines() if "awsdns" in line] == servers
    assert ports(world) == {80: "forward"}
    world.control("POST", "delegation", {"name": "example.com", "servers": "zone"})
    settled(world, "up", "--yes")
    assert ports(world) == {80: "redirect", 443: "forward"}
    nothing_to_do(world)
    dies(world)
    assert records(world) == before


@pytest.mark.slow
@pytest.mark.torture
def test_a_zone_full_of_other_peoples_records_is_the_same_afterwards(world: World) -> None:
    fill(world)
    before = records(world)
    said = life_cycle(world, BASE + 'domain = "example.com"\n' + QUIET)
    assert ports(world) == {80: "redirect", 443: "forward"}
    assert "acm-validations" not in said
    present = records(world)
    assert [one for one in before if one not in present] == []
    dies(world)
    assert records(world) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "dns", sampled(['domain = "example.com"\n[dns]\nmode = "none"\n', ""]), ids=["mode none", "no domain"]
)
def test_without_dns_port_80_serves_and_nothing_is_entered_anywhere(world: World, dns: str) -> None:
    fill(world)
    before = records(world)
    life_cycle(world, BASE + dns + QUIET)
    assert ports(world) == {80: "forward"}
    assert records(world) == before
    assert world.client("acm").list_certificates()["CertificateSummaryList"] == []
    dies(world)
    assert records(world) == before


@pytest.mark.slow
def test_a_new_zone_is_made_and_its_servers_are_said_until_it_is_delegated(world: World) -> None:
    without_zone(world)
    said = life_cycle(world, BASE + 'domain = "example.com"\ncreate_zone = true\n' + QUIET)
    servers = world.client("route53").get_hosted_zone(Id=zone(world))["DelegationSet"]["NameServers"]
    assert [line.strip() for line in said.splitlines() if line.startswith("  ns-")] == servers
    assert ports(world) == {80: "forward"}
    world.control("POST", "delegation", {"name": "example.com", "servers": "zone"})
    settled(world, "up", "--yes")
    assert ports(world) == {80: "redirect", 443: "forward"}
    nothing_to_do(world)
    assert json.loads(settled(world, "status", "--json"))["healthy"]
    dies(world)
    assert world.client("route53").list_hosted_zones()["HostedZones"] == []


@pytest.mark.slow
@pytest.mark.torture
def test_what_is_entered_by_hand_for_external_dns_stays_although_it_is_in_this_account(world: World) -> None:
    world.control("POST", "delegation", {"name": "example.com", "servers": ["ns1.gabia.co.kr"]})
    domain = 'domain = "example.com"\n'
    life_cycle(world, BASE + domain + QUIET)
    before = records(world)
    said = life_cycle(world, BASE + domain + '[dns]\nmode = "external"\n' + QUIET)
    assert "acm-validations" in said
    assert records(world) == before
    dies(world)


def publish(world: World) -> None:
    """Another provider answers for the domain."""
    world.control("POST", "delegation", {"name": "example.com", "servers": ["ns1.gabia.co.kr", "ns2.gabia.co.kr"]})
    for name, kind, values in [*OTHERS, ("www.example.com", "A", ["192.0.2.80"])]:
        world.control("POST", "dns", {"name": name, "type": kind, "values": values})


@pytest.mark.slow
def test_a_new_zone_takes_over_what_public_dns_says_and_they_go_together(world: World) -> None:
    without_zone(world)
    publish(world)
    domain = 'domain = "example.com"\ncreate_zone = true\n'
    said = life_cycle(world, BASE + domain + QUIET)
    assert "Without them, mail stops working" in said
    assert "  example.com  MX  10 mail.example.com." in said
    assert said.index("  MX  ") < said.index("ns-")
    (world.folder / "config.toml").write_text(BASE + domain + "[dns]\ncopy_records = true\n" + QUIET)
    assert "Without them, mail stops working" not in settled(world, "up", "--yes")
    nothing_to_do(world)
    present = {(one["Name"], one["Type"]): one for one in records(world)}
    for name, kind, values in OTHERS:
        taken = [one["Value"].rstrip(".") for one in present[f"{name}.", kind]["ResourceRecords"]]
        assert taken == [value.rstrip(".") for value in values]
    assert "AliasTarget" in present["www.example.com.", "A"]
    world.control("POST", "delegation", {"name": "example.com", "servers": "zone"})
    settled(world, "up", "--yes")
    assert ports(world) == {80: "redirect", 443: "forward"}
    nothing_to_do(world)
    dies(world)
    assert world.client("route53").list_hosted_zones()["HostedZones"] == []


@pytest.mark.slow
def test_name_servers_are_not_listed_without_what_may_be_lost_by_entering_them(world: World) -> None:
    """A DS record at the parent, and an MX record that the resolver does not tell: both stand before the servers."""
    without_zone(world)
    answers = {("example.com", "NS"): ["ns1.gabia.co.kr."], ("example.com", "DS"): ["12345 13 2 " + "ab" * 32]}
    (world.folder / "config.toml").write_text(BASE + 'domain = "example.com"\ncreate_zone = true\n' + QUIET)
    done = world.awsdeploy("up", "--yes")
    assert done.returncode == 0, done.stderr
    with dropping(
        lambda *one: answers.get(one, []), most=99, silent=lambda *one: one == ("example.com", "MX")
    ) as server:
        done = world.awsdeploy("status", AWSDEPLOY_NAMESERVER=server.address)
    said = done.stdout
    servers = said.index("\n  ns-")
    assert said.index('To keep its DNS where it is, set mode = "external" in [dns]') < servers
    assert said.index("these records are unknown: MX example.com") < servers
    assert said.index("turn DNSSEC off at your registrar") < servers
    assert said.index("Then enter them at your registrar") > servers
    assert "Public DNS did not answer" in done.stderr
    assert "cannot be queried" not in done.stderr


@pytest.mark.slow
def test_where_dns_cannot_be_asked_a_zone_counts_as_delegated_and_that_is_said(world: World) -> None:
    world.control("POST", "deaf", {"deaf": True})
    (world.folder / "config.toml").write_text(BASE + 'domain = "example.com"\n' + QUIET)
    done = world.awsdeploy("up", "--yes")
    assert done.returncode == 0, done.stderr
    assert "Public DNS cannot be queried" in done.stderr
    assert ports(world) == {80: "redirect", 443: "forward"}


def test_a_certificate_that_has_timed_out_stays_so_and_up_requests_another(world: World) -> None:
    """AWS: after 72 hours without proof a certificate is never issued; it must be requested again."""
    settings = world.settings(BASE)
    certificate = Certificate(key="tls/certificate", domain="example.com")

    def request() -> str:
        run, _ = world.run(settings)
        up.apply(run, plan.make(run, [plan.Step("TLS", (certificate,))]))
        (one,) = world.client("acm").list_certificates()["CertificateSummaryList"]
        return str(one["CertificateArn"])

    def status(arn: str) -> str:
        return str(world.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]["Status"])

    world.control("POST", "delegation", {"name": "example.com", "servers": ["ns1.gabia.co.kr"]})
    first = request()
    world.pass_time(73 * 3600)
    prove(world)
    world.pass_time(3600)
    assert status(first) == "VALIDATION_TIMED_OUT"
    second = request()
    assert second != first
    world.pass_time(600)
    assert status(second) == "ISSUED"
