"""Readiness of a database to refuse connections without TLS, by what an older stack has."""

from __future__ import annotations

from awsdeploy.architecture.database import AUTHORITY, PARAMETERS, Transport
from awsdeploy.config import Settings
from awsdeploy.engine.run import Run
from awsdeploy.resources.compute.parameter import Parameter
from awsdeploy.resources.database.groups import TLS, ParameterGroup, written


def transport(run: Run, settings: Settings) -> Transport:
    """Read what an older stack has. There TLS is required only if the setting is written, and one `up` later.

    An older stack has a parameter group that does not require TLS, and no parameter with the path of the certificates.
    """
    if not settings.database.tls:
        return Transport.OPTIONAL
    groups = [live for live in run.cache.all(ParameterGroup, run.region) if live.key == PARAMETERS]
    view = run.view(ParameterGroup, run.region)
    if (
        not groups
        or any(live.key == AUTHORITY for live in run.cache.all(Parameter, run.region))
        or any(written(view, live).get(TLS) == Transport.REQUIRED.value for live in groups)
    ):
        return Transport.REQUIRED
    return Transport.UNCHANGED if settings.origins.get("database.tls") == "default" else Transport.OFFERED
