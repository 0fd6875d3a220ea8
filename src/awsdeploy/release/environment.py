"""The environment of the services: what their owner has set, and what awsdeploy provides.

Values are SecureStrings in Parameter Store, `/deploy/<name>/<environment>/<service>/<NAME>`, or one folder further
down, `build/`, for what only the install and the build may see. A value is handed on and never kept. The on-instance
program reads them; a change reaches running processes when they begin anew, which is no concern of this module.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from awsdeploy.aws.session import AnswerLost, AwsRefusal, tolerate
from awsdeploy.config import Service, Settings
from awsdeploy.config.templates import is_secret
from awsdeploy.engine.resource import TAG_STACK
from awsdeploy.engine.run import Run
from awsdeploy.errors import Refused, UsageError, next_command
from awsdeploy.release.env_file import NAME
from awsdeploy.release.manifest import environment
from awsdeploy.resources.compute.parameter import BATCH, BY_ENV, SHARED, TAG_SET, set_tags

# AWS: Parameter Store's tiers, in bytes, and what one of the larger kind costs a month in US dollars.
STANDARD, ADVANCED = 4096, 8192
ADVANCED_MONTHLY = 0.05

BUILD = "build"
AT_BUILD = "NEXT_PUBLIC_"
"""Prefix of the variables that Next.js writes into the pages when it builds them."""

CONFIG = "config.toml"
"""Origin of the variables that config.toml makes of others."""

PASSWORDS = ("DB_PASSWORD", "DATABASE_URL")
"""Variables that give a service the password of an existing database."""

Origin = Literal["set", "stack", "hand"]


@dataclass(frozen=True)
class Variable:
    """A value in Parameter Store, without the value. `origin`: by `env set`, the stack's own, or made by hand."""

    path: str
    folder: str
    name: str
    build: bool
    origin: Origin
    type: str
    tier: str
    by: str
    at: datetime | None

    @property
    def theirs(self) -> bool:
        """True if the owner has set the variable."""
        return self.origin != "stack"


def need_database_password(listing: Listing, settings: Settings, services: Iterable[Service]) -> None:
    """Raise `Refused` for a service that connects to an existing database and whose owner has not set its password.

    Credentials that may not list parameters, as those of CI, are not asked.
    """
    id = settings.database.instance
    users = [one for one in services if one.name in settings.database_users] if id else []
    if not users or (listed := listing()) is None:
        return
    known = {(one.folder, one.name) for one in listed}
    for one in users:
        if not any((one.name, name) in known or name in one.variables for name in PASSWORDS):
            raise Refused(
                f"{one.name} connects to the database {id}, and its password is not set.",
                f"Set it, without showing it: {next_command('env', 'set', one.name, 'DB_PASSWORD')}",
            )


def path_of(run: Run, service: str, name: str, build: bool) -> str:
    return run.stack.parameter(f"{service}/{BUILD}/{name}" if build else f"{service}/{name}")


Listing = Callable[[], Sequence[Variable] | None]
"""Gives all variables in the stack's folders; None if the credentials may not list them, as those of CI."""


def listed_once(run: Run) -> Listing:
    """Return a listing for several checks: the first that needs it asks AWS, the others get the same answer."""

    @functools.cache
    def listing() -> Sequence[Variable] | None:
        try:
            return stored(run)
        except AwsRefusal:
            return None

    return listing


def stored(run: Run) -> list[Variable]:
    """Return all variables in the stack's folders. AWS's list shows no tags, so tagged ones are listed separately."""
    ours = {"Key": f"tag:{TAG_STACK}", "Values": [run.stack.tag]}
    by_env = {"Key": f"tag:{TAG_SET}", "Values": [BY_ENV]}
    everything, tagged, by_us = run.session.each(lambda more: _listed(run, more), [[], [ours], [ours, by_env]])
    found = []
    for path, one in everything.items():
        folder, *between, name = path.removeprefix(run.stack.parameter("")).split("/")
        if between not in ([], [BUILD]) or not folder or folder == name:
            continue  # the stack's record has no folder
        origin: Origin = "set" if path in by_us else "stack" if path in tagged else "hand"
        found.append(
            Variable(
                path=path,
                folder=folder,
                name=name,
                build=bool(between),
                origin=origin,
                type=one["Type"],
                tier=one.get("Tier", "Standard"),
                by=person(one.get("LastModifiedUser", "")),
                at=one.get("LastModifiedDate"),
            )
        )
    return sorted(found, key=lambda one: (one.folder, one.build, one.name))


