"""Monitoring of a running stack: logs, alarms, one dashboard, and a health check from outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from awsdeploy.architecture import alarms
from awsdeploy.architecture.alarms import AlarmRow
from awsdeploy.architecture.compute import Machines, Scaling
from awsdeploy.architecture.database import DatabaseTier
from awsdeploy.architecture.storage import Storage
from awsdeploy.architecture.web import Names, Tls, Web
from awsdeploy.config import Settings
from awsdeploy.cost import estimate
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.database.instance import EXPORTS, Database
from awsdeploy.resources.monitoring.alarm import Alarm
from awsdeploy.resources.monitoring.budget import KEY as BUDGET
from awsdeploy.resources.monitoring.budget import Budget
from awsdeploy.resources.monitoring.dashboard import Dashboard, Graph, Search
from awsdeploy.resources.monitoring.health_check import KEY as HEALTH_CHECK
from awsdeploy.resources.monitoring.health_check import HealthCheck
from awsdeploy.resources.monitoring.log_group import COMMANDS, COMMANDS_DAYS, KEY, DatabaseLog, LogGroup
from awsdeploy.resources.monitoring.metric import AGENT, ROOT_DISK, WHOLE_BUCKET, Measured, Metric
from awsdeploy.resources.monitoring.topic import Topic
from awsdeploy.resources.web.listener import Listener

BY_EVERY_MACHINE = ("nginx", "bootstrap")
"""Log groups besides one for each service."""
HEALTH_REGION = "us-east-1"
"""AWS: the metrics of Route 53's health checks exist there and nowhere else, so their alarm and topic do too."""
SLOWEST = "fields @timestamp, @message | sort @timestamp desc | limit 20"


def logs(settings: Settings, database: DatabaseTier) -> Iterator[Resource]:
    """A log group for each service, for nginx, for the bootstrap of machines, for each log of the database, and a short
    one for the output of `exec`."""
    days = settings.logs.days
    for name in dict.fromkeys([*settings.services, *BY_EVERY_MACHINE]):
        yield LogGroup(key=KEY + name, days=days)
    yield LogGroup(key=KEY + COMMANDS, days=COMMANDS_DAYS)
    if (mysql := database.mysql) is None:
        return
    for kind in EXPORTS:
        yield DatabaseLog(key=f"{KEY}database/{kind}", stack=settings.stack, database=mysql, kind=kind, days=days)


