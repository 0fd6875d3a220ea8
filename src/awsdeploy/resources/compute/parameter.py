"""Parameters of the services in Parameter Store: plain values from other resources, and generated secrets.

Their names are `/deploy/<name>/<environment>/<path>`, and they have the stack's tag. Parameters without the tag were
created by hand and are never changed. Those of `awsdeploy env` have one more tag: `destroy` deletes them, and `up` does
not change their values. A secret is generated in the call that stores it, and is stored nowhere else.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    TAG_GENERATION,
    TAG_RESOURCE,
    TAG_STACK,
    TIMELESS,
    UNKNOWN,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    Stack,
)
from awsdeploy.errors import AwsFailure, next_command
from awsdeploy.resources import tag_calls

PASSWORD_LENGTH = 32
ALPHABET = string.ascii_letters + string.digits  # RDS refuses / @ " and spaces; no shell or URL needs quoting
PASSWORD_VERSION = "awsdeploy:incarnation"  # noqa: S105  # the name of a tag
SHARED = "database"
"""Folder of parameters of more than one service. Every other folder is a service's, and its keys are the machines'."""
BATCH = 10  # AWS: names in one GetParameters
TAG_SET, BY_ENV = "awsdeploy:set", "env"
"""Tag of a value that the owner has set with `awsdeploy env`, not the stack itself."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredParameter(Resource):
    """Base of both kinds: the key gives the path, and the name and the stack's tag give the key.

    `database/DB_HOST` is in the folder `database`, `machines/backend/S3_BUCKET` in `backend`.
    """

    abstract = True
    tagging = tag_calls.PARAMETER
    idempotency = Idempotency.NAME
    immediate = True
    deletion = Deletion(immediate=True)
    arns = (":parameter/",)

    def name(self, aws: Aws) -> str:
        return aws.stack.parameter(self.key.removeprefix("machines/"))

    @classmethod
    def described(cls, aws: Aws, type: str, by_owner: bool) -> list[Observed]:
        """The stack's parameters of a type that are set by the owner, or not."""
        folder = aws.stack.parameter("")
        return [
            Observed(cls, _key(one["Name"].removeprefix(folder)), one["Name"], TIMELESS, raw=one, region=aws.region)
            for one, its_owners in aws.listed(_parameters)
            if (one["Type"], its_owners) == (type, by_owner)
        ]

    def conflict(self, aws: Aws) -> str:
        """Report an existing parameter of this name that is not ours, or that cannot be replaced."""
        name = self.name(aws)
        if any(one.id == name for one in aws.all(type(self))):
            return (
                f"{name} cannot be replaced, because its name is fixed. Delete it, then run without --replace: "
                f"{next_command('up')}"
            )
        if name not in aws.once(_names_in_use):
            return ""
        with tolerate("InvalidResourceId"):
            answer = aws.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)
            if {"Key": TAG_STACK, "Value": aws.stack.tag} not in answer["TagList"]:
                return f"The parameter {name} exists and was not created by awsdeploy: rename or delete it."
            if {"Key": TAG_SET, "Value": BY_ENV} in answer["TagList"]:
                service, variable = name.split("/")[-2:]
                unset = next_command("env", "unset", service, variable)
                return f"{name} was set with `env set`, but awsdeploy provides this variable. To unset it: {unset}"
        return ""

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        def delete_all(names: Sequence[str]) -> None:  # AWS tells those that are gone already, and does not refuse
            aws.ssm.delete_parameters(Names=list(names))

        aws.together("parameters", observed.id, delete_all, most=BATCH)


@dataclass(frozen=True, eq=False, kw_only=True)
class Parameter(StoredParameter):
    """A plain value: `value`, or the id of the `source`, or the value at the path `at` of what AWS reports about it."""

    value: str = ""
    source: Resource | None = None
    at: tuple[str, ...] = ()

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """Parameters with their values, ten names a call."""
        found = {one.id: one for one in cls.described(aws, "String", by_owner=False)}
        names = sorted(found)
        batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
        for answer in aws.each(lambda batch: aws.ssm.get_parameters(Names=batch), batches):
            for one in answer["Parameters"]:
                observed = found[one["Name"]]
                yield Observed(
                    cls,
                    observed.key,
                    observed.id,
                    TIMELESS,
                    raw={**observed.raw, "Value": one["Value"]},
                    region=observed.region,
                )

    def create(self, aws: Aws) -> str | Observed:
        name, value = self.name(aws), self._known(aws)
        with tolerate("ParameterAlreadyExists"):
            made = aws.ssm.put_parameter(Name=name, Value=value, Type="String", Tags=aws.tags(self))
            return aws.made(self, name, {"Name": name, "Value": value, "Version": made["Version"]})
        return name

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present, wanted = observed.raw["Value"], self._wanted(aws)
        if present != wanted:

            def put() -> None:
                aws.ssm.put_parameter(Name=observed.id, Value=self._known(aws), Type="String", Overwrite=True)

            yield Change("value", present, wanted, put)

    def _wanted(self, aws: Aws) -> Any:
        if self.source is None:
            return self.value
        source = aws[self.source]
        found: Any = source.raw if self.at else source.id
        for name in self.at:
            found = found.get(name, UNKNOWN)
        return found if found is UNKNOWN else str(found)

    def _known(self, aws: Aws) -> str:
        """Raises `AwsFailure` where AWS does not say yet what the value is to be."""
        if (wanted := self._wanted(aws)) is UNKNOWN:
            of = self.source.key if self.source else self.key
            raise AwsFailure(f"AWS did not return {'.'.join(self.at)} of {of}.", "Run the same command again.")
        return str(wanted)


