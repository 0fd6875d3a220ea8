"""The gate of machines that have become ready for releases: each says so itself, in a tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import Aws, Gate, Observed, Wait
from awsdeploy.errors import next_command
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.bootstrap import LOG, TAG
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.compute.machine import MEMBER


@dataclass(frozen=True, eq=False, kw_only=True)
class Bootstrapped(Gate):
    """Wait until the bootstrap of all `instances`, or of at least `least` machines of a group, has succeeded.

    A failed bootstrap ends the wait with an error. The result is in a tag, which the list of machines contains.
    """

    instances: tuple[Instance, ...] = ()
    group: AutoScalingGroup | None = None
    least: int = 0

    title = "bootstrap"
    # AWS: about 15 s until a machine runs, then the packages.
    wait = Wait(pending={"bootstrapping"}, ready={"ok"}, failed={"failed"}, usual=100, deadline=1200)

    @property
    def remedy(self) -> str:
        return (
            f"Read {LOG} on the machine (aws ssm start-session --target ID) and run bash /opt/awsdeploy/bootstrap.sh "
            f"there again, as its user data does, or recreate the machine: {next_command('up', '--replace', 'KEY')}"
        )

    def observe(self, aws: Aws) -> Observed:
        said = {one.id: _said(one) for one in self._machines(aws)}
        well = [id for id, words in said.items() if words[0] == "ok"]
        failed = {id: words for id, words in said.items() if words[0] == "failed"}
        wanted = len(self.instances) or self.least
        status = "failed" if failed else "ok" if len(well) >= wanted else "bootstrapping"
        reason = f"{len(well)} of {wanted}"
        if well and status == "ok":
            reason += f", version {', '.join(sorted({said[id][1] for id in well}))}"
        for id, words in failed.items():
            reason += f", {id} at step {words[2]} of version {words[1]}"
        return Observed(type(self), self.key, "", status=status, raw={"machines": said}, reason=reason)

    def _machines(self, aws: Aws) -> Iterable[Observed]:
        if self.group is None:
            ids = {aws[one].id for one in self.instances}
            return [one for one in aws.latest(Instance) if one.id in ids]
        # Those of a group that is being replaced are as old as its template.
        template = self.group.template
        key, generation = f"{template.key}/{MEMBER}", aws.generation(template)
        return [one for one in aws.latest(Member) if (one.key, one.generation) == (key, generation)]


def _said(machine: Observed) -> list[str]:
    """The outcome, the version of the script, and the step that failed; an empty outcome while it is at work."""
    words = tags_to_dict(machine.raw.get("Tags")).get(TAG, "").split()
    return [*words, "", "", ""][:3]
