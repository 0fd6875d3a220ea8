"""A cloud in a dictionary and the kinds of its resources: tests of the engine need no AWS.

The cloud replaces botocore's clients, so the session's own rules (what is sent again, what is a lost answer) are
tested too. A test can make it eventually consistent, refuse calls, lose answers, and kill the process at any write.
A status changes with each read, not with time.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError

from awsdeploy.aws.session import READS, AwsSession, tolerate
from awsdeploy.aws.waiting import Polling
from awsdeploy.engine import plan as planning
from awsdeploy.engine import teardown, up
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.plan import Plan, Step
from awsdeploy.engine.resource import (
    KINDS,
    TAG_GENERATION,
    TAG_RESOURCE,
    TAG_STACK,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Gate,
    Idempotency,
    Observed,
    Resource,
    Retained,
    Stack,
    TransientError,
    Wait,
)
from awsdeploy.engine.run import Run
from awsdeploy.state.record import State

NOBODY = 99_999_999  # no process has this number
REGION = "ap-northeast-2"


class Crash(BaseException):
    """End of the process: nothing may catch it."""


@dataclass
class Fault:
    """Fault of the next `times` calls of `operation` (on `kind`): refused, or the answer lost."""

    operation: str
    how: str = "refuse"  # "lose before", "lose after" the cloud has acted, or "die" then
    code: str = "InternalRefusal"
    text: str = "refused as told"
    kind: str = ""
    times: int = 1


@dataclass
class Thing:
    id: str
    kind: str
    tags: list[dict[str, str]]
    settings: dict[str, Any]
    token: str = ""
    region: str = REGION
    listed_from: float = 0.0  # monotonic clock, seconds
    coming: list[str] = field(default_factory=list)  # one status a look
    status: str = "available"
    reason: str = ""

    def tag(self, name: str) -> str:
        return next((tag["Value"] for tag in self.tags if tag["Key"] == name), "")


class Cloud:
    """All things, by id. One lock makes each call atomic, as in AWS."""

    def __init__(self) -> None:
        self.account = "111122223333"
        self.things: dict[str, Thing] = {}
        self.ever: set[str] = set()
        self.parameters: dict[str, list[str]] = {}
        self.faults: list[Fault] = []
        self.lag = 0.0  # seconds until a new thing is listed
        self.late = 0.0  # seconds by which every list is old
        self.in_turn = False  # whether every other list is not old after all
        self.history: list[tuple[float, dict[str, Thing]]] = []  # when a write came, and what there was before it
        self.pending: dict[str, list[str]] = {}  # the statuses a new thing of a kind goes through
        self.failed: dict[str, str] = {}  # kinds whose next thing fails, and why
        self.stubborn: set[str] = set()  # kinds that ignore changes
        self.healthy = True
        self.writes: list[str] = []
        self.refused: list[str] = []
        """Writes that the state of the cloud forbids."""
        self.looks = 0
        self.steps = 0
        self.crash_at = 0
        self.dead = False
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def of(self, kind: type[Resource]) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.kind == kind.__name__]

    def fails(self, operation: str, **more: Any) -> None:
        self.faults.append(Fault(operation, **more))

    def dies(self, at: int) -> None:
        """Kill the process at the n-th moment from now: before or after a write here or in the state file."""
        self.steps, self.crash_at = 0, at

    def hide(self, thing: Thing, seconds: float) -> None:
        thing.listed_from = time.monotonic() + seconds

    def moment(self) -> None:
        with self._lock:
            self.steps += 1
            if self.steps == self.crash_at:
                self.dead = True
            if self.dead:
                raise Crash

    def outlive(self) -> None:
        """The killed process is gone; another begins."""
        self.dead, self.crash_at = False, 0
        for name, versions in self.parameters.items():
            if name.endswith("/lock"):
                versions[-1] = json.dumps(json.loads(versions[-1]) | {"pid": NOBODY})

    def answer(self, method: str, parameters: dict[str, Any], region: str) -> dict[str, Any]:
        operation = _operation(method)
        with self._lock:
            if self.dead:
                raise Crash
            write = not operation.startswith(READS)
            kind = str(parameters.get("Kind") or getattr(self.things.get(parameters.get("Id", "")), "kind", ""))
            fault = self._fault(operation, kind)
            if fault and fault.how == "refuse":
                raise _error(operation, fault.code, fault.text)
            if fault and fault.how == "lose before":
                raise ConnectionClosedError(endpoint_url="cloud")
            if write:
                self.moment()
                self.history.append((time.monotonic(), copy.deepcopy(self.things)))
            where = {"Region": region} if method in ("create_thing", "describe_things") else {}
            try:
                result: dict[str, Any] = getattr(self, method)(**parameters, **where)
            except ClientError:
                self.refused.append(f"{operation} {kind}".strip())
                raise
            if write:
                self.writes.append(f"{operation} {kind}".strip())
                self.moment()
            if fault and fault.how == "die":
                self.dead = True
                raise Crash
            if fault:
                raise ConnectionClosedError(endpoint_url="cloud")
            return result

    def _fault(self, operation: str, kind: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.operation == operation and fault.kind in ("", kind):
                fault.times -= 1
                return fault
        return None

    def create_thing(
        self,
        Kind: str,
        Tags: list[dict[str, str]],
        Settings: dict[str, Any],
        Token: str = "",
        Name: str = "",
        Region: str = REGION,
    ) -> dict[str, Any]:
        for id in _words(Settings):
            if id in self.ever and id not in self.things:
                raise _error("CreateThing", "InvalidThing.NotFound", id)
        for thing in self.things.values():
            if Token and thing.token == Token:
                if thing.settings != Settings:
                    raise _error("CreateThing", "IdempotentParameterMismatch", "other values")
                return {"Id": thing.id}
        if Name in self.things:
            raise _error("CreateThing", "AlreadyExists", Name)
        id = Name or f"{Kind}-{next(self._numbers)}"
        coming = list(self.pending.get(Kind, ()))
        listed_from = time.monotonic() + self.lag
        status = coming[0] if coming else "available"
        thing = Thing(id, Kind, Tags, Settings, Token, Region, listed_from, coming, status)
        if Kind in self.failed:
            thing.status, thing.coming, thing.reason = "failed", [], self.failed.pop(Kind)
        self.things[id] = thing
        self.ever.add(id)
        return {"Id": id}

    def describe_things(self, Kind: str, Region: str = REGION) -> dict[str, Any]:
        listed = []
        old = self._old()
        things = self.things if old is None else old  # once there was nothing at all
        for thing in [thing for thing in things.values() if (thing.kind, thing.region) == (Kind, Region)]:
            if time.monotonic() < thing.listed_from:
                continue
            if thing.coming:
                thing.status = thing.coming.pop(0)
            if thing.status == "gone":
                self.things.pop(thing.id, None)
                continue
            listed.append(
                {"Id": thing.id, "Tags": thing.tags, "Status": thing.status, "Reason": thing.reason} | thing.settings
            )
        return {"Things": listed}

    def _old(self) -> dict[str, Thing] | None:
        """The things before the first write that is not visible yet."""
        self.looks += 1
        if self.in_turn and self.looks % 2 == 0:
            return None
        return next((things for at, things in self.history if at > time.monotonic() - self.late), None)

    def modify_thing(self, Id: str, Settings: dict[str, Any]) -> dict[str, Any]:
        thing = self._thing("ModifyThing", Id)
        if thing.kind not in self.stubborn:
            thing.settings = thing.settings | Settings
        return {}

    def delete_thing(self, Id: str) -> dict[str, Any]:
        thing = self._thing("DeleteThing", Id)
        for other in self.things.values():
            if Id in _words(other.settings):
                raise _error("DeleteThing", "DependencyViolation", f"{other.id} uses it")
        if thing.status != "deleting" and thing.kind in self.pending:
            thing.status, thing.coming = "deleting", ["deleting", "deleting", "gone"]
        elif thing.status != "deleting":
            del self.things[Id]
        return {}

    def _thing(self, operation: str, id: str) -> Thing:
        if id not in self.things:
            raise _error(operation, "InvalidThing.NotFound", id)
        return self.things[id]

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": self.account}

    def get_resources(self, TagFilters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found = [
            {"ResourceARN": f"arn:cloud:{thing.kind.lower()}/{thing.id}", "Tags": thing.tags}
            for thing in self.things.values()
            if time.monotonic() >= thing.listed_from and thing.tag(TAG_STACK) in TagFilters[0]["Values"]
        ]
        return {"ResourceTagMappingList": found}

    def put_parameter(
        self, Name: str, Value: str, Type: str, Overwrite: bool = False, Tags: Sequence[Any] = ()
    ) -> dict[str, Any]:
        if Name in self.parameters and not Overwrite:
            raise _error("PutParameter", "ParameterAlreadyExists", Name)
        assert Type == "String"
        assert not (Overwrite and Tags)
        versions = self.parameters.setdefault(Name, [])
        versions.append(Value)
        return {"Version": len(versions)}

    def get_parameter(self, Name: str) -> dict[str, Any]:
        name, _, version = Name.partition(":")
        if name not in self.parameters:
            raise _error("GetParameter", "ParameterNotFound", "")
        number = int(version or len(self.parameters[name]))
        return {"Parameter": {"Value": self.parameters[name][number - 1], "Version": number}}

    def delete_parameter(self, Name: str) -> dict[str, Any]:
        if self.parameters.pop(Name, None) is None:
            raise _error("DeleteParameter", "ParameterNotFound", "")
        return {}

    def delete_parameters(self, Names: Sequence[str]) -> dict[str, Any]:
        return {"DeletedParameters": [name for name in Names if self.parameters.pop(name, None)]}


def _operation(method: str) -> str:
    return "".join(word.title() for word in method.split("_"))


def _error(operation: str, code: str, text: str) -> Exception:
    error: Exception = ClientError({"Error": {"Code": code, "Message": text}}, operation)
    return error


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _words(one)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _words(one)


class _Names(dict[str, str]):
    def __missing__(self, method: str) -> str:
        return _operation(method)


class CloudSession(AwsSession):
    """A session whose calls go to the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(first_pause=0.001)
        self.cloud = cloud

    def raw(self, service: str, region: str) -> Any:
        return _Raw(self.cloud, region)


