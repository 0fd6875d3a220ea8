"""Context of a picture: the settings, the plan, and the words of the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from awsdeploy.config import Settings
from awsdeploy.cost.estimate import Parts
from awsdeploy.diagram import console
from awsdeploy.diagram.model import Area, Box
from awsdeploy.diagram.reading import Reading
from awsdeploy.diagram.words import Words
from awsdeploy.engine.plan import Item


@dataclass(frozen=True)
class Scene:
    """Settings, plan and words. `t` translates."""

    settings: Settings
    reading: Reading
    t: Words

    @property
    def region(self) -> str:
        return self.settings.region

    @property
    def new(self) -> bool:
        """True if nothing of the stack exists yet."""
        return self.reading.plan.new

    @property
    def zones(self) -> tuple[str, ...]:
        """Full names of the zones; with an existing VPC those of its subnets."""
        subnets = self.reading.matching("network/public-", "network/private-")
        found = {one.observed.raw.get("AvailabilityZone", "") for one in subnets if one.observed}
        return self.settings.zone_names or tuple(sorted(found)) or ("",)

    def column(self, zone: str, otherwise: int = 0) -> int:
        """Number of a zone by its full name; `otherwise` for one that is not configured or not known yet."""
        return self.zones.index(zone) if zone in self.zones else otherwise

    def notes(self, items: Iterable[Item], more: Iterable[str] = ()) -> str:
        """Faults of these items, each once."""
        said = "" if self.new else self.reading.note(items)
        return "; ".join(dict.fromkeys(part for part in (said, *more) if part))

    def box(
        self,
        key: str,
        name: str,
        area: Area,
        items: list[Item],
        lines: tuple[str, ...] = (),
        columns: tuple[int, ...] = (),
        planned: Parts | None = None,
    ) -> Box:
        """A box for the resource `key` and for `items`, which belong to it. `planned` is billed once it exists."""
        reading = self.reading
        id = reading.id(key)
        observed = [reading.observed(item.resource.key) for item in items]
        return Box(
            key,
            name,
            area,
            reading.state(items),
            (*lines, id) if id else lines,
            self.notes(items),
            columns,
            reading.monthly(planned, observed) if planned else None,
            console.page(reading.observed(key), self.region),
        )
