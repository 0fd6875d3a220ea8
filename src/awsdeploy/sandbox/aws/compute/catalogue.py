"""Machine images and instance types: only what is asked for is read from moto's large catalogues."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models.amis import Ami
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
from moto.utilities import utils as resources

from awsdeploy.sandbox.aws import before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World

NAMED = re.compile(r"amzn2-ami-kernel-5\.10-hvm-x86_64-gp2|amzn2-ami-hvm-x86_64-gp2|al2023-ami-kernel-default-x86_64")


@dataclass
class Catalogue:
    """The regions whose images have been registered."""

    regions: set[str] = field(default_factory=set)


@before("ec2:DescribeInstanceTypeOfferings", "ec2:RunInstances", "ec2:ModifyInstanceAttribute", "ec2:CreateFleet")
def read_offerings(world: World, call: ApiCall) -> None:
    for kind, offered in INSTANCE_TYPE_OFFERINGS.items():
        if not offered.get(call.region):
            with contextlib.suppress(FileNotFoundError):
                rows = resources.load_resource(f"ec2/resources/instance_type_offerings/{kind}/{call.region}.json")
                offered[call.region] = [{**row, "LocationType": kind} for row in rows]


@before("ec2:DescribeImages", "ec2:RunInstances", "ec2:CreateLaunchTemplate")
def register_images(world: World, call: ApiCall) -> None:
    regions = world.of(Catalogue).regions
    if call.region in regions:
        return
    regions.add(call.region)
    backend = world.moto("ec2", call.region)
    for image in _named(call.region):
        if image["ami_id"] not in backend.amis:
            backend.amis[image["ami_id"]] = Ami(backend, region_name=f"{call.region}a", **image)


def _named(region: str) -> list[Mapping[str, Any]]:
    try:
        parameters = resources.load_resource(f"ssm/resources/ami-amazon-linux-latest/{region}.json")
        images = resources.load_resource(f"ec2/resources/latest_amis/{region}.json")
    except FileNotFoundError:
        return []
    wanted = {one["Value"] for one in parameters if NAMED.search(one["Name"])}
    return [image for image in images if image["ami_id"] in wanted]
