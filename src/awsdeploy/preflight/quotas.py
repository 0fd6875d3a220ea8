"""Checks of quotas: what the account may have in the region, what it has, and what the stack adds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from awsdeploy.aws.refusals import AwsRefusal
from awsdeploy.config.stack import TAG_STACK
from awsdeploy.preflight.finding import Finding, Question

VCPUS, ADDRESSES, NETWORKS = ("ec2", "L-1216C47A"), ("ec2", "L-0263D0A3"), ("vpc", "L-F678F1CE")
STANDARD = re.compile(r"(a|c|d|h|i|m|r|t|z)\d")
"""AWS: the types that "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" counts."""


def vcpu_quota(question: Question) -> Iterator[Finding]:
    """vCPUs for all machines, for one more while a machine is replaced, and for what scaling may start."""
    services = [one for one in question.settings.services.values() if STANDARD.match(one.instance_type)]
    if not services:
        return
    types = sorted({one.instance_type for one in services})
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    ec2 = question.client("ec2")
    quota, sizes, running = _all(
        question,
        lambda: _quota(question, VCPUS),
        lambda: ec2.describe_instance_types(InstanceTypes=types)["InstanceTypes"],
        lambda: [
            one
            for group in ec2.pages("describe_instances", "Reservations", Filters=states)
            for one in group["Instances"]
        ],
    )
    each = {one["InstanceType"]: int(one["VCpuInfo"]["DefaultVCpus"]) for one in sizes}
    others = [one for one in _of_others(question, running) if STANDARD.match(one["InstanceType"])]
    # AWS: spot instances have a quota of their own.
    used = sum(_cores(one) for one in others if one.get("InstanceLifecycle") != "spot")
    needed = sum(each[one.instance_type] * one.fewest for one in services)
    replaced = max(each.values())
    most = sum(each[one.instance_type] * (one.scaling.max if one.scaling else one.instances) for one in services)
    what = f"vCPU quota of On-Demand Standard instances ({VCPUS[1]}) in {question.settings.region}"
    has = f"{quota:g}, {used} in use"
    if used + needed > quota:
        ask = _increase(question, VCPUS, used + max(needed + replaced, most))
        yield Finding(what, f"{has}; this stack needs {needed}, {needed + replaced} while it replaces a machine", ask)
    elif used + needed + replaced > quota:
        seen = f"{has}; this stack needs {needed}, but {needed + replaced} while it replaces a machine"
        yield Finding(what, seen, _increase(question, VCPUS, used + needed + replaced), fatal=False)
    elif used + most > quota:
        seen = f"{has}; this stack needs {needed}, but {most} if it scales to its max"
        yield Finding(what, seen, _increase(question, VCPUS, used + most), fatal=False)


def elastic_ip_quota(question: Question) -> Iterator[Finding]:
    """The NAT gateway's elastic IP."""
    if question.settings.network.nat:
        ec2 = question.client("ec2")
        what = f"elastic IP quota ({ADDRESSES[1]}) in {question.settings.region}"
        remedy = 'Or under [network]: nat = false, or release one: aws ec2 describe-addresses --query "Addresses[]"'
        yield from _one_more(question, ADDRESSES, what, lambda: ec2.describe_addresses()["Addresses"], remedy)


def vpc_quota(question: Question) -> Iterator[Finding]:
    """The stack's VPC, unless it uses an existing one."""
    if question.settings.network.vpc:
        return
    ec2 = question.client("ec2")
    what = f"VPC quota ({NETWORKS[1]}) in {question.settings.region}"
    remedy = "Or delete an unused one: aws ec2 describe-vpcs"
    yield from _one_more(question, NETWORKS, what, lambda: list(ec2.pages("describe_vpcs", "Vpcs")), remedy)


def _one_more(
    question: Question,
    code: tuple[str, str],
    what: str,
    ask: Callable[[], list[dict[str, Any]]],
    remedy: str,
) -> Iterator[Finding]:
    quota, present = _all(question, lambda: _quota(question, code), ask)
    used = len(list(_of_others(question, present)))
    if used + 1 > quota:
        raised = _increase(question, code, used + 1)
        yield Finding(what, f"{quota:g}, {used} in use; this stack needs 1", f"{raised} {remedy}")


def _all(question: Question, *asks: Callable[[], Any]) -> list[Any]:
    return question.session.each(lambda ask: ask(), asks)


def _quota(question: Question, code: tuple[str, str]) -> float:
    """The account's own value, or AWS's for everybody where it has none."""
    quotas, named = question.client("service-quotas"), {"ServiceCode": code[0], "QuotaCode": code[1]}
    try:
        return float(quotas.get_service_quota(**named)["Quota"]["Value"])
    except AwsRefusal as refusal:
        if refusal.code != "NoSuchResourceException":
            raise
        return float(quotas.get_aws_default_service_quota(**named)["Quota"]["Value"])


def _of_others(question: Question, present: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Resources that do not belong to this stack: `doctor` may run when the stack exists."""
    own = {"Key": TAG_STACK, "Value": question.settings.stack.tag}
    return (one for one in present if own not in one.get("Tags", ()))


def _cores(instance: Mapping[str, Any]) -> int:
    options = instance.get("CpuOptions", {})
    return int(options.get("CoreCount", 1)) * int(options.get("ThreadsPerCore", 1))


def _increase(question: Question, code: tuple[str, str], value: int) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --region {question.settings.region} "
        f"--service-code {code[0]} --quota-code {code[1]} --desired-value {value}"
    )
