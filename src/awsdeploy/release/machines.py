"""The machines as people speak of them: what each is called, what it is for, and what runs on it."""

from __future__ import annotations

from dataclasses import dataclass

from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import TAG_RESOURCE, TAG_STACK
from awsdeploy.engine.run import Run
from awsdeploy.resources.compute.machine import SERVICE, FailedRelease, failed_release_of, is_member, release_of


@dataclass(frozen=True)
class ReleaseMachine:
    """A machine of the stack. `name` is `backend-1`; the machine of an Auto Scaling group has its id as its name.

    `release` is the one that runs there, empty before the first.
    """

    id: str
    name: str
    service: str
    state: str
    release: str
    failed: FailedRelease | None = None


def machines(run: Run) -> list[ReleaseMachine]:
    """Return all machines that are not terminated, also those of Auto Scaling groups, by name."""
    filters = [{"Name": f"tag:{TAG_STACK}", "Values": [run.stack.tag]}]
    found = []
    for reservation in run.client("ec2").pages("describe_instances", "Reservations", Filters=filters):
        for one in reservation["Instances"]:
            tags = tags_to_dict(one.get("Tags"))
            id, state = one["InstanceId"], one["State"]["Name"]
            name = id if is_member(one.get("Tags")) else tags.get(TAG_RESOURCE, "").partition("/")[2] or id
            if state != "terminated":
                said = release_of(one.get("Tags")), failed_release_of(id, one.get("Tags"))
                found.append(ReleaseMachine(id, name, tags.get(SERVICE, ""), state, *said))
    return sorted(found, key=lambda one: (one.service, one.name))
