"""Rules between values that are each valid: ranges, names, ports and paths beside each other.

Sees whole `Settings` and says what is wrong with them, without knowing where anything was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations

from awsdeploy.config import domains, placeholders
from awsdeploy.config.health_check import TCP
from awsdeploy.config.repository import EXAMPLE
from awsdeploy.config.rules import RESERVED_STARTS
from awsdeploy.config.services import NGINX_OFFSET, Service
from awsdeploy.config.settings import Settings
from awsdeploy.config.wrong import shown
from awsdeploy.errors import next_command

CERTIFICATE_NAMES = 10
"""AWS: names on one ACM certificate, unless the account has asked for more."""

NO_DOMAIN = 'expected a domain as well, such as domain = "example.com": without a domain this has no effect'

PATHS = 50
"""AWS: 100 rules on a listener; half of them are left to everything else."""


EPHEMERAL = 32768
"""Linux: ports from here on (net.ipv4.ip_local_port_range) are used for outgoing connections."""

POLICIES = 10
"""AWS: managed policies on one role, unless the account has asked for more."""

POLICY_SIZE = 6000
"""Characters of all statements of a service. AWS: 10,240 of inline policy in a role; the rest is ours."""


@dataclass(frozen=True)
class Mistake:
    """Something wrong at `path`; it says nothing new if one of the other paths it is `about` is wrong already."""

    path: tuple[str | int, ...]
    text: str
    about: tuple[tuple[str | int, ...], ...] = ()


def mistakes(settings: Settings) -> Iterator[Mistake]:
    """Everything that does not go together in `settings`."""
    yield from _names(settings)
    yield from _domains(settings)
    yield from _zones(settings)
    yield from _ranges(settings)
    yield from _services(settings)
    yield from _paths(settings)
    yield from _database(settings)
    if settings.release.source == "git" and not settings.release.repository:
        text = f'missing: source = "git" needs one, such as repository = "{EXAMPLE}"'
        yield Mistake(("release", "repository"), text, about=(("release", "source"),))
    uploads = settings.uploads
    if uploads.replicate and uploads.replica_region == settings.region:
        text = f"expected another region than the stack's, got {shown(uploads.replica_region)}"
        yield Mistake(("uploads", "replica_region"), text, about=(("region",), ("uploads", "replicate")))
    if settings.waits.poll_ceiling < settings.waits.poll_floor:
        text = f"expected at least poll_floor ({settings.waits.poll_floor:g}), got {settings.waits.poll_ceiling:g}"
        yield Mistake(("waits", "poll_ceiling"), text, about=(("waits", "poll_floor"),))


def _names(settings: Settings) -> Iterator[Mistake]:
    stack = str(settings.stack)
    if len(stack) > 40:
        text = f"expected at most 40 characters in the stack's name, got {len(stack)} in {shown(stack)}"
        yield Mistake(("name",), text, about=(("environment",),))
    for start in RESERVED_STARTS:
        if f"{stack}-".startswith(start):
            text = (
                f"expected a name whose stack does not begin with {shown(start)}, got {shown(stack)}: "
                f"AWS reserves names that begin like this; use {shown(f'my-{settings.name}')}"
            )
            yield Mistake(("name",), text, about=(("environment",),))


def _domains(settings: Settings) -> Iterator[Mistake]:
    domain = settings.domain
    if domain is None:
        for key, wanted in (("aliases", bool(settings.aliases)), ("create_zone", settings.create_zone)):
            if wanted:
                yield Mistake((key,), NO_DOMAIN, about=(("domain",),))
        if settings.dns.mode != "none":
            text = f'expected a domain as well, or "none", got {shown(settings.dns.mode)}: there is no name to enter'
            yield Mistake(("dns", "mode"), text, about=(("domain",),))
        return
    if settings.create_zone and settings.dns.mode != "route53":
        text = f'expected false with dns.mode = "{settings.dns.mode}": only "route53" has a zone'
        yield Mistake(("create_zone",), text, about=(("dns", "mode"),))
    if settings.dns.zone and (settings.create_zone or settings.dns.mode != "route53"):
        other = "create_zone = true" if settings.create_zone else f'dns.mode = "{settings.dns.mode}"'
        text = f"expected no value with {other}: only an existing zone has an ID"
        yield Mistake(("dns", "zone"), text, about=(("create_zone",), ("dns", "mode")))
    if settings.dns.copy_records and not settings.create_zone:
        text = "expected create_zone = true as well: records are copied only to a new zone"
        yield Mistake(("dns", "copy_records"), text, about=(("create_zone",), ("dns", "mode")))
    if len(domain) > domains.LONGEST:
        text = (
            f"expected at most {domains.LONGEST} characters (AWS: the first name of a certificate), got {len(domain)}"
        )
        yield Mistake(("domain",), text)
    apex = domains.registrable(domain)
    for place, alias in enumerate(settings.aliases):
        path = ("aliases", place)
        if alias == domain or alias in settings.aliases[:place]:
            yield Mistake(path, f"expected each name once, got {shown(alias)} again", about=(("domain",),))
        elif domains.registrable(alias) != apex:
            text = f'expected a name under "{apex}", whose hosted zone this stack uses, got {shown(alias)}'
            yield Mistake(path, text, about=(("domain",),))
    names = 1 + len(settings.aliases)
    if names > CERTIFICATE_NAMES:
        limit = f"at most {CERTIFICATE_NAMES - 1} aliases (AWS: {CERTIFICATE_NAMES} names on a certificate)"
        text = f"expected {limit}, got {names - 1}"
        yield Mistake(("aliases",), text)


def _zones(settings: Settings) -> Iterator[Mistake]:
    network = settings.network
    if network.vpc:
        return
    path = ("network", "zones")
    if len(network.zones) < 2:
        text = f"expected two zones or more (the load balancer and the database need them), got {shown(network.zones)}"
        yield Mistake(path, text + '; for example ["a", "c"]')
    for place, letter in enumerate(network.zones):
        if letter in network.zones[:place]:
            yield Mistake((*path, place), f"expected each zone once, got {shown(letter)} again")
    for kind, ranges in (("public", network.public), ("private", network.private)):
        if len(ranges) != len(network.zones) >= 2:
            zones = ", ".join(network.zones)
            text = f"expected {len(network.zones)} ranges, one for each zone ({zones}), got {len(ranges)}"
            yield Mistake(("network", kind), text, about=(path,))


def _ranges(settings: Settings) -> Iterator[Mistake]:
    network = settings.network
    vpc = IPv4Network(network.cidr)
    placed: list[tuple[tuple[str | int, ...], IPv4Network]] = [
        (("network", kind, place), IPv4Network(one))
        for kind, ranges in (("public", network.public), ("private", network.private))
        for place, one in enumerate(ranges)
    ]
    for path, one in placed:
        if not one.subnet_of(vpc):
            text = f"expected a range inside the VPC's {vpc}, got {shown(str(one))}"
            yield Mistake(path, text, about=(("network", "cidr"), ("network", "zones")))
    for (before, first), (path, second) in combinations(placed, 2):
        if first.overlaps(second):
            where = f"{before[0]}.{before[1]}[{before[2]}]"
            text = f"expected ranges that do not overlap, got {shown(str(second))}, which overlaps {where} ({first})"
            yield Mistake(path, text, about=(before, ("network", "cidr"), ("network", "zones")))


def _services(settings: Settings) -> Iterator[Mistake]:
    for name, service in settings.services.items():
        path = ("services", name)
        if service.port is None and service.paths:
            yield Mistake(
                (*path, "paths"),
                f"expected a port as well: port = 8080, or whatever {name} listens on",
                about=((*path, "port"),),
            )
        elif service.port is not None and not service.paths:
            text = f'expected paths as well, such as paths = ["/{name}/*"]; a worker has neither port nor paths'
            yield Mistake((*path, "port"), text, about=((*path, "paths"),))
        elif service.port is None and service.health is not None:
            text = "expected no health path for a worker: a worker has no port"
            yield Mistake((*path, "health"), text, about=((*path, "port"), (*path, "paths")))
        yield from _health_status(path, service)
        yield from _scaling(path, service)
        yield from _nginx(path, service)
        yield from _strip_prefix(path, service)
        yield from _variables(path, service, settings)
        yield from _policies(path, service)
        yield from _placeholders(path, service, settings)


def _health_status(path: tuple[str, str], service: Service) -> Iterator[Mistake]:
    if "health_status" not in service.model_fields_set:
        return
    if service.port is None:
        text = "expected no status codes for a worker: a worker has no port"
        yield Mistake((*path, "health_status"), text, about=((*path, "port"), (*path, "paths")))
    elif service.health == TCP:
        text = f'expected no status codes with health = "{TCP}": any answer below 500 means healthy'
        yield Mistake((*path, "health_status"), text, about=((*path, "health"),))


def _nginx(path: tuple[str, str], service: Service) -> Iterator[Mistake]:
    if not service.nginx:
        return
    if service.port is None:
        text = "expected no nginx for a worker: a worker has no port"
        yield Mistake((*path, "nginx"), text, about=((*path, "port"), (*path, "paths")))
    elif service.port + NGINX_OFFSET >= EPHEMERAL:
        highest = EPHEMERAL - NGINX_OFFSET - 1
        text = (
            f"expected at most {highest} with nginx, got {service.port}: the program listens on this port + "
            f"{NGINX_OFFSET}"
        )
        yield Mistake((*path, "port"), text, about=((*path, "nginx"),))


def _strip_prefix(path: tuple[str, str], service: Service) -> Iterator[Mistake]:
    if not service.strip_prefix:
        return
    if service.port is None:
        text = "expected no strip_prefix for a worker: a worker gets no requests"
        yield Mistake((*path, "strip_prefix"), text, about=((*path, "port"), (*path, "paths")))
    for place, one in enumerate(service.paths):
        prefix = one.removesuffix("/*")
        if not prefix or "*" in prefix or "?" in prefix:
            text = f"expected a path such as /api or /api/* with strip_prefix, got {shown(one)}"
            yield Mistake((*path, "paths", place), text, about=((*path, "strip_prefix"),))


def _variables(path: tuple[str, str], service: Service, settings: Settings) -> Iterator[Mistake]:
    """Variables that would not have the value in the table."""
    for name in service.variables:
        if name == "PORT" and service.port is not None:
            yield Mistake((*path, "variables", name), "expected no PORT: awsdeploy sets it; write port = … instead")
        elif name in settings.stored_variables(service):
            text = (
                f"expected another name: the stack stores {name} in Parameter Store, and stored values win; "
                f"set it with: {next_command('env', 'set', service.name, name, '--force')}"
            )
            yield Mistake((*path, "variables", name), text)


def _policies(path: tuple[str, str], service: Service) -> Iterator[Mistake]:
    if len(service.policies) > POLICIES:
        text = f"expected at most {POLICIES} policies (AWS: on one role), got {len(service.policies)}"
        yield Mistake((*path, "policies"), text)
    size = sum(len(statement.model_dump_json()) for statement in service.statements)
    if size > POLICY_SIZE:
        text = f"expected statements of {POLICY_SIZE} characters at most, got {size}; a managed policy takes more"
        yield Mistake((*path, "statements"), text)


def _placeholders(path: tuple[str, str], service: Service, settings: Settings) -> Iterator[Mistake]:
    """Mistakes in the placeholders of a service's statements."""
    buckets = tuple(key for key in placeholders.BUCKETS if key != "storage/replica" or settings.uploads.replicate)
    for number, statement in enumerate(service.statements):
        place = (*path, "statements", number)
        named: list[tuple[tuple[str | int, ...], str]] = [
            ((*place, "resources", at), arn) for at, arn in enumerate(statement.resources)
        ]
        for operator, keys in statement.conditions.items():
            for key, values in keys.items():
                texts = (values,) if isinstance(values, str) else values
                named += [((*place, "conditions", operator, key), text) for text in texts]
        for where, text in named:
            if said := placeholders.wrong(text, str(settings.stack), buckets):
                yield Mistake(where, said, about=(("uploads", "replicate"), ("name",)))


