"""A plan as a picture needs it: the state of resources, which rules are missing, and what they cost.

The plan is the one that `status` makes; nothing here calls AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from awsdeploy.cost import estimate, inventory
from awsdeploy.cost.estimate import Parts
from awsdeploy.diagram.model import Health
from awsdeploy.diagram.words import Words
from awsdeploy.engine.plan import Item, Plan
from awsdeploy.engine.resource import Gate, Observed
from awsdeploy.resources.compute.volume import Volume
from awsdeploy.resources.network.security_group import SecurityGroup, words

BROKEN = {"unhealthy", "unavailable", "unused", "failed", "stopped", "stopping", "shutting-down"}
"""AWS's words for what does not serve, although the kind may be able to go on from there."""


@dataclass
class Reading:
    """The items of a plan by key. `taken` are the keys that a box of the picture speaks for. `t` translates."""

    plan: Plan
    region: str
    t: Words = lambda text: text
    items: dict[str, Item] = field(init=False)
    taken: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.items = {item.resource.key: item for item in self.plan.items.values()}

    def take(self, *keys: str) -> list[Item]:
        """The items with these keys, as far as they are declared. A box speaks for them from now on."""
        found = [key for key in keys if key in self.items]
        self.taken |= set(found)
        return [self.items[key] for key in found]

    def below(self, *starts: str) -> list[Item]:
        """The items whose keys begin so and that no box speaks for yet."""
        return self.take(*(key for key in self.items if key.startswith(starts) and key not in self.taken))

    def matching(self, *starts: str) -> list[Item]:
        """The items whose keys begin so, whoever speaks for them."""
        return [item for key, item in self.items.items() if key.startswith(starts)]

    def observed(self, key: str) -> Observed | None:
        """The object of a key, also if the plan is to replace it."""
        item = self.items.get(key)
        if item is None or item.observed is not None:
            return item.observed if item else None
        return next((one for one in self.plan.replaced if (one.kind, one.key) == (type(item.resource), key)), None)

    def id(self, key: str) -> str:
        """Id of what there is for a key, without the beginning of an ARN; "" where there is nothing."""
        found = self.observed(key)
        return found.id.rpartition("/")[2] if found else ""

    def state(self, items: Iterable[Item]) -> Health:
        """The state that matters most of these items."""
        return Health.worst(self._states(items))

    def _states(self, items: Iterable[Item]) -> Iterator[Health]:
        for item in items:
            if self.plan.new:
                yield Health.PLANNED
            elif item.observed is not None:
                yield _of(item, item.observed)
            elif not isinstance(item.resource, Gate):
                yield Health.DIFFERS if self.observed(item.resource.key) else Health.ABSENT

    def note(self, items: Iterable[Item]) -> str:
        """Faults of these items, in AWS's words and the names of what differs."""
        return "; ".join(dict.fromkeys(self._notes(items)))

    def _notes(self, items: Iterable[Item]) -> Iterator[str]:
        for item in items:
            observed = item.observed
            if self.plan.new or (observed is None and isinstance(item.resource, Gate)):
                continue
            if observed is None:
                there = self.observed(item.resource.key)
                yield self.t("{} to be replaced" if there else "{} missing").format(item.resource.key)
                continue
            state = _of(item, observed)
            if state in (Health.UNHEALTHY, Health.CHANGING):
                yield observed.status + (f" ({observed.reason})" if observed.reason else "")
            elif state is Health.DIFFERS:
                fields = ", ".join(dict.fromkeys(change.field for change in item.changes))
                said = self.t("{} differs: {}" if fields else "{} to be replaced")
                yield said.format(item.resource.key, fields)

    @staticmethod
    def ringing(alarms: Iterable[Item]) -> list[str]:
        """Names of the alarms that are in alarm."""
        return [
            item.resource.key.rpartition("/")[2]
            for item in alarms
            if item.observed and item.observed.raw.get("StateValue") == "ALARM"
        ]

    def closed(self, group: str, port: int, source: str = "") -> bool:
        """True if the rule of a security group for a port is missing; `source` is the key of the allowed group."""
        item = self.items.get(group)
        if item is None or item.observed is None or self.plan.new:
            return False
        peer = self.observed(source) if source else None
        wanted = words(("tcp", port, port, peer.id if peer else "0.0.0.0/0"))
        return any(change.field == "inbound" and change.new == wanted for change in item.changes)

    def arrow(self, group: str, port: int, source: str, *ends: Health) -> Health:
        """Health of a connection: not there if its rule is missing, planned if an end is."""
        if self.closed(group, port, source):
            return Health.ABSENT
        if self.plan.new or Health.PLANNED in ends:
            return Health.PLANNED
        item = self.items.get(group)
        if item is not None and isinstance(item.resource, SecurityGroup) and item.observed is None:
            return Health.ABSENT
        return Health.worst(ends)

    def monthly(self, planned: Parts, observations: Iterable[Observed | None]) -> float | None:
        """US dollars a month: of what there is, or of what is planned. None where unknown or nothing is billed."""
        parts = planned if self.plan.new else inventory.parts(filter(None, observations), self.region)
        bill = estimate.of_parts(parts)
        return estimate.total(bill) if any(line.monthly for line in bill) else None

    def disks(self, ids: set[str]) -> list[Observed]:
        """Disks with these ids."""
        return [one for one in self.plan.observations if one.kind is Volume and one.id in ids]


def _of(item: Item, observed: Observed) -> Health:
    state = observed.state
    if observed.status in BROKEN or state.remedy or state.replace:
        return Health.UNHEALTHY
    if item.action == "wait" or state.leaving:
        return Health.CHANGING
    return Health.DIFFERS if item.writes else Health.HEALTHY