@dataclass(frozen=True, eq=False, kw_only=True)
class EnvironmentValue(StoredParameter):
    """Value that the owner sets with `awsdeploy env set`: `up` never creates, corrects or deletes it."""

    title = "environment value"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for observed in cls.described(aws, "SecureString", by_owner=True):
            yield replace(observed, key=set_key(observed.id.removeprefix(aws.stack.parameter(""))))


def set_key(path: str) -> str:
    """The key of a value that is set at `path`: another than that of a parameter of the stack's own in its place."""
    folder, _, name = path.partition("/")
    return f"machines/{folder}/environment/{name}"


def set_tags(stack: Stack, path: str) -> list[dict[str, str]]:
    """The tags of a value that is set at `path`, `backend/API_KEY` or `backend/build/NPM_TOKEN`."""
    return [
        {"Key": "Name", "Value": f"{stack.slug}/{set_key(path)}"},
        {"Key": TAG_STACK, "Value": stack.tag},
        {"Key": TAG_RESOURCE, "Value": set_key(path)},
        {"Key": TAG_GENERATION, "Value": TIMELESS},
        {"Key": TAG_SET, "Value": BY_ENV},
        *stack.own_tags,
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class Password(StoredParameter):
    """A random secret, as a SecureString.

    Its `awsdeploy:incarnation` tag is a random word, not the secret: what uses the password carries a
    copy, which shows whether it was given this one.
    """

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        return cls.described(aws, "SecureString", by_owner=False)

    def create(self, aws: Aws) -> str | Observed:
        name = self.name(aws)
        word = secrets.token_hex(8)
        tags = [*aws.tags(self), {"Key": PASSWORD_VERSION, "Value": word}]
        with tolerate("ParameterAlreadyExists"):
            made = aws.ssm.put_parameter(
                Name=name,
                Value="".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH)),
                Type="SecureString",
                Tags=tags,
            )
            return aws.made(self, name, {"Name": name, "Version": made["Version"], PASSWORD_VERSION: word})
        return name


def _parameters(aws: Aws) -> list[tuple[dict[str, Any], bool]]:
    """All of the stack's parameters, and whether the owner has set each. Their tags are not asked for one by one.

    AWS has no filter for a tag that is not there, so the owner's are listed apart. After all of them, so that none is
    missed: what is taken for a password, `up` may remove.
    """
    found = _with_tags(aws, {f"tag:{TAG_STACK}": aws.stack.tag})
    by_owner = {one["Name"] for one in _with_tags(aws, {f"tag:{TAG_STACK}": aws.stack.tag, f"tag:{TAG_SET}": BY_ENV})}
    return [(one, one["Name"] in by_owner) for one in found]


def _with_tags(aws: Aws, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Parameters in folders below the stack's: its own record and lock have no folder."""
    folder = aws.stack.parameter("")
    filters = [
        {"Key": "Path", "Option": "Recursive", "Values": [folder.rstrip("/")]},
        *({"Key": key, "Values": [value]} for key, value in tags.items()),
    ]
    found = aws.ssm.pages("describe_parameters", "Parameters", ParameterFilters=filters, MaxResults=50)
    return [one for one in found if "/" in one["Name"].removeprefix(folder)]


def _names_in_use(aws: Aws) -> set[str]:
    """All names in the stack's folder, whoever has created them."""
    folder = {"Key": "Path", "Option": "Recursive", "Values": [aws.stack.parameter("").rstrip("/")]}
    return {one["Name"] for one in aws.ssm.pages("describe_parameters", "Parameters", ParameterFilters=[folder])}


def reveal(aws: Aws, password: Password) -> str:
    """The secret itself, for the one call that needs it. Never keep it."""
    answer = aws.ssm.get_parameter(Name=aws[password].id, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def password_version(aws: Aws, password: Password) -> str:
    """Version of the password, without the password: it differs after every change of the parameter."""
    observed = aws[password]
    if observed is UNKNOWN:
        return str(UNKNOWN)
    word = observed.raw.get(PASSWORD_VERSION)
    if word is None:
        answer = aws.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=observed.id)
        word = tags_to_dict(answer["TagList"]).get(PASSWORD_VERSION, "")
    return f"{word}.{observed.raw['Version']}"


def _key(path: str) -> str:
    """The key of the resource whose parameter is at `path`."""
    return path if path.partition("/")[0] == SHARED else f"machines/{path}"
