"""The daily images of the machines. The database's own backups are a setting of the database."""

from __future__ import annotations

from awsdeploy.config import Settings
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.backup.lifecycle import LifecyclePolicy, statements
from awsdeploy.resources.identity.role import Role


class Backups:
    """A policy that finds the machines by their tag, and so waits for none of them; nothing where it is off."""

    def __init__(self, settings: Settings) -> None:
        self.resources: list[Resource] = []
        if not settings.backup.images:
            return
        tag = settings.stack.tag
        limit = settings.iam.permissions_boundary
        role = Role(
            key="backup/role",
            service="dlm.amazonaws.com",
            source="arn:aws:dlm:{region}:{account}:policy/*",  # EBS User Guide, roles of Data Lifecycle Manager
            statements=statements(tag),
            boundary=limit,
        )
        wanted = settings.backup
        images = LifecyclePolicy(key="backup/images", role=role, at=wanted.at, count=wanted.keep_images)
        self.resources += [role, images]
