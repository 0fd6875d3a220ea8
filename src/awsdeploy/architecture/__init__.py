"""The documented architecture: a config becomes its steps, in the documented order.

Steps are what people see; what really waits for what is in the resources' own fields. Each part takes what it needs
from those before it and changes none of them; `steps` collects their resources. Touches no AWS.
"""

from __future__ import annotations

from awsdeploy.architecture.backup import backups
from awsdeploy.architecture.ci import releases
from awsdeploy.architecture.compute import Machines, Scaling
from awsdeploy.architecture.database import DatabaseTier, Transport
from awsdeploy.architecture.monitoring import Monitoring, logs
from awsdeploy.architecture.network import Network, SecurityGroups
from awsdeploy.architecture.storage import Storage
from awsdeploy.architecture.web import Names, Tls, Web
from awsdeploy.config import Settings
from awsdeploy.dns.public_records import NOT_ASKED, PublicDns
from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import Resource

STEPS = {
    "network": "VPC and subnets",
    "security": "Security groups",
    "storage": "S3 buckets",
    "database": "RDS database",
    "machines": "EC2 instances",
    "web": "Load balancer",
    "dns": "Route 53",
    "tls": "TLS certificate",
    "monitoring": "Logs and alarms",
    "backup": "Backups",
    "ci": "Releases from GitHub",
}
"""The documented steps in their order, by what the keys of their resources begin with."""

OTHER_STEPS = {"dns/proof/": "tls", "web/https": "tls", "storage/artifacts/bootstrap/": "machines"}
"""The keys of resources that the document makes in another step, by how they begin."""


def title_of(key: str) -> str:
    """The title of the documented step that the resource with this key belongs to."""
    area = next((area for start, area in OTHER_STEPS.items() if key.startswith(start)), key.partition("/")[0])
    return STEPS.get(area, "Other")


def steps(
    settings: Settings,
    take_over_records: bool = False,
    restore_snapshot: str = "",
    https: bool = True,
    public: PublicDns = NOT_ASKED,
    transport: Transport | None = None,
) -> list[Step]:
    """The documented steps and their resources, in the documented order. A database is made from `restore_snapshot`.

    Without `https` port 80 serves until the domain's certificate can be had; nothing waits for that. `public` is what
    the domain's DNS says before it is moved to a zone of the account. `transport` is how far an older stack's database
    is on its way to TLS alone.
    """
    https = https and bool(settings.names)
    network = Network(settings)
    groups = SecurityGroups(settings, network)
    storage = Storage(settings)
    database = DatabaseTier(settings, network, groups, restore_snapshot, transport)
    machines = Machines(settings, network, groups, storage)
    web = Web(settings, network, groups, machines, storage)
    scaling = Scaling(settings, network, machines, web.target_groups)
    names = Names(settings, web, take_over_records, public)
    tls = Tls(settings, web, scaling, names, https)
    monitoring = Monitoring(settings, storage, database, machines, scaling, web, names, tls)
    areas: dict[str, tuple[Resource, ...]] = {
        "network": network.resources,
        "security": groups.resources,
        "storage": (*storage.resources, *storage.cors(web.balancer if web.services and not https else None)),
        "database": database.resources,
        "machines": (*machines.resources, *scaling.resources),
        "web": (*web.resources, *web.port_80(scaling, tls.listener)),
        "dns": names.resources,
        "tls": tls.resources,
        "monitoring": (*logs(settings, database), *monitoring.resources),
        "backup": backups(settings),
        "ci": releases(settings),
    }
    return [Step(title, areas[name]) for name, title in STEPS.items() if areas[name]]
