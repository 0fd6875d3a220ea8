"""Certificates: the proof's record appears after seconds, issue follows the record in a delegated zone, and one that
is in use stays."""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.dns import records
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

TOKEN_GOOD_FOR = 3600.0  # AWS seconds
FIRST_NAME = 64


@dataclass
class Requests:
    """Times of request and issue of each certificate, and the request behind each token."""

    at: dict[str, float] = field(default_factory=dict)
    issued_at: dict[str, float] = field(default_factory=dict)
    timed_out: set[str] = field(default_factory=set)
    tokens: dict[tuple[str, str], tuple[float, str, list[str]]] = field(default_factory=dict)


@before("acm:RequestCertificate")
def request(world: World, call: ApiCall) -> Answer | None:
    """The same token and names within an hour give the same certificate, whatever the tags."""
    token, name = str(call.parameters.get("IdempotencyToken") or ""), str(call.parameters["DomainName"])
    if token and not re.fullmatch(r"\w{1,32}", token):
        raise AwsRefuses("ValidationException", f"Value '{token}' at 'idempotencyToken' failed to satisfy constraint")
    if len(name) > FIRST_NAME:
        message = f"The first domain name can be no longer than {FIRST_NAME} characters."
        raise AwsRefuses("InvalidDomainValidationOptionsException", message)
    at, arn, names = world.of(Requests).tokens.get((call.region, token), (0.0, "", []))
    if token and names == _names(call) and world.now < at + TOKEN_GOOD_FOR:
        return {"CertificateArn": arn}
    # moto counts the hour on the real clock.
    world.moto("acm", call.region)._idempotency_tokens.clear()
    return None


@after("acm:RequestCertificate")
def requested(world: World, call: ApiCall, answer: Answer) -> None:
    arn, requests = answer["CertificateArn"], world.of(Requests)
    requests.at[arn] = world.now
    if token := str(call.parameters.get("IdempotencyToken") or ""):
        requests.tokens[call.region, token] = (world.now, arn, _names(call))
    _bundle(world, call.region, arn).status = "PENDING_VALIDATION"


def _names(call: ApiCall) -> list[str]:
    return [call.parameters["DomainName"], *sorted(call.parameters.get("SubjectAlternativeNames") or ())]


@before("acm:ListCertificates", "acm:DescribeCertificate", "acm:DeleteCertificate", "acm:GetCertificate")
def as_it_stands(world: World, call: ApiCall) -> None:
    """moto would issue a certificate after a minute, proved or not."""
    for arn, bundle in world.moto("acm", call.region)._certificates.items():
        bundle.check = _not_by_waiting
        if arn in world.of(Requests).at:
            bundle.status = status(world, call.region, arn)
            bundle.in_use_by[:] = sorted(_users(world, call.region, arn))


def _not_by_waiting() -> None:
    """Replacement of moto's own clock."""


@after("acm:DescribeCertificate")
def described(world: World, call: ApiCall, answer: Answer) -> None:
    shown, requests = answer["Certificate"], world.of(Requests)
    arn = shown["CertificateArn"]
    options = shown.get("DomainValidationOptions", [])
    for option in options:
        option["ResourceRecord"] = _proof(option["DomainName"])
    # AWS: the domain itself first, then the others as given.
    order = [shown["DomainName"], *shown.get("SubjectAlternativeNames", ())]
    options.sort(key=lambda option: order.index(option["DomainName"]))
    if arn in requests.at and world.now < requests.at[arn] + durations.CERTIFICATE_RECORD:
        for option in options:
            del option["ResourceRecord"]
    if shown["Status"] != "ISSUED":
        for name in ("IssuedAt", "NotBefore", "NotAfter", "Serial"):
            shown.pop(name, None)
    elif arn in requests.issued_at:
        issued = datetime.datetime.fromtimestamp(requests.issued_at[arn], datetime.UTC)
        shown["IssuedAt"] = shown["NotBefore"] = issued
        shown["NotAfter"] = issued + datetime.timedelta(days=durations.CERTIFICATE_VALID_DAYS)


def status(world: World, region: str, arn: str) -> str | None:
    """AWS's status of a certificate as of now; None where there is none."""
    bundle = world.moto("acm", region)._certificates.get(arn)
    if bundle is None:
        return None
    requests = world.of(Requests)
    if arn not in requests.at:
        return str(bundle.status)
    if arn in requests.issued_at:
        return "ISSUED"
    begun = requests.at[arn]
    proved = [records.insync(world, (one := _proof(name))["Name"], "CNAME", one["Value"]) for name in _all(bundle)]
    since = [moment for moment in proved if moment is not None]
    ends = begun + durations.CERTIFICATE_TIMES_OUT
    if len(since) == len(proved):
        issued = max(begun + durations.CERTIFICATE_RECORD, *since) + durations.CERTIFICATE_ISSUED
        if arn not in requests.timed_out and issued < ends and world.now >= issued:
            requests.issued_at[arn] = issued
            return "ISSUED"
    if world.now < ends:
        return "PENDING_VALIDATION"
    # AWS: what was not proved within 72 hours must be requested again (ACM, "DNS validation").
    requests.timed_out.add(arn)
    return "VALIDATION_TIMED_OUT"


def settle(world: World) -> None:
    """Decide about every certificate by the DNS of before, which is about to change."""
    for arn in world.of(Requests).at:
        status(world, arn.split(":")[3], arn)


def _all(bundle: Any) -> set[str]:
    return {bundle.common_name, *bundle.sans}


def _proof(domain: str) -> dict[str, str]:
    """AWS: one record for each domain of an account, the same for every certificate; a wildcard shares its base's."""
    base = domain.removeprefix("*.")
    name, value = (hashlib.md5(f"{word} {base}".encode(), usedforsecurity=False).hexdigest() for word in "nv")
    return {"Name": f"_{name}.{base}.", "Type": "CNAME", "Value": f"_{value}.acm-validations.aws."}


@before("acm:DeleteCertificate")
def in_use(world: World, call: ApiCall) -> None:
    arn = call.parameters["CertificateArn"]
    users = _users(world, call.region, arn)
    if users:
        raise AwsRefuses("ResourceInUseException", f"Certificate {arn} in account is in use by {', '.join(users)}.")


def _users(world: World, region: str, arn: str) -> set[str]:
    """The load balancers whose listeners show the certificate."""
    return {
        balancer.arn
        for balancer in world.moto("elbv2", region).load_balancers.values()
        for listener in balancer.listeners.values()
        if arn == listener.certificate or arn in listener.certificates
    }


def _bundle(world: World, region: str, arn: str) -> Any:
    return world.moto("acm", region)._certificates[arn]
