"""The state of an existing stack, derived from a plan: what `status` and `report` show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from awsdeploy.cli import planning
from awsdeploy.cli.session import Session, styled, table
from awsdeploy.cli.text import advisories, drift
from awsdeploy.cli.text.facts import found_out
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.errors import next_command
from awsdeploy.progress.steps import KEY_WIDTH

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed
    from awsdeploy.engine.plan import Item, Plan
    from awsdeploy.resources.compute.machine import FailedRelease

UNHEALTHY, DRIFT = 1, 7
SERVICE_TAG = "awsdeploy:service"
"""Tag of every machine, also of those that an Auto Scaling group starts."""
DIFFERS = {"create": "missing", "replace": "to be replaced", "change": "differs", "wait": "in progress"}


def look(at: Session) -> StackState:
    """Look once. Raises `NoSuchStack`."""
    plan = planning.made(at)
    if plan.new:
        raise at.run.missing
    return StackState(at, plan)


@dataclass(frozen=True)
class StackState:
    """State of a stack, derived from a plan: each change of the plan is a difference."""

    at: Session
    plan: Plan

    @property
    def unhealthy(self) -> list[Item]:
        """Resources that AWS is still changing, has failed to create, or reports as unhealthy."""
        return [item for item in self.plan.items.values() if item.action == "wait"]

    @property
    def differing(self) -> list[Item]:
        return [item for item in self.plan.items.values() if item.writes]

    @property
    def exit_code(self) -> int:
        if self.unhealthy:
            return UNHEALTHY
        return DRIFT if self.plan.writes else 0

    def lines(self) -> Iterator[str]:
        yield f"{self.at.title}: {self._verdict()}"
        for step in self.plan.steps:
            yield ""
            yield styled("bold")(step.title)
            for resource in step.resources:
                yield self._line(self.plan.items[resource])
                more = [*drift.attributes(self.plan.items[resource]), *planning.trouble(self.plan.items[resource])]
                yield from (f"      {line}" for line in more)
        for title, removals in (("Replaced", self.plan.replaced), ("No longer in config.toml", self.plan.undeclared)):
            if removals:
                yield ""
                yield styled("bold")(title)
            yield from (f"  - {observed.key:<{KEY_WIDTH}} {observed.id}" for observed in removals)
        yield from self._kept()
        yield ""
        yield from table({**self._services(), **found_out(self.at, self.plan)})
        yield from advisories.lines(self.at, self.plan.items)
        if ignored := drift.ignored(self.at):
            yield from ("", *ignored)
        if self.plan.writes:
            yield ""
            yield self._next()

    def _next(self) -> str:
        if self.paused:
            return f"To start it again: {next_command('resume')}"
        return f"To fix the differences: {next_command('up')}"

    def _kept(self) -> Iterator[str]:
        """Objects beside the declared ones, what they are for and what they cost."""
        from awsdeploy.cost import estimate, inventory

        if self.plan.kept:
            yield ""
            yield styled("bold")("Beside the stack")
        for one in self.plan.kept:
            monthly = estimate.total(estimate.of_parts(inventory.parts([one], self.at.settings.region)))
            yield f"  - {one.key:<{KEY_WIDTH}} {one.status:<28} {one.id}"
            yield f"      {one.kind.kept_for(one)}. It costs about ${monthly:.2f} a month"

    @property
    def paused(self) -> bool:
        return planning.paused(self.plan)

    def _verdict(self) -> str:
        if self.paused:
            return styled("yellow")("paused")
        if self.unhealthy:
            return styled("red")("unhealthy")
        return styled("yellow")("differs from config.toml") if self.plan.writes else styled("green")("healthy")

    def _line(self, item: Item) -> str:
        observed = item.observed
        state = observed.status if observed else DIFFERS.get(item.action, "waiting")
        if observed and (item.changes or item.writes):
            state += f"; {DIFFERS[item.action]}"
        if observed and observed.reason:
            state += f" ({observed.reason})"
        mark = {"none": styled("green")("✓"), "wait": styled("red")("✗")}.get(item.action, styled("yellow")("!"))
        id = (
            observed.id.rpartition("/")[2]
            if observed and not item.resource.existing
            else observed.id
            if observed
            else ""
        )
        return f"  {mark} {item.resource.key:<{KEY_WIDTH}} {state:<28} {id}".rstrip()

    def _services(self) -> dict[str, str]:
        """Release on the machines of each service."""
        said = {}
        for name in self.at.settings.services:
            releases, failed = self.releases(name), self.failed_releases(name)
            if not releases and not failed:
                said[name] = "nothing deployed yet (placeholder page)"
                continue
            words = [", ".join(sorted(releases))] if releases else []
            words += [str(one) for one in failed]
            if failed:
                words.append(f"to try again: {next_command('deploy', name)}")
            said[name] = "; ".join(words)
        return said

    def releases(self, service: str) -> set[str]:
        """The releases that run on a service's machines, by their tags."""
        from awsdeploy.resources.compute.machine import release_of

        return {release for one in self._machines(service) if (release := release_of(one.raw["Tags"]))}

    def failed_releases(self, service: str) -> list[FailedRelease]:
        """Releases that machines of a service without an earlier one could not be given, by their tags."""
        from awsdeploy.resources.compute.machine import failed_release_of

        found = (failed_release_of(one.id, one.raw["Tags"]) for one in self._machines(service))
        return [one for one in found if one]

    def _machines(self, service: str) -> Iterator[Observed]:
        for observed in self.plan.observations:
            if observed.key.startswith("machines/") and not observed.state.leaving:
                tags = tags_to_dict(observed.raw.get("Tags"))
                if tags.get(SERVICE_TAG) == service:
                    yield observed

    def document(self) -> dict[str, Any]:
        return {
            **self.at.header,
            "healthy": not self.unhealthy,
            "paused": self.paused,
            "drift": self.plan.writes,
            "ignored": list(self.at.settings.drift.ignore),
            "resources": [
                {
                    "step": item.step,
                    "key": item.resource.key,
                    "kind": type(item.resource).__name__,
                    "id": item.observed.id if item.observed else None,
                    "status": item.observed.status if item.observed else "missing",
                    "reason": item.observed.reason if item.observed else "",
                    "action": item.action,
                    "changes": [change.field for change in item.changes],
                }
                for item in self.plan.items.values()
            ],
            "removals": [{"key": one.key, "id": one.id} for one in self.plan.removals],
            "kept": [{"key": one.key, "id": one.id, "status": one.status} for one in self.plan.kept],
            "releases": {name: sorted(self.releases(name)) for name in self.at.settings.services},
            "failed_releases": {
                name: [asdict(one) for one in self.failed_releases(name)] for name in self.at.settings.services
            },
            "facts": found_out(self.at, self.plan),
            "notices": advisories.collect(self.at, self.plan.items),
        }
