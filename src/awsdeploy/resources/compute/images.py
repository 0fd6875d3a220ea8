"""System images of machines: which machines have an older one than AWS offers now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from awsdeploy.engine.plan import Step, counter_of
from awsdeploy.engine.run import Run
from awsdeploy.resources.compute.machine import Machine


def with_old_images(run: Run, steps: Iterable[Step]) -> Iterator[str]:
    """Keys of machines and launch templates to recreate: AWS has a newer image for their system.

    A machine that an interrupted run has already recreated has the newest one, so the next run only ends that.
    """
    for resource in (one for step in steps for one in step.resources):
        if isinstance(resource, Machine):
            view = run.view_of(resource, fresh=False)
            same = [one for one in view.all(type(resource)) if one.key == resource.key and not one.state.leaving]
            last = max(same, key=lambda one: counter_of(one.generation), default=None)
            if last is not None and resource.image_of(last) != resource.newest_image(view)[0]:
                yield resource.key