class _Raw:
    """Replacement of a botocore client."""

    meta = SimpleNamespace(
        method_to_api_mapping=_Names(),
        service_model=SimpleNamespace(operation_model=lambda _operation: SimpleNamespace(input_shape=None)),
    )

    def __init__(self, cloud: Cloud, region: str) -> None:
        self._cloud, self._region = cloud, region

    def _get_credentials(self) -> Any:
        return SimpleNamespace(get_frozen_credentials=lambda: None)

    def __getattr__(self, method: str) -> Any:
        return lambda **parameters: self._cloud.answer(method, parameters, self._region)

    def get_paginator(self, method: str) -> Any:
        pages = SimpleNamespace(_method=None)
        pages.paginate = lambda **parameters: iter([pages._method(**parameters)])
        return pages


class WatchedState(State):
    """A state file whose writes are moments at which the process can die."""

    cloud: Cloud

    def save(self) -> None:
        self.cloud.moment()
        super().save()
        self.cloud.moment()


_product_kinds = dict(KINDS)


@dataclass(frozen=True, eq=False, kw_only=True)
class CloudResource(Resource):
    """Base of all kinds of this cloud; the fields are the settings."""

    abstract = True
    deletion = Deletion(retry_on={"DependencyViolation"})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.arns = (f":{cls.__name__.lower()}/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for thing in aws.client("cloud").pages("describe_things", "Things", Kind=cls.__name__):
            yield from aws.found(cls, thing["Id"], thing["Tags"], thing, thing["Status"], thing["Reason"])

    def settings(self, aws: Aws) -> dict[str, Any]:
        base = {spec.name for spec in dataclasses.fields(Resource)}
        names = [spec.name for spec in dataclasses.fields(self) if spec.name not in base]
        return {name: _setting(aws, getattr(self, name)) for name in names}

    def create(self, aws: Aws) -> str | Observed:
        more: dict[str, str] = {}
        if self.idempotency is Idempotency.TOKEN:
            more["Token"] = aws.token
        if self.idempotency is Idempotency.NAME:
            more["Name"] = aws.name(self)
        with tolerate("AlreadyExists"):
            made = aws.client("cloud").create_thing(
                Kind=type(self).__name__, Tags=aws.tags(self), Settings=self.settings(aws), **more
            )
            return str(made["Id"])
        return more["Name"]

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        for name, new in self.settings(aws).items():
            if name not in self.replaces and observed.raw[name] != new:

                def change(name: str = name, new: Any = new) -> None:
                    aws.client("cloud").modify_thing(Id=observed.id, Settings={name: new})

                yield Change(name, observed.raw[name], new, change)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidThing.NotFound"):
            aws.client("cloud").delete_thing(Id=observed.id)


def _setting(aws: Aws, value: Any) -> Any:
    if isinstance(value, Resource):
        return aws[value].id
    return [_setting(aws, one) for one in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, eq=False, kw_only=True)
class Network(CloudResource):
    """Without idempotency: a create that is sent twice makes two."""

    cidr: str = "10.0.0.0/16"

    replaces = {"cidr"}

    def adopt(self, aws: Aws) -> Observed:
        return Observed(Network, self.key, self.existing)


@dataclass(frozen=True, eq=False, kw_only=True)
class Subnet(CloudResource):
    """Without idempotency; replaced with its network."""

    network: Network
    label: str = "plain"

    replaces = {"network"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Certificate(CloudResource):
    """Identified by its name."""

    domain: str = "example.com"

    idempotency = Idempotency.NAME


@dataclass(frozen=True, eq=False, kw_only=True)
class Server(CloudResource):
    """Created with a token; creation and deletion take time."""

    subnet: Subnet
    certificate: Certificate
    size: str = "2"
    image: str = "al2023"

    idempotency = Idempotency.TOKEN
    replaces = {"image"}
    wait = Wait(pending={"creating"}, failed={"failed"}, leaving={"deleting"}, deadline=30)
    transient = (TransientError("CreateThing", "StillPropagating", seconds=30),)


@dataclass(frozen=True, eq=False, kw_only=True)
class Disk(CloudResource):
    """Contains data."""

    network: Network
    volume_type: str = "gp3"

    idempotency = Idempotency.TOKEN
    data = True
    replaces = {"volume_type"}
    wait = Wait(failed={"failed"})

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        return None if options.data else Retained("it contains data", 1.5)


@dataclass(frozen=True, eq=False, kw_only=True)
class Replica(CloudResource):
    """Can be in any region."""

    network: Network

    multi_region = True
    idempotency = Idempotency.TOKEN


@dataclass(frozen=True, eq=False, kw_only=True)
class ServerHealthy(Gate):
    """Waits until the server is healthy."""

    server: Server

    wait = Wait(pending={"unhealthy"}, deadline=0.2)

    def observe(self, aws: Aws) -> Observed:
        things = aws.client("cloud").pages("describe_things", "Things", Kind="Network")
        session = aws.context.session
        assert isinstance(session, CloudSession)
        return Observed(
            ServerHealthy, self.key, "", status="available" if list(things) and session.cloud.healthy else "unhealthy"
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Alarm(CloudResource):
    """Depends on a gate, and through it on the server."""

    health: ServerHealthy
    threshold: str = "80"

    def settings(self, aws: Aws) -> dict[str, Any]:
        return {"server": aws[self.health.server].id, "threshold": self.threshold}


OURS = {name: kind for name, kind in KINDS.items() if kind is not _product_kinds.get(name)}
KINDS.clear()
KINDS.update(_product_kinds)


@contextmanager
def only_these_kinds() -> Iterator[None]:
    """Replace the product's kinds by this cloud's; kinds that a test defines meanwhile are forgotten afterwards."""
    before = dict(KINDS)
    KINDS.clear()
    KINDS.update(OURS)
    try:
        yield
    finally:
        KINDS.clear()
        KINDS.update(before)


@dataclass
class SampleStack:
    """A small stack with every sort of dependency; `declare` changes a field by `key_field`."""

    folder: Path
    cloud: Cloud = field(default_factory=Cloud)
    settle: float = 0.5
    stack: Stack = field(default_factory=lambda: Stack("shop", "prod"))
    events: list[ResourceEvent] = field(default_factory=list)

    def declare(self, without: Sequence[str] = (), **changed: str) -> list[Step]:
        def of(key: str) -> dict[str, Any]:
            return {"key": f"sample/{key}"} | {
                name.removeprefix(f"{key}_"): value for name, value in changed.items() if name.startswith(f"{key}_")
            }

        network = Network(**of("network"))
        subnet = Subnet(network=network, **of("subnet"))
        certificate = Certificate(**of("certificate"))
        server = Server(subnet=subnet, certificate=certificate, **of("server"))
        disk = Disk(network=network, **of("disk"))
        health = ServerHealthy(server=server, **of("health"))
        alarm = Alarm(health=health, **of("alarm"))
        chosen = [one for one in (network, subnet, certificate, server, disk, health, alarm) if one.key not in without]
        return [Step("Network", tuple(chosen[:3])), Step("Services", tuple(chosen[3:]))]

    @property
    def path(self) -> Path:
        return self.folder / f"{self.stack.slug}.json"

    def run(self) -> Run:
        state = WatchedState.load(self.path, self.stack.tag)
        assert isinstance(state, WatchedState)
        state.cloud = self.cloud
        self.events = []
        polling = Polling(0.001, 0.01)
        session = CloudSession(self.cloud)
        return Run(session, self.stack, REGION, state, polling, self.settle, self.events.append)

    def plan(self, steps: Sequence[Step] | None = None, replace: Sequence[str] = ()) -> Plan:
        return planning.make(self.run(), self.declare() if steps is None else steps, replace)

    def up(self, steps: Sequence[Step] | None = None, replace: Sequence[str] = ()) -> Plan:
        """Plan and carry out; returns the plan."""
        run = self.run()
        made = planning.make(run, self.declare() if steps is None else steps, replace)
        self.cloud.writes.clear()
        up.apply(run, made)
        return made

    def destroy(self, options: DestroyOptions | None = None) -> teardown.DestroyPlan:
        run = self.run()
        destroy_plan = teardown.survey(run, options or DestroyOptions(data=True))
        self.cloud.writes.clear()
        teardown.destroy(run, destroy_plan)
        return destroy_plan

    def told(self, phase: str) -> list[str]:
        """The keys with an event of this phase, in order."""
        return [event.key for event in self.events if event.phase == phase]

    def things(self) -> list[str]:
        """The keys of all that exists, sorted."""
        return sorted(thing.tag(TAG_RESOURCE) for thing in self.cloud.things.values())

    def generations(self, kind: type[Resource]) -> list[str]:
        return [thing.tag(TAG_GENERATION) for thing in self.cloud.of(kind)]

    def writes(self, *operations: str) -> list[str]:
        """Writes of the last command, without those of the stack's own parameters."""
        return [write for write in self.cloud.writes if write.startswith(operations or "") and "Parameter" not in write]


EVERYTHING = sorted(
    ["sample/network", "sample/subnet", "sample/certificate", "sample/server", "sample/disk", "sample/alarm"]
)


def actions(plan: Plan) -> dict[str, str]:
    """The action of a plan for each key."""
    return {item.resource.key: item.action for item in plan.items.values()}
