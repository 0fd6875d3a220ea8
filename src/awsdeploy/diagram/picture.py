"""The picture of a plan: all boxes, frames and arrows. Makes no AWS call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from awsdeploy.config import Settings
from awsdeploy.diagram import inside, outside
from awsdeploy.diagram.model import Health, Picture
from awsdeploy.diagram.reading import Reading
from awsdeploy.diagram.scene import Scene
from awsdeploy.diagram.words import words
from awsdeploy.engine.plan import Plan


def of(settings: Settings, plan: Plan, account: str = "", language: str = "en") -> Picture:
    """The picture of a plan. What does not exist is shown as planned in a new stack, else as not there."""
    reading = Reading(plan, settings.region, words(language))
    scene = Scene(settings, reading, words(language))
    frames = tuple(inside.groups(scene))
    boxes = (
        *outside.front(scene),
        *inside.gateways(scene),
        *inside.balancer(scene),
        *inside.services(scene),
        *inside.nat(scene),
        *inside.database(scene),
        *outside.beside(scene),
        outside.rest(scene),
    )
    costs = [box.monthly for box in boxes if box.monthly is not None]
    return Picture(
        str(settings.stack),
        settings.region,
        account,
        Health.PLANNED if plan.new else _whole([*(box.state for box in boxes), *(frame.state for frame in frames)]),
        boxes,
        frames,
        (*inside.arrows(scene, boxes), *outside.arrows(scene)),
        len(scene.zones),
        sum(costs) if costs else None,
        tuple(_notes(scene)),
    )


def _whole(states: Iterable[Health]) -> Health:
    """State of the stack: the one that matters most. A stack with a part that is not there differs."""
    return Health.worst(Health.DIFFERS if state is Health.ABSENT else state for state in states)


def _notes(scene: Scene) -> Iterator[str]:
    if scene.new:
        yield scene.t("Nothing of it exists yet: this is what `up` would create.")
    if undeclared := scene.reading.plan.undeclared:
        yield f"{scene.t('No longer in config.toml')}: {', '.join(one.key for one in undeclared)}"
