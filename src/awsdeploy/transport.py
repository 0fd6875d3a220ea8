"""Whether `up` may make the database refuse connections without TLS."""

from __future__ import annotations

from awsdeploy.blueprint.database import AUTHORITY, PARAMETERS, Transport
from awsdeploy.config import Settings
from awsdeploy.engine.run import Run
from awsdeploy.resources.database_groups import TLS, ParameterGroup, written
from awsdeploy.resources.parameter import Parameter


def transport(run: Run, settings: Settings) -> Transport:
    """Read what an older stack has. There TLS is required only if the setting is written, and one `up` later.

    An older stack has a parameter group that does not require TLS, and no parameter with the path of the certificates.
    """
    if not settings.database.tls:
        return Transport.OPTIONAL
    groups = [live for live in run.world.all(ParameterGroup, run.region) if live.key == PARAMETERS]
    view = run.view(ParameterGroup, run.region)
    if (
        not groups
        or any(live.key == AUTHORITY for live in run.world.all(Parameter, run.region))
        or any(written(view, live).get(TLS) == Transport.REQUIRED.value for live in groups)
    ):
        return Transport.REQUIRED
    return Transport.UNCHANGED if settings.origins.get("database.tls") == "default" else Transport.OFFERED
