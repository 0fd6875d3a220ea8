"""The daily images of the machines. The database's own backups are a setting of the database."""

from __future__ import annotations

from awsdeploy.config import Settings
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.backup.lifecycle import LifecyclePolicy, statements
from awsdeploy.resources.identity.role import Role


def backups(settings: Settings) -> tuple[Resource, ...]:
    """A policy that finds the machines by their tag, and so waits for none of them; nothing where it is off."""
    wanted = settings.backup
    if not wanted.images:
        return ()
    role = Role(
        key="backup/role",
        service="dlm.amazonaws.com",
        source="arn:aws:dlm:{region}:{account}:policy/*",  # EBS User Guide, roles of Data Lifecycle Manager
        statements=statements(settings.stack.tag),
        boundary=settings.iam.permissions_boundary,
    )
    return role, LifecyclePolicy(key="backup/images", role=role, at=wanted.at, count=wanted.keep_images)
