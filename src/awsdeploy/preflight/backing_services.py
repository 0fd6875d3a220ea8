"""Check of the services' code for databases, caches and brokers that the stack does not have. Makes no call."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.config.project import backing_services as project
from awsdeploy.config.project import on_disk, top
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.release.backing_services import remedy


def backing_services(question: Question) -> Iterator[Finding]:
    """A finding for each that a service needs, if the code is in the repository around config.toml."""
    root = top(question.folder) if question.folder else None
    if root is None or not (root / ".git").exists():
        return
    tree = on_disk(root)
    for service in question.settings.services.values():
        for need in project.unset(tree, service.directory, service.variables):
            yield Finding(
                f"{need.service.name} of {service.name}",
                f"{need.path} has {need.shown_by}, but {need.service.absence}",
                remedy(service.name, need),
                fatal=False,
            )
