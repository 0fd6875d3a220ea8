"""A service control policy of the account's organisation: what a thing must be made with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.sandbox.server.authorization import TAG_FIELDS
from awsdeploy.sandbox.server.call import ApiCall

MAKES = re.compile("Create|Run|Allocate|Request|Restore|Authorize|PutParameter$|PutMetricAlarm$")
LATER = {"ec2:CreateTags", "autoscaling:CreateOrUpdateTags", "ec2:CreateLaunchTemplateVersion"}
"""Tag what is there, or make a part of what is there."""
ACCOUNTS = {"iam:CreateOpenIDConnectProvider", "iam:CreatePolicy"}
"""Make what belongs to the account, not to a stack."""


@dataclass(frozen=True)
class Organisation:
    """Everything new carries these `tags` (keys), every role has this `boundary`; nothing is demanded where empty."""

    tags: tuple[str, ...] = ()
    boundary: str = ""

    def refuses(self, call: ApiCall) -> bool:
        bounded = call.parameters.get("PermissionsBoundary") == self.boundary
        if call.name == "iam:CreateRole" and self.boundary and not bounded:
            return True
        return bool(self.tags) and any(not {*self.tags} <= keys for keys in made_with(call))


def made_with(call: ApiCall) -> Iterator[set[str]]:
    """The tag keys of each thing that a call makes, as `aws:RequestTag` sees them; nothing of what takes no tags."""
    parameters = call.parameters
    if not MAKES.match(call.operation) or call.name in LATER | ACCOUNTS or parameters.get("Overwrite"):
        return
    taken = set(call.model.input_shape.members) if call.model.input_shape else set()
    if call.name == "s3:CreateBucket":
        yield _keys((parameters.get("CreateBucketConfiguration") or {}).get("Tags"))
    elif call.service == "ec2" and "TagSpecifications" in taken:
        specified = parameters.get("TagSpecifications") or [{}]
        yield from (_keys(one.get("Tags")) for one in specified)
        launched = parameters.get("LaunchTemplateData") or {}
        yield from (_keys(one.get("Tags")) for one in launched.get("TagSpecifications", ()))
    elif fields := [field for field in TAG_FIELDS[1:] if field in taken]:
        yield _keys(parameters.get(fields[0]))


def _keys(tags: Any) -> set[str]:
    """The keys of tags, however the service writes them."""
    if isinstance(tags, Mapping):
        return set(tags)
    return {str(tag.get("Key", tag.get("key", ""))) for tag in tags or ()}
