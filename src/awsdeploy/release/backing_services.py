"""Databases, caches and brokers that the services need and the stack does not have: notes before the build."""

from __future__ import annotations

from collections.abc import Iterable

from awsdeploy.config import Service
from awsdeploy.config.project.backing_services import Need, unset
from awsdeploy.errors import next_command
from awsdeploy.release.description import described
from awsdeploy.release.environment import Listing
from awsdeploy.release.source import Source


def notes(listing: Listing, source: Source, services: Iterable[Service]) -> list[str]:
    """Return a note for each that has no address in a variable. `listing` is asked only if there may be some."""
    tree = described(source)
    found = {one.name: unset(tree, one.directory, one.variables) for one in services}
    if not any(found.values()) or (variables := listing()) is None:
        return []
    known = [(one.folder, one.name) for one in variables if one.theirs]
    return [
        f"{name}: {need.path} has {need.shown_by}, but {need.service.absence}. {remedy(name, need)}"
        for name, needs in found.items()
        for need in needs
        if not any(folder == name and need.service.is_named(variable) for folder, variable in known)
    ]


def remedy(service: str, need: Need) -> str:
    """Return the sentence with what to do about a need of a service."""
    if not need.service.address:
        return "Its file is lost with each release: use MySQL"
    name, _, value = need.service.address.partition("=")
    command = next_command("env", "set", service, f"{name}={value}")
    return f"To use one elsewhere, set the variable that the program reads: {command}"
