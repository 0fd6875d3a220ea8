"""Boxes outside the VPC: names and certificate in front of it, buckets, logs, alarms and backups beside it."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.cost.estimate import Parts
from awsdeploy.diagram import console
from awsdeploy.diagram.model import INTERNET, Area, Arrow, Box, Health
from awsdeploy.diagram.scene import Scene
from awsdeploy.resources.monitoring import health_check, log_group
from awsdeploy.resources.monitoring.alarm import Alarm
from awsdeploy.resources.monitoring.health_check import HealthCheck
from awsdeploy.resources.monitoring.topic import Topic, confirmed

ZONE, CERTIFICATE, UPLOADS, REPLICA = "dns/zone", "tls/certificate", "storage/uploads", "storage/replica"
ACCESS_LOGS, LOGS, ALARMS, BACKUPS, REST = "storage/logs", "monitoring/logs", "monitoring/alarms", "backup", "others"


def front(scene: Scene) -> Iterator[Box]:
    """The internet, the domain's zone, its certificate and its health check."""
    settings, reading = scene.settings, scene.reading
    yield Box(INTERNET, scene.t("Internet"), Area.FRONT, Health.HEALTHY, (scene.t("all users"),))
    certificate = reading.below("tls/", "dns/proof/")
    names = reading.below("dns/")
    if names:
        planned = Parts(scene.region, zones=1)
        yield scene.box(ZONE, "Route 53", Area.FRONT, names, settings.names[:2], planned=planned)
    if certificate:
        observed = reading.observed(CERTIFICATE)
        until = observed.raw.get("NotAfter") if observed else None
        lines = [] if names else [scene.t("DNS is elsewhere")]
        lines += [f"{scene.t('valid until')} {until:%Y-%m-%d}"] if until else []
        name = f"ACM {scene.t('certificate')}"
        yield scene.box(CERTIFICATE, name, Area.FRONT, certificate, (", ".join(settings.names), *lines))
    if checked := reading.take(health_check.KEY):
        planned = Parts(scene.region, health_checks=1)
        checks = (item.resource for item in checked)
        asked = tuple(f"https://{one.domain}{one.path}" for one in checks if isinstance(one, HealthCheck))
        yield scene.box(health_check.KEY, scene.t("Health check"), Area.FRONT, checked, asked, planned=planned)


def beside(scene: Scene) -> Iterator[Box]:
    """Buckets, logs, alarms and backups, and a box for all that has none of its own."""
    settings, reading, t = scene.settings, scene.reading, scene.t
    access = t("public") if settings.uploads.access == "public" else t("private")
    uploads = reading.take(UPLOADS, "storage/uploads-cors", "storage/replication-role")
    yield scene.box(UPLOADS, f"S3 {t('Uploads')}", Area.BESIDE, uploads, (f"{access}, {t('versions')}",))
    if copied := reading.take(REPLICA):
        yield scene.box(
            REPLICA,
            f"S3 {t('Copy of the uploads')}",
            Area.ELSEWHERE,
            copied,
            (settings.uploads.replica_region,),
        )
    yield scene.box(
        ACCESS_LOGS,
        f"S3 {t('Access logs')}",
        Area.BESIDE,
        reading.take(ACCESS_LOGS),
        (t("{} days kept").format(settings.logs.access_days),),
    )
    yield _logs(scene)
    yield _alarms(scene)
    yield _backups(scene)


def _logs(scene: Scene) -> Box:
    items = scene.reading.below(log_group.KEY)
    lines = (scene.t("{} log groups, {} days kept").format(len(items), scene.settings.logs.days),)
    first = scene.reading.observed(items[0].resource.key) if items else None
    page = console.page(first, scene.region)
    name = f"CloudWatch {scene.t('Logs')}"
    return Box(LOGS, name, Area.BESIDE, scene.reading.state(items), lines, scene.notes(items), console=page)


def _alarms(scene: Scene) -> Box:
    """Alarms, how many of them are in alarm, and how many recipients have confirmed their address."""
    reading, t = scene.reading, scene.t
    items = reading.below("monitoring/")
    alarms = [item for item in items if isinstance(item.resource, Alarm)]
    ringing = reading.ringing(alarms)
    lines = [t("{} alarms, {} in alarm").format(len(alarms), len(ringing))]
    lines.append(_recipients(scene))
    notes = [f"{t('in alarm')}: {', '.join(ringing)}"] if ringing else []
    state = Health.worst([reading.state(items), *([Health.UNHEALTHY] if ringing else [])])
    first = reading.observed(alarms[0].resource.key) if alarms else None
    page = console.page(first, scene.region)
    return Box(ALARMS, t("Alarms"), Area.BESIDE, state, tuple(lines), scene.notes(items, notes), console=page)


def _recipients(scene: Scene) -> str:
    wanted = scene.settings.monitoring.emails
    topics = (item for item in scene.reading.items.values() if isinstance(item.resource, Topic))
    topic = next((item.observed for item in topics if item.observed), None)
    if wanted and topic is None:
        return scene.t("{} recipients").format(len(wanted))
    reached = len(confirmed(topic, wanted))
    return scene.t("reach {} of {} recipients").format(reached, len(wanted)) if reached else scene.t("reach nobody")


def _backups(scene: Scene) -> Box:
    settings, t = scene.settings, scene.t
    items = scene.reading.below("backup/")
    images = t("daily images, {} kept").format(settings.backup.keep_images)
    lines = (
        *(() if settings.database.instance else (t("database: {} days kept").format(settings.database.backup_days),)),
        images if settings.backup.images else t("no images"),
    )
    return scene.box("backup/images", t("Backups"), Area.BESIDE, items, lines)


def rest(scene: Scene) -> Box:
    """Everything that no other box speaks for, such as roles: so nothing that differs is left out."""
    items = scene.reading.below("")
    lines = (scene.t("{} resources").format(len(items)),)
    state = scene.reading.state(items)
    return Box(REST, scene.t("Everything else"), Area.BESIDE, state, lines, scene.notes(items))


def arrows(scene: Scene) -> Iterator[Arrow]:
    """The lookup of the domain, and copies between buckets."""
    reading = scene.reading
    if ZONE in reading.items:
        yield Arrow(INTERNET, ZONE, "DNS", reading.state([reading.items[ZONE]]))
    if REPLICA in reading.items:
        ends = [reading.state([reading.items[key]]) for key in (UPLOADS, REPLICA)]
        yield Arrow(UPLOADS, REPLICA, scene.t("copies"), Health.worst(ends))
