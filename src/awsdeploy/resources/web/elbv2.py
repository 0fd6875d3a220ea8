"""Tags and attributes, as Elastic Load Balancing shows and changes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import Aws, Change, Resource


def tagged(
    aws: Aws, found: Sequence[dict[str, Any]], arn: str
) -> Iterator[tuple[dict[str, Any], list[dict[str, str]]]]:
    """Each object with its tags. AWS: DescribeTags takes 20 ARNs a call."""
    for start in range(0, len(found), 20):
        part = {one[arn]: one for one in found[start : start + 20]}
        with tolerate("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound"):
            for described in aws.elbv2.describe_tags(ResourceArns=list(part))["TagDescriptions"]:
                yield part[described["ResourceArn"]], described["Tags"]


def attribute_changes(
    aws: Aws, resource: Resource, present: Iterable[Mapping[str, str]], wanted: Mapping[str, str], modify: Any
) -> Iterator[Change]:
    """Differences of ELB attributes; all of them are changed in one call."""
    values = {one["Key"]: one.get("Value", "") for one in present}
    compared = {key: value for key, value in wanted.items() if key not in values or not aws.ignores(resource, key)}
    wrong = [{"Key": key, "Value": value} for key, value in compared.items() if values.get(key, "") != value]
    apply = partial(modify, Attributes=wrong)
    for one in wrong:
        yield Change(one["Key"], values.get(one["Key"]), one["Value"], apply)