def _scaling(path: tuple[str, str], service: Service) -> Iterator[Mistake]:
    scaling = service.scaling
    if scaling is None:
        return
    place = (*path, "scaling")
    if "instances" in service.model_fields_set:
        text = f"expected either instances or [{'.'.join(place)}] with min and max, got both"
        yield Mistake((*path, "instances"), text, about=(place,))
    if scaling.max < scaling.min:
        text = f"expected at least min ({scaling.min}), got {scaling.max}"
        yield Mistake((*place, "max"), text, about=((*place, "min"),))
    if scaling.health == "elb" and service.port is None:
        text = 'expected "ec2" for a worker: the load balancer does not check workers'
        yield Mistake((*place, "health"), text, about=((*path, "port"), (*path, "paths")))


def _paths(settings: Settings) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    about = tuple(("services", name, "paths") for name in settings.services)
    for name, service in settings.services.items():
        for place, path in enumerate(service.paths):
            if (owner := owners.get(path)) is not None:
                what = "the rest" if path == "/*" else "each path"
                text = f"expected {what} to go to one service, got {shown(path)}, which {owner} has already"
                yield Mistake(("services", name, "paths", place), text, about=(("services", owner, "paths"),))
            owners.setdefault(path, name)
        if len(service.paths) > PATHS:
            yield Mistake(("services", name, "paths"), f"expected at most {PATHS} paths, got {len(service.paths)}")
    if owners and "/*" not in owners:
        text = 'expected one service with "/*" in its paths: it gets all requests that match no other path'
        yield Mistake(("services",), text, about=about)


def _database(settings: Settings) -> Iterator[Mistake]:
    database = settings.database
    least = -(-database.storage_gb * 11 // 10)
    if database.max_storage_gb < least:
        tenth = f"a tenth more than storage_gb ({database.storage_gb})"
        text = f"expected at least {least}, {tenth}, got {database.max_storage_gb}"
        yield Mistake(("database", "max_storage_gb"), text, about=(("database", "storage_gb"),))
