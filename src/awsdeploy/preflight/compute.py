"""Checks of EC2: whether it offers what the machines need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from awsdeploy.architecture.compute import SYSTEMS
from awsdeploy.aws.refusals import AwsRefusal
from awsdeploy.config import Service
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.preflight.network import zones_of
from awsdeploy.resources.compute.machine import IMAGES


def instance_types(question: Question) -> Iterator[Finding]:
    """Check that each service's type is offered in the region and in the zones of its machines."""
    services = question.settings.services
    types = sorted({one.instance_type for one in services.values()})
    found = question.client("ec2").pages(
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": types}],
    )
    offers: dict[str, set[str]] = {name: set() for name in types}
    for one in found:
        offers[one["InstanceType"]].add(one["Location"])
    zones = zones_of(question, public=True)
    for place, service in enumerate(services.values()):
        yield from _offered(question, service, place, offers, zones)


def _offered(
    question: Question, service: Service, place: int, offers: Mapping[str, set[str]], zones: Sequence[str]
) -> Iterator[Finding]:
    has, what = offers[service.instance_type], f"{service.instance_type} (services.{service.name}.instance_type)"
    number = len(zones) if service.scaling else service.instances
    missing = sorted({zones[(place + one) % len(zones)] for one in range(number) if zones} - has)
    if not has:
        seen = f"not offered in {question.settings.region}"
        command = f"aws ec2 describe-instance-type-offerings --region {question.settings.region}"
        yield Finding(what, seen, f"Under [services.{service.name}]: another instance_type; {command} lists them.")
    elif missing:
        seen = f"not offered in {', '.join(missing)}; offered in {', '.join(sorted(has))}"
        letters = ", ".join(sorted(zone.removeprefix(question.settings.region) for zone in has))
        yield Finding(
            what, seen, f"Under [network]: use only the zones {letters}, or another instance_type for the service."
        )


def image(question: Question) -> Iterator[Finding]:
    """Check that AWS still offers the image of the operating system."""
    name = IMAGES[SYSTEMS[question.settings.platform]]
    try:
        question.client("ssm").get_parameter(Name=name)
    except AwsRefusal as refusal:
        if refusal.code != "ParameterNotFound":
            raise
        seen = f"{name} does not exist in {question.settings.region}"
        remedy = 'Set platform = "supported": it uses Amazon Linux 2023.'
        if question.settings.platform == "supported":
            remedy = "Choose another region, or update awsdeploy: AWS may have renamed the image."
        yield Finding(f'machine image (platform = "{question.settings.platform}")', seen, remedy)


def key_pair(question: Question) -> Iterator[Finding]:
    """Check that EC2 has the key pair of the config."""
    name, region = question.settings.network.key_pair, question.settings.region
    if not name:
        return
    try:
        question.client("ec2").describe_key_pairs(KeyNames=[name])
    except AwsRefusal as refusal:
        if refusal.code != "InvalidKeyPair.NotFound":
            raise
        command = f"aws ec2 import-key-pair --region {region} --key-name {name} --public-key-material fileb://FILE.pub"
        seen = f"EC2 has no key pair with this name in {region}"
        yield Finding(f"key pair {name} (network.key_pair)", seen, f'{command}, or key_pair = "" (no SSH is needed).')
