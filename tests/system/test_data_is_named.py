"""Every way in which `up` could delete a database or a bucket with files: it needs the key, and changes nothing else.

What `destroy` keeps is in tests/engine/test_destroy.py and tests/system/test_kinds.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sampling import sampled
from tests.simulated import World

pytestmark = pytest.mark.slow

BASE = """\
name = "shop"
environment = "dev"
platform = "supported"

[uploads]
replicate = true
"""
MYSQL, UPLOADS, REPLICA = "database/mysql", "storage/uploads", "storage/replica"
PATHS = [
    ("another database name", BASE + '[database]\nname = "other"\n', (), [MYSQL]),
    ("another database user", BASE + '[database]\nusername = "owner"\n', (), [MYSQL]),
    ("another VPC", BASE + '[network]\ncidr = "10.1.0.0/16"\n', (), [MYSQL]),
    ("other private subnets", BASE + '[network]\nprivate = ["10.0.13.0/24", "10.0.14.0/24"]\n', (), [MYSQL]),
    ("no copy of the uploads", BASE.replace("true", "false"), (), [REPLICA]),
    ("the copy in another region", BASE + 'replica_region = "ap-northeast-3"\n', (), [REPLICA]),
    ("--replace the database", BASE, ("--replace", MYSQL), [MYSQL]),
    ("--replace the uploads", BASE, ("--replace", UPLOADS), [UPLOADS]),
    ("--replace the copy", BASE, ("--replace", REPLICA), [REPLICA]),
    ("--replace the VPC", BASE, ("--replace", "network/vpc"), [MYSQL]),
    ("--replace a private subnet", BASE, ("--replace", "network/private-a"), []),
    ("--replace the subnet group", BASE, ("--replace", "database/subnets"), [MYSQL]),
]
EXIT_USAGE, EXIT_REFUSED = 64, 5


@pytest.mark.parametrize(("why", "text", "flags", "lost"), sampled(PATHS))
def test_data_is_deleted_only_if_it_is_named(
    brought_up: Callable[[str], World], why: str, text: str, flags: tuple[str, ...], lost: list[str]
) -> None:
    world = brought_up(BASE)
    world.settings(text)
    world.control("DELETE", "calls")
    refused = world.awsdeploy("up", "--yes", *flags)
    assert refused.returncode == (EXIT_USAGE if lost else EXIT_REFUSED), why + refused.stdout + refused.stderr
    for key in lost:
        assert f"To allow it: --delete-data {key}" in refused.stderr
    assert [row["call"] for row in world.control("GET", "calls")["calls"] if row["write"]] == []
    other = world.awsdeploy("up", "--yes", *flags, "--delete-data", "web/alb")
    assert other.returncode == refused.returncode, "another key allows nothing"
    assert [row["call"] for row in world.control("GET", "calls")["calls"] if row["write"]] == []
