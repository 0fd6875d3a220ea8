"""The state file is a cache, one writer holds a stack, and a kind is all it takes."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine import plan as planning
from awsdeploy.engine import up
from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import (
    KINDS,
    Aws,
    Change,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.errors import (
    AwsdeployError,
    AwsFailure,
    StateLocked,
    WrongAccount,
)
from awsdeploy.state.record import State, StateUnwritable
from awsdeploy.state.stack_lock import StackLock

from .cloud import (
    EVERYTHING,
    NOBODY,
    REGION,
    CloudSession,
    Crash,
    Network,
    SampleStack,
    Server,
    ServerHealthy,
    Subnet,
    actions,
)


@pytest.mark.parametrize("damage", [None, b"", b"{", b"\xff\x00\xfe", b'{"version": 1, "stack": "other/prod"}'])
def test_a_state_that_is_lost_or_damaged_is_rebuilt_without_a_write_to_aws(
    sample: SampleStack, damage: bytes | None
) -> None:
    sample.up()
    before = State.load(sample.path, sample.stack.tag).entries
    if damage is None:
        sample.path.unlink()
    else:
        sample.path.write_bytes(damage)
    plan = sample.up()
    assert plan.quiet
    assert sample.cloud.writes == []
    after = State.load(sample.path, sample.stack.tag)
    assert {key: (entry.id, entry.phase) for key, entry in after.entries.items()} == {
        key: (entry.id, "ready") for key, entry in before.items()
    }
    assert after.account == sample.cloud.account


def test_another_account_is_refused_before_anything_is_made(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.account = "999900001111"
    sample.cloud.parameters.clear()  # where nobody has heard of the stack
    for command in (sample.up, sample.plan, sample.destroy):
        with pytest.raises(WrongAccount, match="111122223333"):
            command()
    assert sample.things() == EVERYTHING


def test_another_account_is_refused_by_the_record_where_there_is_no_state(sample: SampleStack) -> None:
    sample.up()
    sample.path.unlink()
    sample.cloud.account = "999900001111"
    with pytest.raises(WrongAccount, match="111122223333"):
        sample.up()


def test_the_wrong_account_is_named_although_its_reads_are_forbidden_too(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.account = "999900001111"
    sample.cloud.fails("DescribeThings", code="AccessDenied", times=99)
    with pytest.raises(WrongAccount):
        sample.plan()


def test_a_failed_write_of_the_state_stops_the_whole_run(sample: SampleStack, monkeypatch: pytest.MonkeyPatch) -> None:
    from awsdeploy.state import record

    sample.cloud.pending["Subnet"] = ["available"]
    write, written = record.write_durably, itertools.count()

    def disk_is_full(path: Any, text: str) -> None:
        if next(written) == 2:
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(record, "write_durably", disk_is_full)
    with pytest.raises(StateUnwritable, match="No space left"):
        sample.up()
    assert len(sample.cloud.things) <= 3
    assert sample.things() != EVERYTHING
    sample.up()
    assert sample.things() == EVERYTHING


def test_a_run_that_would_write_is_refused_while_another_holds_the_stack(sample: SampleStack) -> None:
    sample.up()
    stack_lock = StackLock(CloudSession(sample.cloud), sample.stack, REGION)
    stack_lock.acquire("up")
    sample.up()  # nothing to write, so no lock is needed
    with pytest.raises(StateLocked, match="`up` by"):
        sample.up(sample.declare(subnet_label="fancy"))
    with pytest.raises(StateLocked):
        sample.destroy()
    stack_lock.release()
    sample.up(sample.declare(subnet_label="fancy"))


def test_who_may_not_give_the_lock_back_is_told_so_but_only_of_a_run_that_went_well(sample: SampleStack) -> None:
    sample.cloud.fails("DeleteParameter", text="no", code="AccessDeniedException")
    with pytest.raises(AwsRefusal) as refused:
        sample.up()
    assert (refused.value.exit_code, refused.value.action) == (3, "ssm:DeleteParameter")
    assert sample.things() == EVERYTHING

    del sample.cloud.parameters["/deploy/shop/prod/lock"]  # gone stale
    sample.cloud.fails("DeleteParameter", text="no", code="AccessDeniedException")
    sample.cloud.fails("ModifyThing", text="broken")
    with pytest.raises(AwsFailure, match="broken"):
        sample.up(sample.declare(subnet_label="fancy"))


def test_a_change_found_after_a_wait_is_made_under_the_lock(sample: SampleStack) -> None:
    sample.up()
    server = sample.cloud.of(Server)[0]
    server.coming, server.settings["size"] = ["creating", "creating", "available"], "9"
    server.status = "creating"
    plan = sample.up()
    assert actions(plan)["sample/server"] == "wait"
    assert sample.cloud.writes[0] == "PutParameter"
    assert sample.cloud.of(Server)[0].settings["size"] == "2"


def test_stopping_leaves_what_is_begun_recorded_and_the_lock_free(sample: SampleStack) -> None:
    from awsdeploy.errors import Interrupted

    run = sample.run()
    plan = planning.make(run, sample.declare())
    stopped = Interrupted("Stopped on request.")
    create = sample.cloud.create_thing

    def then_stop(**parameters: Any) -> dict[str, Any]:
        run.stop.abort(stopped)
        return create(**parameters)

    sample.cloud.create_thing = then_stop  # type: ignore[method-assign,assignment]
    with pytest.raises(Interrupted):
        up.apply(run, plan)
    sample.cloud.create_thing = create  # type: ignore[method-assign]
    assert len(sample.cloud.things) <= 2  # those that had begun: nothing new after them
    entries = State.load(sample.path, sample.stack.tag).entries
    assert {entry.id for entry in entries.values() if entry.phase != "creating"} == set(sample.cloud.things)
    assert list(sample.cloud.parameters) == ["/deploy/shop/prod/stack"]
    sample.up()
    assert sample.things() == EVERYTHING


def test_a_kind_defined_here_goes_through_up_status_kill_and_destroy(sample: SampleStack) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Queue(Resource):
        """The smallest kind there can be: nothing else had to change for it."""

        network: Network
        idempotency = Idempotency.TOKEN
        arns = (":queue/",)

        @classmethod
        def scan(cls, aws: Aws) -> Iterable[Observed]:
            for thing in aws.client("cloud").describe_things(Kind="Queue")["Things"]:
                yield from aws.found(cls, thing["Id"], thing["Tags"], thing)

        def create(self, aws: Aws) -> str:
            made = aws.client("cloud").create_thing(
                Kind="Queue", Tags=aws.tags(self), Settings={"on": aws[self.network].id}, Token=aws.token
            )
            return str(made["Id"])

        def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
            yield from ()

        @classmethod
        def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
            with tolerate("InvalidThing.NotFound"):
                aws.client("cloud").delete_thing(Id=observed.id)

    assert KINDS["Queue"] is Queue
    assert Queue.noun() == "queue"
    network = Network(key="network")
    steps = [Step("Messages", (network, Queue(key="queue", network=network)))]
    assert actions(sample.plan(steps)) == {"network": "create", "queue": "create"}
    sample.cloud.fails("CreateThing", kind="Queue", how="die")
    with pytest.raises(Crash):
        sample.up(steps)
    sample.cloud.outlive()
    sample.up(steps)
    assert sample.things() == ["network", "queue"]
    assert sample.plan(steps).quiet
    sample.destroy()
    assert sample.cloud.things == {}
    assert sample.writes("DeleteThing") == ["DeleteThing Queue", "DeleteThing Network"]


def test_two_resources_that_are_alike_are_two(sample: SampleStack) -> None:
    network = Network(key="network")
    steps = [Step("All", (network, Subnet(key="a", network=network), Subnet(key="b", network=network)))]
    sample.up(steps)
    assert len(sample.cloud.of(Subnet)) == 2
    assert sample.plan(steps).quiet


def test_a_resource_in_a_tuple_or_a_nested_value_is_an_edge() -> None:
    @dataclass(frozen=True)
    class Path:
        to: Network

    network, other, third = Network(key="a"), Network(key="b"), Network(key="c")
    abstract: Any = type(
        "Park", (Resource,), {"abstract": True, "__annotations__": {"paths": tuple[Path, ...], "rest": Any}}
    )
    park = dataclass(frozen=True, eq=False, kw_only=True)(abstract)(
        key="park", paths=(Path(network),), rest={"x": [other, network]}, after=(third,)
    )
    assert park.edges() == [third, network, other]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda network: (network, Network(key=network.key)), "share a key"),
        (lambda network: (Subnet(key="subnet", network=network),), "which no step declares"),
    ],
)
def test_a_mistake_in_the_blueprint_is_told_before_anything_is_looked_at(
    sample: SampleStack, wrong: Callable[[Network], Sequence[Resource]], said: str
) -> None:
    with pytest.raises(AwsdeployError, match=said):
        sample.plan([Step("All", tuple(wrong(Network(key="network"))))])


def test_the_dead_of_the_tests_are_no_process_of_this_machine() -> None:
    import os

    with pytest.raises(ProcessLookupError):
        os.kill(NOBODY, 0)
    assert ServerHealthy.__name__ not in KINDS
