"""Every attribute that awsdeploy sets is read again: changed by hand, `plan` shows it and `up` mends it.

`HANDS` changes one thing through a plain client. `SETTLED` names the parameters that nobody can change
afterwards, each with the reason. What awsdeploy sends is recorded; a parameter in neither fails the test.
A seeded sample of the rows here; `make torture` does every one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from awsdeploy.aws.session import Client
from tests.sampling import sampled
from tests.simulated import READS, World, writes
from tests.system.drift.tables import COVERS, HANDS, SETTLED

pytestmark = pytest.mark.slow

CONFIG = """\
name = "drift"
environment = "dev"
domain = "example.com"
platform = "supported"

[network]
nat = true

[services.frontend]

[services.backend]

[services.admin]
port = 4000
paths = ["/admin/*"]

[services.admin.scaling]

[database]
multi_az = true

[uploads]
replicate = true

[monitoring]
emails = ["ops@example.com"]
"""

NAMES = ("Name", "Identifier", "Id", "Arn", "Tags", "tags", "TagSpecifications", "ClientToken")
"""Names and identity: without its tags an object is not ours; a Name changed by hand is the owner's."""


SAMPLE = random.Random(20261124).sample(sorted(HANDS), 2)


@pytest.fixture(scope="module")
def sent() -> Iterator[set[str]]:
    """Every parameter of every write that awsdeploy sends."""
    seen: set[str] = set()
    original = Client._once

    def once(self: Client, raw: Any, method: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if not operation.startswith(READS):
            seen.update(f"{self._service}:{operation}.{name}" for name in parameters)
        return original(self, raw, method, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "_once", once)
        yield seen


@pytest.fixture(scope="module")
def stack(sent: set[str], module_world: World) -> tuple[World, set[str]]:
    module_world.up(module_world.settings(CONFIG))
    module_world.control("POST", "confirm", {"email": "ops@example.com"})  # AWS forgets who has not, after three days
    return module_world, set(sent)


def test_every_attribute_we_set_has_a_row(stack: tuple[World, set[str]]) -> None:
    _, seen = stack
    explained = {*COVERS, *SETTLED}
    unexplained = {name for name in seen - explained if not name.endswith(NAMES) and "/lock" not in name}
    assert unexplained == set()
    assert set(SETTLED) - seen == set(), "no longer sent"
    assert set(COVERS) - seen == set(), "no longer sent"


@pytest.mark.parametrize("name", sampled(HANDS, SAMPLE))
def test_a_change_by_hand_is_shown_and_mended(stack: tuple[World, set[str]], name: str) -> None:
    mended(stack[0], name)


def mended(world: World, name: str) -> None:
    settings = world.settings(CONFIG)
    key, hand = HANDS[name]
    observed = {one.key: one for one in world.everything(settings)}
    hand(world, observed)
    world.pass_time(900)
    shown = {item.resource.key: item for item in world.plan(settings).items.values() if item.action != "none"}
    assert key in shown
    assert shown[key].changes, f"{key} {shown[key].action}"
    world.up(settings)
    world.control("POST", "confirm", {"email": "ops@example.com"})
    world.pass_time(900)
    assert world.plan(settings).quiet
    assert writes(world.up(settings)) == {}
