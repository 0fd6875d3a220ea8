"""Variables that config.toml makes of others: names that nobody has set, and texts that look like secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from awsdeploy.config import Service, Settings
from awsdeploy.config.templates import is_secret, used
from awsdeploy.errors import Refused, next_command
from awsdeploy.release.environment import Listing, computed


def need_known(listing: Listing, settings: Settings, services: Iterable[Service]) -> None:
    """Raise `Refused` if a template names a variable that nobody has set.

    `listing` is asked only if it may know the name.
    """
    unsure = [one for one in services if any(_missing(one, _ours(settings, one)))]
    if not unsure or (variables := listing()) is None:
        return  # what cannot be listed, the machine finds
    for service in unsure:
        known = _ours(settings, service) | {
            one.name for one in variables if one.folder == service.name and not one.build
        }
        if missing := list(_missing(service, known)):
            raise Refused(
                "\n".join(f"services.{service.name}.variables.{of}: {{{name}}} is not set." for of, name in missing),
                f"Nothing was sent. To set it: {next_command('env', 'set', service.name, missing[0][1])}\n"
                f"Names that {service.name} has: {', '.join(sorted(known))}",
            )


def _missing(service: Service, known: set[str]) -> Iterator[tuple[str, str]]:
    """Each variable of config.toml that needs a name which is not known, with that name."""
    for name, template in service.variables.items():
        yield from ((name, one) for one in used(template) if one not in known)


def _ours(settings: Settings, service: Service) -> set[str]:
    return {*computed(settings, service), *settings.stored_variables(service)}


def secret_notes(services: Iterable[Service]) -> Iterator[str]:
    """A note for each text that looks like a secret. It never contains the text."""
    for service in services:
        for name, template in service.variables.items():
            if is_secret(name, template):
                yield (
                    f"services.{service.name}.variables.{name} in config.toml looks like a secret, and config.toml is "
                    f"in git. Remove the line and store the value encrypted: "
                    f"{next_command('env', 'set', service.name, name)}"
                )


def changed(current: object, service: Service) -> bool:
    """Check whether the variables of a service's current release, by its manifest, differ from config.toml."""
    known = current.get("variables", {}) if isinstance(current, dict) else None
    return known is not None and known != dict(service.variables)
