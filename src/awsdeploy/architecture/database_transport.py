"""Readiness of a database to refuse connections without TLS, by what an older stack has."""

from __future__ import annotations

from awsdeploy.architecture.database import AUTHORITY, PARAMETERS, Transport
from awsdeploy.config import Settings
from awsdeploy.engine.run import Run
from awsdeploy.resources.compute.parameter import Parameter
from awsdeploy.resources.database.groups import TLS, ParameterGroup, written


def transport(run: Run, settings: Settings) -> Transport:
    """Decide by the setting, and by what a stack has that is older than it: there only a written setting counts.

    An older stack has a parameter group that does not require TLS, and no parameter with the path of the certificates.
    """
    if settings.database.tls == "optional":
        return Transport.OPTIONAL
    if settings.origins.get("database.tls") != "default":
        return Transport.REQUIRED
    groups = [one for one in run.all(ParameterGroup) if one.key == PARAMETERS]
    view = run.view(ParameterGroup, run.region)
    newer = (
        not groups
        or any(one.key == AUTHORITY for one in run.all(Parameter))
        or any(written(view, one).get(TLS) == Transport.REQUIRED.value for one in groups)
    )
    return Transport.REQUIRED if newer else Transport.UNCHANGED
