"""The table of mutants: every documented value once, and the test that notices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from awsdeploy import architecture
from awsdeploy.architecture import alarms, database
from awsdeploy.architecture.storage import PUBLIC
from awsdeploy.config.defaults import PRESETS, SERVICES
from awsdeploy.resources.web.listener import Redirect
from awsdeploy.resources.web.target_group import TargetGroup
from tests.system.mutants.mutants import Mutant

BUILD = "tests/system/documented/test_build_sequence.py::"
BACKUP = "tests/system/documented/test_backup.py::"
COMPUTE = "tests/system/documented/test_compute.py::"
MONITORING = "tests/system/documented/test_monitoring.py::"
PRESETS_TEST = "tests/system/documented/test_presets.py::"
RELEASE = "tests/release/test_manifest.py::"
SCALING = "tests/system/documented/test_scaling.py::"
STORAGE = "tests/system/documented/test_storage.py::"


def reversed_steps() -> dict[str, str]:
    return dict(reversed(architecture.STEPS.items()))


def bent(row: alarms.AlarmRow) -> alarms.AlarmRow:
    """An alarm with another bound."""
    return dataclasses.replace(row, bound=dataclasses.replace(row.bound, threshold=row.bound.threshold + 1))


def sized(preset: str, table: str, key: str, value: object) -> Mapping[str, Any]:
    """The presets with one size altered."""
    return {**PRESETS, preset: {**PRESETS[preset], table: {**PRESETS[preset][table], key: value}}}


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "A",
        "order of the steps",
        BUILD + "test_a_the_steps_are_shown_in_the_documented_order",
        patched={"awsdeploy.architecture.STEPS": reversed_steps()},
    ),
    Mutant(
        "B1",
        "VPC range",
        BUILD + "test_b1_the_vpc_and_its_two_zones",
        written={
            "network.cidr": "10.1.0.0/16",
        },
    ),
    Mutant("B1", "zones", BUILD + "test_b1_the_vpc_and_its_two_zones", written={"network.zones": ("a", "b")}),
    Mutant(
        "B1",
        "DNS in the VPC",
        BUILD + "test_b1_the_vpc_and_its_two_zones",
        patched={"awsdeploy.resources.network.vpc.Vpc.SWITCHES": {"EnableDnsSupport": "enableDnsSupport"}},
    ),
    Mutant(
        "B2",
        "public ranges",
        BUILD + "test_b2_b3_the_four_subnets",
        written={"network.public": ("10.0.11.0/24", "10.0.12.0/24")},
    ),
    Mutant(
        "B3",
        "private ranges",
        BUILD + "test_b2_b3_the_four_subnets",
        written={"network.private": ("10.0.13.0/24", "10.0.14.0/24")},
    ),
    Mutant(
        "B2",
        "who stands in which zone",
        BUILD + "test_b2_who_stands_in_the_public_subnets",
        written={"network.zones": ("c", "a"), "network.public": ("10.0.2.0/24", "10.0.1.0/24")},
    ),
    Mutant(
        "B3",
        "standby",
        BUILD + "test_b3_the_database_has_one_machine_in_each_private_zone",
        written={"database.multi_az": False},
    ),
    Mutant("B4", "NAT gateway", BUILD + "test_b4_gateways_and_routes", written={"network.nat": False}),
    Mutant(
        "C1",
        "web ports",
        BUILD + "test_c1_alb_takes_web_traffic_from_anywhere",
        patched={"awsdeploy.architecture.network.WEB": (80,)},
    ),
    Mutant(
        "C2",
        "frontend's port",
        BUILD + "test_c2_c3_machines_take_their_port_from_alb_and_ssh_from_the_operator",
        written={"services.frontend.port": 3001, "services.backend": {}},
    ),
    Mutant(
        "C3",
        "backend's port",
        BUILD + "test_c2_c3_machines_take_their_port_from_alb_and_ssh_from_the_operator",
        written={"services.backend.port": 9998, "services.frontend": {}},
    ),
    Mutant(
        "C2",
        "port of SSH",
        BUILD + "test_c2_c3_machines_take_their_port_from_alb_and_ssh_from_the_operator",
        patched={"awsdeploy.architecture.network.SSH": 2222},
    ),
    Mutant(
        "C4",
        "port of MySQL",
        BUILD + "test_c4_rds_takes_mysql_from_the_backend_only_and_sends_nothing",
        patched={"awsdeploy.architecture.network.MYSQL": 3307},
    ),
    Mutant(
        "D1",
        "version",
        BUILD + "test_d1_d2_the_database",
        written={"database.engine_version": "8.4"},
    ),
    Mutant(
        "D1",
        "class",
        BUILD + "test_d1_d2_the_database",
        written={"database.instance_class": "db.t3.micro"},
    ),
    Mutant("D1", "storage", BUILD + "test_d1_d2_the_database", written={"database.storage_gb": 30}),
    Mutant("D2", "backups", BUILD + "test_d1_d2_the_database", written={"database.backup_days": 6}),
    Mutant("D2", "Multi-AZ", BUILD + "test_d1_d2_the_database", written={"database.multi_az": False}),
    Mutant(
        "D3",
        "slow query log",
        BUILD + "test_d3_slow_queries_are_logged_to_a_file",
        patched={"awsdeploy.architecture.database.MYSQL_SETTINGS": {**database.MYSQL_SETTINGS, "slow_query_log": "0"}},
    ),
    Mutant(
        "E1",
        "instance type",
        BUILD + "test_e1_e2_the_machines",
        written={"services.frontend.instance_type": "t3.small", "services.backend": {}},
    ),
    Mutant("E1", "system", BUILD + "test_e1_e2_the_machines", written={"platform": "supported"}),
    Mutant(
        "E2",
        "instance type",
        BUILD + "test_e1_e2_the_machines",
        written={"services.backend.instance_type": "t3.small", "services.frontend": {}},
    ),
    Mutant(
        "F1",
        "health path",
        BUILD + "test_f1_f2_the_target_groups",
        written={"services.frontend.health": "/health", "services.backend": {}},
    ),
    Mutant(
        "F2",
        "health path",
        BUILD + "test_f1_f2_the_target_groups",
        written={"services.backend.health": "/health", "services.frontend": {}},
    ),
    Mutant(
        "F3",
        "redirect",
        BUILD + "test_f3_port_80_leads_to_https",
        patched={"awsdeploy.architecture.web.PLAIN": Redirect(host="elsewhere.example.com")},
    ),
    Mutant(
        "F4",
        "paths",
        BUILD + "test_f4_port_443_sends_the_api_to_the_backend_and_the_rest_to_the_frontend",
        written={"services.backend.paths": ("/v1/*",), "services.frontend": {}},
    ),
    Mutant(
        "F4",
        "TLS policy",
        BUILD + "test_f4_port_443_sends_the_api_to_the_backend_and_the_rest_to_the_frontend",
        patched={"awsdeploy.resources.web.listener.TLS_POLICIES": ("ELBSecurityPolicy-2016-08",)},
    ),
    Mutant(
        "F6",
        "health checks",
        BUILD + "test_f6_targets_are_checked_and_healthy",
        patched={
            "awsdeploy.resources.web.load_balancer.TargetGroup.HEALTH": {
                **TargetGroup.HEALTH,
                "UnhealthyThresholdCount": 10,
            }
        },
    ),
    Mutant(
        "G1",
        "domain",
        BUILD + "test_g1_the_domain_is_an_alias_of_the_load_balancer",
        written={"domain": "shop.example.com"},
    ),
    Mutant(
        "G3",
        "names on the certificate",
        BUILD + "test_g3_the_certificate_is_issued_by_dns_and_used",
        written={"aliases": ()},
    ),
    Mutant(
        "D3",
        "exported logs",
        MONITORING + "test_d3_the_slow_query_log_is_written_and_exported",
        patched={"awsdeploy.resources.database.instance.EXPORTS": ("error",)},
    ),
    Mutant(
        "E3",
        "agent",
        COMPUTE + "test_e3_the_agent_is_set_up_by_the_bootstrap",
        patched={"awsdeploy.resources.compute.bootstrap.script": lambda: b"#!/bin/bash\nexit 0\n"},
    ),
    Mutant(
        "E4",
        "largest number",
        SCALING + "test_e4_the_group",
        written={"services.frontend.port": 3000, "services.backend.scaling.max": 5},
    ),
    Mutant(
        "E4",
        "CPU aimed at",
        SCALING + "test_e4_the_policy_follows_the_average_cpu",
        written={"services.frontend.port": 3000, "services.backend.scaling.target_cpu": 56},
    ),
    Mutant(
        "F5",
        "who may write the logs",
        STORAGE + "test_f5_j2_the_load_balancer_writes_its_access_logs_to_s3",
        patched={"awsdeploy.resources.storage.bucket.DELIVERERS": {}},
    ),
    Mutant(
        "G2",
        "how often it asks",
        MONITORING + "test_g2_l6_the_whole_service_is_asked_for_from_outside",
        patched={
            "awsdeploy.resources.monitoring.health_check.HealthCheck.FIXED": {"Type": "HTTPS", "RequestInterval": 10}
        },
    ),
    Mutant(
        "H1",
        "who may read",
        STORAGE + "test_h1_h2_what_strangers_may_read",
        written={"uploads.access": "private"},
    ),
    Mutant("H1", "origins", STORAGE + "test_h1_browsers_come_from_the_domain", written={"aliases": ()}),
    Mutant(
        "H2",
        "what is public",
        STORAGE + "test_h1_h2_what_strangers_may_read",
        patched={"awsdeploy.architecture.storage.PUBLIC": (*PUBLIC, "uploads/temp/")},
    ),
    Mutant(
        "H2",
        "what is temporary",
        STORAGE + "test_h2_what_is_temporary_expires_in_the_copy_too",
        written={"uploads.temp_days": 8},
    ),
    Mutant(
        "H3",
        "versions",
        STORAGE + "test_h2_what_is_temporary_expires_in_the_copy_too",
        written={"uploads.noncurrent_days": 31},
    ),
    Mutant(
        "H4",
        "where the copies are",
        STORAGE + "test_h1_where_the_buckets_stand_and_what_they_are_called",
        written={"uploads.replica_region": "ap-northeast-3"},
    ),
    Mutant(
        "I1",
        "folder",
        RELEASE + "test_i1_the_frontend_is_built_in_its_folder_and_listens_on_3000",
        patched={
            "awsdeploy.config.defaults.SERVICES": {**SERVICES, "frontend": {**SERVICES["frontend"], "directory": "web"}}
        },
    ),
    Mutant(
        "I2",
        "folder",
        RELEASE + "test_i2_the_api_is_built_in_its_folder_and_listens_on_9999",
        patched={
            "awsdeploy.config.defaults.SERVICES": {**SERVICES, "backend": {**SERVICES["backend"], "directory": "api"}}
        },
    ),
    Mutant(
        "I4",
        "name of the address",
        RELEASE + "test_i4_the_frontend_is_told_its_addresses_and_the_api_is_not",
        patched={"awsdeploy.release.manifest.PUBLIC": ("NEXT_PUBLIC_URL", "NEXT_PUBLIC_S3_URL")},
    ),
    Mutant(
        "I3",
        "database user",
        COMPUTE + "test_i3_the_services_find_what_they_need_in_parameter_store",
        written={"database.username": "other"},
    ),
    Mutant(
        "J1",
        "alarm of the certificate",
        MONITORING + "test_j1_f6_l5_an_alarm",
        patched={"awsdeploy.architecture.alarms.CERTIFICATE": bent(alarms.CERTIFICATE)},
    ),
    Mutant(
        "J1",
        "requests of the uploads",
        STORAGE + "test_j1_requests_and_bytes_of_the_uploads_are_counted",
        written={"monitoring.request_metrics": False},
    ),
    Mutant(
        "J2", "how long logs are kept", MONITORING + "test_j2_logs_are_kept_for_thirty_days", written={"logs.days": 14}
    ),
    Mutant("J2", "access logs", STORAGE + "test_j2_access_logs_expire", written={"logs.access_days": 91}),
    Mutant(
        "K1",
        "machines of dev",
        PRESETS_TEST + "test_k1_k2_the_machines",
        patched={"awsdeploy.config.defaults.PRESETS": sized("dev", "service", "instance_type", "t3.small")},
    ),
    Mutant(
        "K1",
        "database of dev",
        PRESETS_TEST + "test_k1_k2_the_database",
        patched={"awsdeploy.config.defaults.PRESETS": sized("dev", "database", "instance_class", "db.t3.small")},
    ),
    Mutant(
        "K2",
        "machines of prod",
        PRESETS_TEST + "test_k1_k2_the_machines",
        patched={"awsdeploy.config.defaults.PRESETS": sized("prod", "service", "instance_type", "t3.large")},
    ),
    Mutant(
        "K2",
        "standby of prod",
        PRESETS_TEST + "test_k1_k2_the_database",
        patched={"awsdeploy.config.defaults.PRESETS": sized("prod", "database", "multi_az", False)},
    ),
    Mutant(
        "L1",
        "days of backups",
        BACKUP + "test_l1_automatic_backups_are_kept_for_seven_days",
        written={"database.backup_days": 6},
    ),
    Mutant(
        "L2",
        "images kept",
        BACKUP + "test_l2_every_machine_has_an_image_made_each_day",
        written={"backup.keep_images": 6},
    ),
    Mutant(
        "L2",
        "time of images",
        BACKUP + "test_l2_every_machine_has_an_image_made_each_day",
        written={"backup.at": "19:00"},
    ),
    Mutant(
        "L3",
        "copying",
        STORAGE + "test_h4_l3_everything_is_copied_to_another_region",
        written={"uploads.replicate": False},
    ),
    Mutant(
        "L4",
        "standby",
        BACKUP + "test_l4_the_database_has_a_standby_in_the_other_zone",
        written={"database.multi_az": False},
    ),
    Mutant(
        "L5",
        "alarm of failed machines",
        MONITORING + "test_j1_f6_l5_an_alarm",
        patched={"awsdeploy.architecture.alarms.SERVICE": tuple(bent(row) for row in alarms.SERVICE)},
    ),
    Mutant(
        "L6",
        "alarm of the health check",
        MONITORING + "test_g2_l6_the_alarm_of_the_health_check_is_where_its_metric_is",
        patched={"awsdeploy.architecture.alarms.HEALTH_CHECK": bent(alarms.HEALTH_CHECK)},
    ),
)
