"""The table of mutants: every documented value once, and the test that notices."""

from __future__ import annotations

from awsdeploy import blueprint
from awsdeploy.blueprint import database
from awsdeploy.resources.listener import Redirect
from awsdeploy.resources.load_balancer import TargetGroup
from tests.architecture.mutants import Mutant

BUILD = "tests/documented/test_build_sequence.py::"


def reversed_steps() -> dict[str, str]:
    return dict(reversed(blueprint.STEPS.items()))


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "A",
        "order of the steps",
        BUILD + "test_a_the_steps_are_shown_in_the_documented_order",
        patched={"awsdeploy.blueprint.STEPS": reversed_steps()},
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
        patched={"awsdeploy.resources.network.Vpc.SWITCHES": {"EnableDnsSupport": "enableDnsSupport"}},
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
        patched={"awsdeploy.blueprint.network.WEB": (80,)},
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
        patched={"awsdeploy.blueprint.network.SSH": 2222},
    ),
    Mutant(
        "C4",
        "port of MySQL",
        BUILD + "test_c4_rds_takes_mysql_from_the_backend_only_and_sends_nothing",
        patched={"awsdeploy.blueprint.network.MYSQL": 3307},
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
        patched={"awsdeploy.blueprint.database.MYSQL_SETTINGS": {**database.MYSQL_SETTINGS, "slow_query_log": "0"}},
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
        patched={"awsdeploy.blueprint.web.PLAIN": Redirect(host="elsewhere.example.com")},
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
        patched={"awsdeploy.resources.listener.TLS_POLICIES": ("ELBSecurityPolicy-2016-08",)},
    ),
    Mutant(
        "F6",
        "health checks",
        BUILD + "test_f6_targets_are_checked_and_healthy",
        patched={
            "awsdeploy.resources.load_balancer.TargetGroup.HEALTH": {
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
)