class Monitoring:
    """Alarms to one topic, a dashboard, and with a domain the health check with its alarm in us-east-1."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        database: DatabaseTier,
        machines: Machines,
        scaling: Scaling,
        web: Web,
        names: Names,
        tls: Tls,
    ) -> None:
        self.settings, self.web = settings, web
        self.uploads, self.mysql = storage.uploads, database.mysql
        self.machines: dict[str, tuple[Instance | AutoScalingGroup, ...]] = {
            **machines.instances,
            **{name: (group,) for name, group in scaling.groups.items()},
        }
        self.topic = Topic(key="monitoring/topic", emails=settings.monitoring.emails)
        self.resources = tuple(self._resources(names, tls))

    def _resources(self, names: Names, tls: Tls) -> Iterator[Resource]:
        """The alarms, the health check and the dashboard, after the topic and the budget."""
        monitoring, mysql = self.settings.monitoring, self.mysql
        yield self.topic
        if (limit := estimate.budget(self.settings)) is not None:
            yield Budget(key=BUDGET, limit=limit, emails=monitoring.emails)
        yield from self._machine_alarms()
        if self.web.services:
            yield from self._web_alarms()
        if mysql is not None:
            yield from self._alarms("rds", "AWS/RDS", (mysql,), alarms.database(mysql.size, mysql.storage))
        if tls.certificate:
            yield from self._alarms("certificate", "AWS/CertificateManager", (tls.certificate,), (alarms.CERTIFICATE,))
        if tls.listener and monitoring.health_check:
            yield from self._health(names, tls.listener)
        yield Dashboard(key="monitoring/dashboard", widgets=tuple(self._widgets()))

    def _alarms(
        self,
        subject: str,
        namespace: str,
        of: tuple[Measured, ...],
        rows: Iterable[AlarmRow],
        machines: tuple[Instance | AutoScalingGroup, ...] | None = None,
        disk: bool = False,
    ) -> Iterator[Alarm]:
        for row in rows:
            yield Alarm(
                key=f"monitoring/alarms/{subject}-{row.name}",
                topic=self.topic,
                metric=Metric(namespace, row.metric, of, ROOT_DISK if disk else {}),
                bound=row.bound,
                words=f"{subject}: {row.words}",
                machines=machines,
            )

    def _machine_alarms(self) -> Iterator[Alarm]:
        for name, machines in self.machines.items():
            for one in machines:
                subject = one.key.partition("/")[2]
                if scaling := self.settings.services[name].scaling:
                    cpu = alarms.group_cpu(scaling.target_cpu)
                    yield from self._alarms(subject, "AWS/EC2", (one,), (cpu,), machines)
                    yield from self._alarms(subject, AGENT, (one,), alarms.GROUP_AGENT, machines)
                else:
                    yield from self._alarms(subject, "AWS/EC2", (one,), alarms.MACHINE, machines)
                    yield from self._alarms(subject, AGENT, (one,), (alarms.AGENT_MEMORY,), machines)
                    yield from self._alarms(subject, AGENT, (one,), (alarms.AGENT_DISK,), machines, disk=True)

    def _web_alarms(self) -> Iterator[Alarm]:
        balancer, namespace = self.web.balancer, "AWS/ApplicationELB"
        yield from self._alarms("alb", namespace, (balancer,), (alarms.BALANCER,))
        for name, group in self.web.target_groups.items():
            yield from self._alarms(name, namespace, (group, balancer), alarms.SERVICE, self.machines[name])

    def _health(self, names: Names, listener: Listener) -> Iterator[Resource]:
        """It asks for the front page's own health path, as soon as the name leads to a listener."""
        name, front = next((name, one) for name, one in self.web.services.items() if "/*" in one.paths)
        domain = self.settings.domain or ""
        leads_here = (*(one for one in names.records if one.name == domain), listener)
        check = HealthCheck(key=HEALTH_CHECK, domain=domain, path=front.health_path, after=leads_here)
        yield check
        topic = self.topic
        if self.settings.region != HEALTH_REGION:
            topic = Topic(key="monitoring/topic-abroad", emails=topic.emails, region=HEALTH_REGION)
            yield topic
        row = alarms.HEALTH_CHECK
        yield Alarm(
            key=f"monitoring/alarms/{row.name}",
            region=topic.region,
            topic=topic,
            metric=Metric("AWS/Route53", row.metric, (check,)),
            bound=row.bound,
            words=f"{domain}: {row.words}",
            machines=self.machines[name],
        )

    def _widgets(self) -> Iterator[Graph | Search]:
        yield self._machine_graph("EC2 CPU %", "AWS/EC2", "CPUUtilization")
        yield self._machine_graph("EC2 memory %", AGENT, "mem_used_percent")
        yield self._machine_graph("EC2 disk %", AGENT, "disk_used_percent", disk=True)
        if self.web.services:
            yield from self._web_widgets()
        if self.mysql is not None:
            yield from self._database_widgets(self.mysql)
        if self.settings.monitoring.request_metrics:
            yield from self._bucket_widgets()

    def _machine_graph(self, title: str, namespace: str, metric: str, disk: bool = False) -> Graph:
        """A line for each machine. A group has one for all: their average CPU; of the rest, the machine worst off."""
        of_group = "Average" if namespace == "AWS/EC2" else "Maximum"
        lines = {}
        for name, machines in self.machines.items():
            for one in machines:
                if isinstance(one, AutoScalingGroup):
                    lines[name] = Metric(namespace, metric, (one,)), of_group
                else:
                    lines[one.key.partition("/")[2]] = (
                        Metric(namespace, metric, (one,), ROOT_DISK if disk else {}),
                        "Average",
                    )
        return Graph(title, lines)

    def _web_widgets(self) -> Iterator[Graph]:
        balancer, namespace = (self.web.balancer,), "AWS/ApplicationELB"
        time = Metric(namespace, "TargetResponseTime", balancer)
        yield Graph("ALB requests", {"requests": (Metric(namespace, "RequestCount", balancer), "Sum")})
        yield Graph("ALB response time, s", {"average": (time, "Average"), "p95": (time, "p95")})
        errors = {
            "load balancer": Metric(namespace, "HTTPCode_ELB_5XX_Count", balancer),
            "machines": Metric(namespace, "HTTPCode_Target_5XX_Count", balancer),
        }
        yield Graph("ALB errors (5xx)", {label: (metric, "Sum") for label, metric in errors.items()})

    def _database_widgets(self, mysql: Database) -> Iterator[Graph | Search]:
        def metric(name: str) -> tuple[Metric, str]:
            return Metric("AWS/RDS", name, (mysql,)), "Average"

        yield Graph("RDS connections", {"connections": metric("DatabaseConnections")})
        yield Graph("RDS latency, s", {"read": metric("ReadLatency"), "write": metric("WriteLatency")})
        yield Graph("RDS CPU %", {"CPU": metric("CPUUtilization")})
        yield Graph("RDS bytes free", {"storage": metric("FreeStorageSpace"), "memory": metric("FreeableMemory")})
        yield Search("Slow queries", mysql, "slowquery", SLOWEST)

    def _bucket_widgets(self) -> Iterator[Graph]:
        def metric(name: str) -> tuple[Metric, str]:
            return Metric("AWS/S3", name, (self.uploads,), WHOLE_BUCKET), "Sum"

        yield Graph("S3 requests", {"all": metric("AllRequests"), "4xx": metric("4xxErrors")})
        yield Graph("S3 bytes", {"downloaded": metric("BytesDownloaded"), "uploaded": metric("BytesUploaded")})
