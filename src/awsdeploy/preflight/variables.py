"""Check of the variables in config.toml for texts that look like secrets. Makes no call."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.config.templates import is_secret
from awsdeploy.errors import next_command
from awsdeploy.preflight.finding import Finding, Question


def secrets_in_config(question: Question) -> Iterator[Finding]:
    """A finding for each text that looks like a secret. It never contains the text."""
    for service in question.settings.services.values():
        for name, template in service.variables.items():
            if is_secret(name, template):
                yield Finding(
                    f"services.{service.name}.variables.{name}",
                    "a text that looks like a secret, in a file that is committed to git",
                    f"remove the line; after `up` store the value encrypted: "
                    f"{next_command('env', 'set', service.name, name)}",
                    fatal=False,
                )