def _listed(run: Run, more: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    place = {"Key": "Path", "Option": "Recursive", "Values": [run.stack.parameter("").rstrip("/")]}
    ssm = run.client("ssm")
    pages = ssm.pages("describe_parameters", "Parameters", ParameterFilters=[place, *more], MaxResults=50)
    # The record and the lock are outside of the folders.
    return {one["Name"]: one for one in pages if "/" in one["Name"].removeprefix(run.stack.parameter(""))}


def person(arn: str) -> str:
    """Person behind an ARN: `ann` of a user, `Admin/ann` of a role that ann has assumed."""
    return arn.partition("/")[2] or arn


def values(run: Run, variables: Sequence[Variable]) -> dict[str, str]:
    """Return the decrypted values, by path. Only for commands that show them to the user."""
    paths = [one.path for one in variables]
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    ssm = run.client("ssm")
    answers = run.session.each(lambda batch: ssm.get_parameters(Names=batch, WithDecryption=True), batches)
    return {one["Name"]: one["Value"] for answer in answers for one in answer["Parameters"]}


def provided(settings: Settings, service: Service) -> Mapping[str, str]:
    """Variables of a service besides the parameters in its folder: name and origin. Those of config.toml win."""
    mapped = {
        name: f"{CONFIG}: {'looks like a secret' if is_secret(name, template) else _on_a_line(template)}"
        for name, template in service.variables.items()
    }
    return dict(sorted({**computed(settings, service), **mapped}.items()))


def _on_a_line(text: str) -> str:
    return text if text.isprintable() and text == text.strip() != "" else json.dumps(text, ensure_ascii=False)


def computed(settings: Settings, service: Service) -> Mapping[str, str]:
    """Variables that awsdeploy provides for a service besides the parameters in its folder: name and origin."""
    site, uploads = "the application's URL, at build time", "the uploads bucket, at build time"
    found = environment(settings, service, "the release", site, uploads)
    if service.name in settings.database_users:
        found |= dict.fromkeys(("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER"), "the database")
        if not settings.database.instance:  # its owner has the password
            found["DB_PASSWORD"] = "the database"  # noqa: S105  # where it is from
        found["DATABASE_URL"] = "the DB_ parameters"
        found["DB_SSL_CA"] = "the database"
    return dict(sorted(found.items()))


def shadowed(settings: Settings, service: str, name: str, build: bool = False) -> str:
    """Origin of a name without a value of the owner's, or nothing if neither awsdeploy nor config.toml has one."""
    known = settings.services.get(service)
    return "" if known is None or build else provided(settings, known).get(name, "")


def overrides(where: str) -> str:
    """Sentence part for a value of the owner's: the value of this origin has no effect."""
    return f"overrides {where if where.startswith(CONFIG) else f'the value that awsdeploy provides ({where})'}"


def check_name(name: str, what: str) -> None:
    """Raises `UsageError` for `what`, which is to be a name. Never says it: it may be a value in the wrong place."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{what} is not a valid name of an environment variable.",
            "Write NAME or NAME=VALUE. A name consists of letters, digits and _, and does not begin with a digit.",
        )


def check(what: str, value: str, advanced: bool = False) -> None:
    """Raises `UsageError` for what the environment or Parameter Store cannot hold. Never says the value.

    `what` says to people which one it is: its name, or its line in a file.
    """
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not valid UTF-8 text.", "Nothing was set.") from None
    if "\0" in value:
        raise UsageError(f"{what} has a NUL character, which no environment variable can have.", "Nothing was set.")
    if not value:
        raise UsageError(
            f"{what} is empty, but Parameter Store does not accept empty values.", "To remove it: env unset"
        )
    if size > ADVANCED:
        raise UsageError(
            f"{what} has {size:,} bytes; the limit of Parameter Store is {ADVANCED:,}.", "Store it in a file instead."
        )
    if size > STANDARD and not advanced:
        raise UsageError(
            f"{what} has {size:,} bytes; the limit of a standard parameter is {STANDARD:,}.",
            f"With --advanced the limit is {ADVANCED:,} bytes, for ${ADVANCED_MONTHLY:.2f} a month each.",
        )


def check_known(variable: Variable, force: bool) -> None:
    """Raise `Refused` if the existing value must not be overwritten."""
    if variable.origin == "stack" and not force:
        raise Refused(
            f"{variable.name} of {variable.folder} is set by awsdeploy: its value would be lost.",
            f"--force overwrites it. If it is not a secret, {next_command('up')} restores it.",
        )
    if variable.origin == "hand" and variable.type != "SecureString":
        unset = next_command("env", "unset", variable.folder, variable.name, *["--build"] * variable.build)
        raise Refused(
            f"{variable.path} was created manually and is not encrypted; AWS cannot change that.",
            f"Remove it first: {unset}",
        )


def put(run: Run, path: str, value: str, known: Variable | None, description: str = "") -> None:
    """Store a value that was checked. It gets the stack's tags, so `destroy` deletes it."""
    try:
        _put(run, path, value, known, description)
    except AnswerLost:
        _put(run, path, value, known, description)


def _put(run: Run, path: str, value: str, known: Variable | None, description: str) -> None:
    ssm = run.client("ssm")
    tags = set_tags(run.stack, path.removeprefix(run.stack.parameter("")))
    # AWS: a parameter of the larger tier cannot become one of the smaller.
    larger = len(value.encode()) > STANDARD or (known is not None and known.tier == "Advanced")
    wanted = {
        "Name": path,
        "Value": value,
        "Type": known.type if known else "SecureString",
        "Tier": "Advanced" if larger else "Standard",
        **({"Description": description} if description else {}),
    }
    if known is None:
        try:
            ssm.put_parameter(**wanted, Tags=tags)
            return
        except AwsRefusal as refusal:
            if refusal.code != "ParameterAlreadyExists":
                raise
    # AWS takes no tags together with Overwrite.
    ssm.put_parameter(**wanted, Overwrite=True)
    if known is None or known.theirs:
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=path, Tags=tags)


def remove(run: Run, variable: Variable) -> None:
    """Raises `Refused` for what is the stack's own."""
    if not variable.theirs:
        raise Refused(
            f"{variable.name} of {variable.folder} is set by awsdeploy, and the program needs it.",
            f"To use another value: {next_command('env', 'set', variable.folder, variable.name, '--force')}",
        )
    with tolerate("ParameterNotFound"):
        run.client("ssm").delete_parameter(Name=variable.path)


def folders(settings: Settings, variables: Sequence[Variable]) -> list[str]:
    """Return the services, and the folders of services that no longer exist."""
    others = {one.folder for one in variables} - {SHARED, *settings.services}
    return [*settings.services, *sorted(others)]
