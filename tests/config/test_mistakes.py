"""Every mistake in a config is caught before AWS hears of it, with its line, its key and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from awsdeploy.cli import awsdeploy
from awsdeploy.config import load, loads, repository
from awsdeploy.config.schema import json_schema
from awsdeploy.config.settings import NetworkSettings
from awsdeploy.errors import ConfigInvalid

GOOD = 'name = "shop"\nplatform = "supported"\n'


ON_S3 = '[[services.worker.statements]]\nactions = ["s3:GetObject"]\nresources = '


class ConfigCase(NamedTuple):
    """`text` is appended to a good config of two lines; `says` are parts of the one line about `where`."""

    name: str
    text: str
    where: str
    says: tuple[str, ...]


CASES = [
    ConfigCase("unknown key", 'enviroment = "prod"', "3: enviroment", ("unknown key", "did you mean environment")),
    ConfigCase(
        "hyphen for underscore", "[database]\nmulti-az = true", "4: database.multi-az", ("did you mean multi_az",)
    ),
    ConfigCase("key in the wrong table", 'ssh_from = ["1.2.3.4/32"]', "3: ssh_from", ("belongs in [network]",)),
    ConfigCase("key below a table", '[network]\ndomain = "a.com"', "4: network.domain", ("above the first [table]",)),
    ConfigCase("a password", '[database]\npassword = "hunter2"', "4: database.password", ("Parameter Store",)),
    ConfigCase(
        "a service's name inside it", '[services.web]\nname = "web"', "4: services.web.name", ("[services.web]",)
    ),
    ConfigCase(
        "text for a number", '[services.backend]\nport = "9999"', "4: services.backend.port", ("9999 without quotes",)
    ),
    ConfigCase("a number for text", "domain = 12", "3: domain", ("text in quotes, got 12",)),
    ConfigCase("text for true", 'create_zone = "true"', "3: create_zone", ("write true without quotes",)),
    ConfigCase("text for a list", '[network]\nzones = "a"', "4: network.zones", ('write ["a"]',)),
    ConfigCase("a value for a table", "network = 3", "3: network", ("expected a table, got 3",)),
    ConfigCase("a list for a table", "services = []", "3: services", ("expected a table",)),
    ConfigCase("a date for text", "timezone = 2026-01-01", "3: timezone", ("text in quotes",)),
    ConfigCase(
        "true for a number", "[database]\nstorage_gb = true", "4: database.storage_gb", ("whole number, got true",)
    ),
    ConfigCase("a float version", "[database]\nengine_version = 8.0", "4: database.engine_version", ('write "8.0"',)),
    ConfigCase(
        "an unsupported version",
        '[database]\nengine_version = "5.7"',
        "4: database.engine_version",
        ('"8.0" or "8.4"',),
    ),
    ConfigCase("a huge number", f"[database]\nstorage_gb = {10**40}", "4: database.storage_gb", ("20 to 65536",)),
    ConfigCase("a number Python cannot print", f"preset = 0x{'f' * 5000}", "3: preset", ("more than 20 digits",)),
    ConfigCase("not a number", "[waits]\nsettle = nan", "4: waits.settle", ("an ordinary number",)),
    ConfigCase("infinite patience", "[waits]\npoll_floor = inf", "4: waits.poll_floor", ("an ordinary number",)),
    ConfigCase("negative settle", "[waits]\nsettle = -1", "4: waits.settle", ("0 to 600",)),
    ConfigCase("a key in brackets", '"[key]" = 1', '3: "[key]"', ("unknown key",)),
    ConfigCase(
        "ceiling under floor", "[waits]\npoll_floor = 40", "3: waits.poll_ceiling", ("at least poll_floor (40)",)
    ),
    ConfigCase("region typo", 'region = "ap-northeast2"', "3: region", ('did you mean "ap-northeast-2"',)),
    ConfigCase("a zone for a region", 'region = "ap-northeast-2a"', "3: region", ('did you mean "ap-northeast-2"',)),
    ConfigCase("time zone by city", 'timezone = "Seoul"', "3: timezone", ('did you mean "Asia/Seoul"',)),
    ConfigCase("time zone outside", 'timezone = "../../etc/passwd"', "3: timezone", ("IANA",)),
    ConfigCase("preset typo", 'preset = "production"', "3: preset", ('"dev" or "prod"', 'did you mean "prod"')),
    ConfigCase("unnamed environment", 'environment = "staging"', "config.toml: preset", ('preset = "dev"',)),
    ConfigCase(
        "environment with a hyphen", 'environment = "pr-1"\npreset = "dev"', "3: environment", ('for example "pr1"',)
    ),
    ConfigCase("long environment", f'environment = "{"e" * 17}"\npreset = "dev"', "3: environment", ("this has 17",)),
    ConfigCase("a source that is none", '[release]\nsource = "gti"', "4: release.source", ('did you mean "git"',)),
    ConfigCase(
        "git without a repository", '[release]\nsource = "git"', "3: release.repository", ('such as repository = "',)
    ),
    ConfigCase("a repository of its own", 'repository = "https://a.com/b"', "3: repository", ("belongs in [release]",)),
    ConfigCase(
        "a token in the repository's address",
        '[release]\nrepository = "https://me:ghp_16C7e42F@github.com/a/b.git"',
        "4: release.repository",
        ("without a password or token", 'write "https://github.com/a/b.git"', "awsdeploy repository connect"),
    ),
    ConfigCase(
        "a bare token",
        '[release]\nrepository = "https://t0ken@h.com/a"',
        "4: release.repository",
        ("repository connect",),
    ),
    ConfigCase(
        "a password for ssh",
        '[release]\nrepository = "ssh://a:b@h/c"',
        "4: release.repository",
        ("without a password",),
    ),
    ConfigCase(
        "a repository in the clear",
        '[release]\nrepository = "http://github.com/a/b"',
        "4: release.repository",
        ('write "https://github.com/a/b"',),
    ),
    ConfigCase(
        "a folder for a repository", '[release]\nrepository = "../shop"', "4: release.repository", ("git@github.com",)
    ),
    ConfigCase(
        "a flag for a repository", '[release]\nrepository = "--upload-pack=x"', "4: release.repository", ("https://",)
    ),
    ConfigCase(
        "domain as a URL", 'domain = "https://example.com/x"', "3: domain", ('write only the name: "example.com"',)
    ),
    ConfigCase("domain without a dot", 'domain = "localhost"', "3: domain", ("contains a dot",)),
    ConfigCase("empty domain", 'domain = ""', "3: domain", ("contains a dot",)),
    ConfigCase("two dots", 'domain = "a..com"', "3: domain", ("nothing between two dots",)),
    ConfigCase("hyphen at an edge", 'domain = "-a.com"', "3: domain", ("no hyphen at either end",)),
    ConfigCase("underscore", 'domain = "my_shop.com"', "3: domain", ("letters, digits and hyphens",)),
    ConfigCase("a long label", f'domain = "{"a" * 64}.com"', "3: domain", ("at most 63 characters",)),
    ConfigCase(
        "a long domain", f'domain = "{"a" * 40}.{"b" * 30}.com"', "3: domain", ("at most 64 characters", "got 75")
    ),
    ConfigCase("an address", 'domain = "203.0.113.7"', "3: domain", ("IP address has no certificate",)),
    ConfigCase("a port", 'domain = "example.com:443"', "3: domain", ("without a port",)),
    ConfigCase("a wildcard", 'domain = "*.example.com"', "3: domain", ("wildcard",)),
    ConfigCase("a public suffix", 'domain = "co.kr"', "3: domain", ("public suffix",)),
    ConfigCase("broken punycode", 'domain = "xn--a-.com"', "3: domain", ("letters, digits",)),
    ConfigCase("disputed IDNA", 'domain = "straße.de"', "3: domain", ("xn--",)),
    ConfigCase("control characters", 'domain = "a\\u0000.com"', "3: domain", ("\\u0000", "control characters")),
    ConfigCase(
        "an alias twice", 'domain = "a.com"\naliases = ["www", "www.a.com"]', "4: aliases[1]", ("each name once",)
    ),
    ConfigCase("the domain as alias", 'domain = "a.com"\naliases = ["a.com"]', "4: aliases[0]", ("each name once",)),
    ConfigCase("alias elsewhere", 'domain = "a.com"\naliases = ["www.b.com"]', "4: aliases[0]", ('under "a.com"',)),
    ConfigCase("alias alone", 'aliases = ["www"]', "3: aliases", ("expected a domain as well",)),
    ConfigCase(
        "external alone", '[dns]\nmode = "external"', "4: dns.mode", ("expected a domain as well", '"external"')
    ),
    ConfigCase(
        "no such mode", 'domain = "a.com"\n[dns]\nmode = "gabia"', "5: dns.mode", ('"route53"', '"external"', '"none"')
    ),
    ConfigCase(
        "a zone elsewhere",
        'domain = "a.com"\ncreate_zone = true\n[dns]\nmode = "external"',
        "4: create_zone",
        ("expected false", '"external"'),
    ),
    ConfigCase(
        "copies for no zone",
        'domain = "a.com"\n[dns]\ncopy_records = true',
        "5: dns.copy_records",
        ("expected create_zone = true",),
    ),
    ConfigCase("zone alone", "create_zone = true", "3: create_zone", ("expected a domain as well",)),
    ConfigCase(
        "too many names",
        f'domain = "a.com"\naliases = {[f"n{number}" for number in range(10)]}',
        "4: aliases",
        ("at most 9 aliases", "got 10"),
    ),
    ConfigCase("one zone", '[network]\nzones = ["a"]', "4: network.zones", ("two zones or more", '["a", "c"]')),
    ConfigCase("a zone twice", '[network]\nzones = ["a", "a"]', "4: network.zones[1]", ("each zone once",)),
    ConfigCase(
        "full zone name", '[network]\nzones = [\n"ap-northeast-2a",\n"c"]', "5: network.zones[0]", ('write "a"',)
    ),
    ConfigCase("host bits", '[network]\ncidr = "10.0.0.1/16"', "4: network.cidr", ('write "10.0.0.0/16"',)),
    ConfigCase("VPC too wide", '[network]\ncidr = "10.0.0.0/8"', "4: network.cidr", ("/16 to /28",)),
    ConfigCase("VPC too narrow", '[network]\ncidr = "10.0.0.0/29"', "4: network.cidr", ("/16 to /28",)),
    ConfigCase("VPC of no use", '[network]\ncidr = "127.0.0.0/16"', "4: network.cidr", ("a range AWS can use",)),
    ConfigCase("IPv6", '[network]\ncidr = "fd00::/64"', "4: network.cidr", ("IPv6 is not supported",)),
    ConfigCase("no range at all", '[network]\ncidr = "ten"', "4: network.cidr", ('such as "10.0.0.0/16"',)),
    ConfigCase(
        "subnet outside",
        '[network]\npublic = ["10.0.1.0/24", "10.9.2.0/24"]',
        "4: network.public[1]",
        ("inside the VPC's 10.0.0.0/16",),
    ),
    ConfigCase(
        "overlap",
        '[network]\npublic = ["10.0.1.0/24", "10.0.1.128/25"]',
        "4: network.public[1]",
        ("do not overlap", "network.public[0] (10.0.1.0/24)"),
    ),
    ConfigCase(
        "overlap with a default",
        '[network]\npublic = ["10.0.1.0/24", "10.0.3.0/24"]',
        "network.private[0]",
        ("overlaps network.public[1]",),
    ),
    ConfigCase(
        "more subnets than zones", '[network]\nprivate = ["10.0.3.0/24"]', "4: network.private", ("2 ranges", "got 1")
    ),
    ConfigCase(
        "load balancer without room",
        '[network]\npublic = ["10.0.1.0/28", "10.0.2.0/24"]',
        "4: network.public[0]",
        ("/16 to /27",),
    ),
    ConfigCase(
        "SSH from an address", '[network]\nssh_from = ["203.0.113.7"]', "4: network.ssh_from[0]", ("203.0.113.7/32",)
    ),
    ConfigCase(
        "SSH from everywhere", '[network]\nssh_from = ["0.0.0.0/0"]', "4: network.ssh_from[0]", ("SSH to the internet",)
    ),
    ConfigCase(
        "port too high", "[services.backend]\nport = 65536", "4: services.backend.port", ("1 to 65535, got 65536",)
    ),
    ConfigCase("port zero", "[services.backend]\nport = 0", "4: services.backend.port", ("1 to 65535",)),
    ConfigCase("too many instances", "[services.worker]\ninstances = 21", "4: services.worker.instances", ("1 to 20",)),
    ConfigCase("no instances", "[services.worker]\ninstances = 0", "4: services.worker.instances", ("1 to 20",)),
    ConfigCase(
        "class for a type", '[services.worker]\ninstance_type = "db.t3.micro"', "instance_type", ('write "t3.micro"',)
    ),
    ConfigCase(
        "instances beside scaling",
        "[services.worker]\ninstances = 2\n[services.worker.scaling]\nmax = 3",
        "4: services.worker.instances",
        ("either instances or [services.worker.scaling]", "got both"),
    ),
    ConfigCase(
        "fewer at most than at least",
        "[services.worker.scaling]\nmin = 3\nmax = 2",
        "5: services.worker.scaling.max",
        ("at least min (3), got 2",),
    ),
    ConfigCase(
        "no machine at least", "[services.worker.scaling]\nmin = 0", "4: services.worker.scaling.min", ("1 to 20",)
    ),
    ConfigCase(
        "a busy target", "[services.worker.scaling]\ntarget_cpu = 95", "scaling.target_cpu", ("10 to 90, got 95",)
    ),
    ConfigCase(
        "a health of its own", '[services.worker.scaling]\nhealth = "alb"', "scaling.health", ('"ec2" or "elb"',)
    ),
    ConfigCase(
        "a worker that a load balancer looks at",
        '[services.worker.scaling]\nhealth = "elb"',
        "4: services.worker.scaling.health",
        ('"ec2" for a worker',),
    ),
    ConfigCase(
        "max outside scaling", "[services.web]\nmax = 3", "4: services.web.max", ("belongs in [services.web.scaling]",)
    ),
    ConfigCase(
        "a misspelt scaling key", "[services.web.scaling]\nmaxx = 3", "4: services.web.scaling.maxx", ("mean max",)
    ),
    ConfigCase(
        "an Arm type", '[services.worker]\ninstance_type = "t4g.micro"', "instance_type", ("x86", "t4g.micro is Arm")
    ),
    ConfigCase("not a size", '[services.worker]\ninstance_type = "t3.mega"', "instance_type", ('"t3.medium"',)),
    ConfigCase("small disk", "[services.worker]\nvolume_gb = 4", "4: services.worker.volume_gb", ("8 to 16384",)),
    ConfigCase("a path without a port", '[services.web]\npaths = ["/*"]', "4: services.web.paths", ("port = 8080",)),
    ConfigCase("a port without a path", "[services.web]\nport = 80", "4: services.web.port", ('paths = ["/web/*"]',)),
    ConfigCase(
        "nginx before a worker", "[services.job]\nnginx = true", "4: services.job.nginx", ("a worker has no port",)
    ),
    ConfigCase(
        "no room above the port for nginx",
        '[services.web]\nport = 23000\npaths = ["/*"]\nnginx = true',
        "4: services.web.port",
        ("at most 22767 with nginx, got 23000",),
    ),
    ConfigCase(
        "health of a worker", '[services.job]\nhealth = "/"', "4: services.job.health", ("a worker has no port",)
    ),
    ConfigCase(
        "nobody answers the rest",
        '[services.api]\nport = 80\npaths = ["/api/*"]',
        "3: services",
        ('one service with "/*"',),
    ),
    ConfigCase(
        "the same path",
        '[services.frontend]\n[services.backend]\npaths = ["/x", "/*"]',
        "5: services.backend.paths[1]",
        ("the rest to go to one service", "frontend"),
    ),
    ConfigCase("a path without a slash", '[services.backend]\npaths = ["api/*"]', "paths[0]", ('write "/api/*"',)),
    ConfigCase("a long path", f'[services.backend]\npaths = ["/{"a" * 128}"]', "paths[0]", ("at most 128", "129")),
    ConfigCase("wildcards", '[services.backend]\npaths = ["/*/x/*"]', "paths[0]", ("at most one wildcard",)),
    ConfigCase("a strange path", '[services.backend]\npaths = ["/a b"]', "paths[0]", ("only letters",)),
    ConfigCase("a relative health path", '[services.backend]\nhealth = "ok"', "health", ('begins with "/"',)),
    ConfigCase(
        "status codes that AWS does not take",
        '[services.backend]\nhealth_status = "200-503"',
        "4: services.backend.health_status",
        ("from 200 to 499", '"200,404"'),
    ),
    ConfigCase("a range backwards", '[services.backend]\nhealth_status = "399-200"', "health_status", ("200-399",)),
    ConfigCase("a word for codes", '[services.backend]\nhealth_status = "2xx"', "health_status", ("200-399",)),
    ConfigCase(
        "codes that the placeholder does not have",
        '[services.backend]\nhealth_status = "204"',
        "health_status",
        ("include 200", "before the first release"),
    ),
    ConfigCase(
        "codes beside tcp",
        '[services.backend]\nhealth = "tcp"\nhealth_status = "200"',
        "5: services.backend.health_status",
        ('no status codes with health = "tcp"',),
    ),
    ConfigCase(
        "a prefix to strip from a pattern",
        '[services.backend]\npaths = ["/*/api"]\nstrip_prefix = true',
        "4: services.backend.paths[0]",
        ("expected a path such as /api or /api/*",),
    ),
    ConfigCase(
        "a prefix to strip from every path",
        "[services.frontend]\nstrip_prefix = true",
        "services.frontend.paths",
        ("expected a path such as /api or /api/*", '"/*"'),
    ),
    ConfigCase(
        "a prefix of a worker",
        "[services.job]\nstrip_prefix = true",
        "4: services.job.strip_prefix",
        ("a worker gets no requests",),
    ),
    ConfigCase(
        "codes of a worker", '[services.job]\nhealth_status = "200"', "4: services.job", ("a worker has no port",)
    ),
    ConfigCase("service in capitals", "[services.Web]\nport = 80", "3: services.Web", ('for example "web"',)),
    ConfigCase("a long service name", f"[services.{'s' * 21}]\n", "3: services.s", ("this has 21",)),
    ConfigCase("service called alb", "[services.alb]\n", "3: services.alb", ("already uses the name",)),
    ConfigCase("a misspelt service key", "[services.web]\npath = 1", "4: services.web.path", ("did you mean paths",)),
    ConfigCase("a port on top", "port = 80", "3: port", ("belongs in [services.NAME]",)),
    ConfigCase("another access", '[uploads]\naccess = "open"', "4: uploads.access", ('"public" or "private"',)),
    ConfigCase(
        "copies at home", '[uploads]\nreplica_region = "ap-northeast-2"', "4: uploads.replica_region", ("another",)
    ),
    ConfigCase("files that never expire", "[uploads]\ntemp_days = 0", "4: uploads.temp_days", ("1 to 365",)),
    ConfigCase("a period AWS does not offer", "[logs]\ndays = 31", "4: logs.days", ("30 is nearest",)),
    ConfigCase("no address", '[monitoring]\nemails = ["ops"]', "4: monitoring.emails[0]", ("ops@example.com",)),
    ConfigCase("no time of day", '[backup]\nat = "25:00"', "4: backup.at", ('"18:00"',)),
    ConfigCase("no images kept", "[backup]\nkeep_images = 0", "4: backup.keep_images", ("1 to 1000",)),
    ConfigCase("too much backup", "[database]\nbackup_days = 36", "4: database.backup_days", ("0 to 35",)),
    ConfigCase("little storage", "[database]\nstorage_gb = 10", "4: database.storage_gb", ("20 to 65536",)),
    ConfigCase("no room to grow", "[database]\nstorage_gb = 100", "3: database.max_storage_gb", ("at least 110",)),
    ConfigCase(
        "type for a class", '[database]\ninstance_class = "t3.micro"', "instance_class", ('write "db.t3.micro"',)
    ),
    ConfigCase("reserved user", '[database]\nusername = "select"', "4: database.username", ('"app" or "admin"',)),
    ConfigCase("RDS's user", '[database]\nusername = "rdsadmin"', "4: database.username", ("RDS",)),
    ConfigCase("long user", f'[database]\nusername = "{"u" * 17}"', "4: database.username", ("1–16",)),
    ConfigCase("reserved database", '[database]\nname = "mysql"', "4: database.name", ('"mysql_db"',)),
    ConfigCase("database with a hyphen", '[database]\nname = "my-shop"', "4: database.name", ("underscores",)),
    ConfigCase("no TOML: bare text", "domain = example.com", "3: not TOML", ('write domain = "example.com"',)),
    ConfigCase("no TOML: a colon", "domain: 3", "3: not TOML", ("key = value",)),
    ConfigCase("no TOML: True", "create_zone = True", "3: not TOML", ("write create_zone = true",)),
    ConfigCase("no TOML: twice", 'name = "again"', "3: not TOML", ("defined twice",)),
    ConfigCase(
        "a service called like a folder", "[services.database]", "3: services.database", ("already uses the name",)
    ),
    ConfigCase(
        "a word for an address", '[network]\nssh_from = ["me"]', "4: network.ssh_from[0]", ('"auto" for your own',)
    ),
    ConfigCase("a key pair with a space", '[network]\nkey_pair = " a"', "4: network.key_pair", ("key pair in EC2",)),
    ConfigCase(
        "a policy without an ARN",
        '[services.backend]\npolicies = ["AmazonSESFullAccess"]',
        "4: services.backend.policies[0]",
        ("arn:aws:iam::aws:policy/AmazonSESFullAccess", "[[services.NAME.statements]]"),
    ),
    ConfigCase(
        "eleven policies",
        f"[services.worker]\npolicies = {json.dumps(['arn:aws:iam::aws:policy/A'] * 11)}",
        "4: services.worker.policies",
        ("at most 10", "got 11"),
    ),
    ConfigCase(
        "every action",
        '[[services.worker.statements]]\nactions = ["*"]\nresources = ["*"]',
        "4: services.worker.statements[0].actions[0]",
        ("ses:SendEmail", "every AWS action"),
    ),
    ConfigCase(
        "no ARN",
        '[[services.worker.statements]]\nactions = ["sqs:SendMessage"]\nresources = ["orders"]',
        "5: services.worker.statements[0].resources[0]",
        ("an ARN such as",),
    ),
    ConfigCase(
        "an unknown placeholder",
        ON_S3 + '["arn:aws:sqs:{regoin}:{account}:orders"]',
        "5: services.worker.statements[0].resources[0]",
        ("did you mean {region}?",),
    ),
    ConfigCase(
        "an unknown bucket",
        ON_S3 + '["arn:aws:s3:::{bucket:storage/upload}/*"]',
        "5: services.worker.statements[0].resources[0]",
        ("did you mean {bucket:storage/uploads}?",),
    ),
    ConfigCase(
        "a bucket without its area",
        ON_S3 + '["arn:aws:s3:::{bucket:uploads}/*"]',
        "5: services.worker.statements[0].resources[0]",
        ("did you mean {bucket:storage/uploads}?",),
    ),
    ConfigCase(
        "a bucket by its short name",
        ON_S3 + '["arn:aws:s3:::shop-prod-uploads/*"]',
        "5: services.worker.statements[0].resources[0]",
        ('write "arn:aws:s3:::{bucket:storage/uploads}/*"',),
    ),
    ConfigCase(
        "a bucket by a guess",
        ON_S3 + '["arn:aws:s3:::{stack}-logs-*"]',
        "5: services.worker.statements[0].resources[0]",
        ('write "arn:aws:s3:::{bucket:storage/logs}"',),
    ),
    ConfigCase(
        "a copy that is not made",
        "[uploads]\nreplicate = false\n[[services.worker.statements]]\n"
        'actions = ["s3:GetObject"]\nresources = ["arn:aws:s3:::{bucket:storage/replica}/*"]',
        "7: services.worker.statements[0].resources[0]",
        ("uploads.replicate = true",),
    ),
    ConfigCase(
        "an unknown placeholder in a condition",
        '[[services.worker.statements]]\nactions = ["s3:GetObject"]\nresources = ["*"]\n'
        'conditions = {StringLike = {"s3:prefix" = "{acount}/*"}}',
        '6: services.worker.statements[0].conditions.StringLike."s3:prefix"',
        ("did you mean {account}?",),
    ),
    ConfigCase(
        "nothing allowed",
        '[[services.worker.statements]]\nactions = []\nresources = ["*"]',
        "4: services.worker.statements[0].actions",
        ("at least one",),
    ),
    ConfigCase(
        "no resources",
        '[[services.worker.statements]]\nactions = ["ses:SendEmail"]',
        "3: services.worker.statements[0].resources",
        ("missing",),
    ),
    ConfigCase(
        "IAM's own words",
        '[[services.worker.statements]]\nActions = ["ses:SendEmail"]\nactions = ["a:B"]\nresources = ["*"]',
        "4: services.worker.statements[0].Actions",
        ("did you mean actions",),
    ),
    ConfigCase(
        "endless statements",
        "".join(
            f'[[services.worker.statements]]\nactions = ["a:B"]\nresources = ["arn:aws:sqs:r:1:{"q" * 900}"]\n'
            for _ in range(7)
        ),
        "services.worker.statements",
        ("6000 characters",),
    ),
    ConfigCase(
        "an attribute without its key", '[drift]\nignore = ["idle_timeout"]', "4: drift.ignore", ("KEY:ATTRIBUTE",)
    ),
    ConfigCase("no TOML: open quote", 'domain = "a', "3: not TOML", ()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_told_with_its_line_its_key_and_a_remedy(case: ConfigCase) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads(GOOD + case.text)
    told = [line for line in refusal.value.message.splitlines() if case.where in line]
    assert told, refusal.value.message
    assert refusal.value.message.count("\n") == 0, "one mistake makes one line"
    for part in case.says:
        assert part in told[0]
    assert refusal.value.hint
    assert refusal.value.exit_code == 64


def tables(schema: dict[str, Any], header: str = "") -> Iterator[tuple[str, list[str]]]:
    """The header of every table that the schema knows, and its keys."""
    defs, properties = json_schema()["$defs"], schema["properties"]
    yield header, list(properties)
    for key, said in properties.items():
        for name in re.findall(r"#/\$defs/(\w+)", json.dumps(said)):
            many = said.get("type") == "object"
            inner = f"{header.strip('[]')}.{key}{'.web' if many else ''}".lstrip(".")
            yield from tables(defs[name], f"[[{inner}]]" if said.get("type") == "array" else f"[{inner}]")


@pytest.mark.parametrize(("header", "keys"), list(tables(json_schema())))
def test_every_key_of_every_table_is_found_when_it_is_misspelt_or_misplaced(header: str, keys: list[str]) -> None:
    for key in keys:
        misspelt = f"{key}{key[-1]}"
        with pytest.raises(ConfigInvalid) as refusal:
            loads(f"{GOOD}{header}\n{misspelt} = 1")
        assert f"{misspelt}: unknown key; did you mean {key}?" in refusal.value.message
        if header:
            with pytest.raises(ConfigInvalid) as refusal:
                loads(f"{GOOD}[{'network' if key not in NetworkSettings.model_fields else 'logs'}]\n{key} = 1")
            assert header.replace(".web", ".NAME") in refusal.value.message
    with pytest.raises(ConfigInvalid, match=f"unknown key; valid keys here: {', '.join(keys)}"):
        loads(f"{GOOD}{header}\nzzz = 1")


def test_a_key_of_several_tables_names_them_all() -> None:
    with pytest.raises(
        ConfigInvalid, match=re.escape("health belongs in [services.NAME] or in [services.NAME.scaling]")
    ):
        loads(f"{GOOD}[network]\nhealth = 1")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Shop", 'for example "shop"'),
        ("my_shop", 'for example "my-shop"'),
        ("my--shop", 'for example "my-shop"'),
        ("shop-", 'for example "shop"'),
        ("1shop", "beginning with a letter"),
        ("", "beginning with a letter"),
        ("s" * 33, "this has 33"),
        ("shop\n", "lowercase letters"),
        ("쇼핑", "lowercase letters"),
        ("awshop", 'does not begin with "aws"'),
        ("ssm-x", 'does not begin with "ssm"'),
        ("sg-shop", 'does not begin with "sg-"'),
        ("internal-shop", 'AWS reserves names that begin like this; use "my-internal-shop"'),
        ("sthree-shop", 'does not begin with "sthree-"'),
        ("amzn-s3-demo-shop", 'does not begin with "amzn-s3-demo-"'),
        ("xn--shop", "single hyphens"),
    ],
)
def test_a_name_that_aws_would_refuse_is_refused_here(name: str, says: str) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads(f'platform = "supported"\nname = {name!a}'.replace("'", '"'))
    assert refusal.value.message.startswith("config.toml:2: name: expected")
    assert says in refusal.value.message


@pytest.mark.parametrize(
    ("name", "environment"), [("sg", "prod"), ("internal", "prod"), ("sthree", "dev"), ("amzn-s3", "demo")]
)
def test_a_name_that_aws_reserves_only_with_the_environment_is_refused_too(name: str, environment: str) -> None:
    """Names of AWS begin with both: `sg-prod-backend` is no name of a security group."""
    with pytest.raises(ConfigInvalid) as refusal:
        loads(f'name = "{name}"\nenvironment = "{environment}"\npreset = "dev"\nplatform = "supported"')
    assert f'got "{name}-{environment}"' in refusal.value.message
    assert f'use "my-{name}"' in refusal.value.message
    loads(f'name = "my-{name}"\nenvironment = "{environment}"\npreset = "dev"\nplatform = "supported"')


def test_name_and_environment_together_have_a_limit() -> None:
    with pytest.raises(ConfigInvalid, match="at most 40 characters in the stack's name, got 45"):
        loads(f'name = "{"n" * 32}"\nenvironment = "environment1"\npreset = "dev"\nplatform = "supported"')


def test_platform_has_no_default_and_both_choices_are_told_with_their_cost() -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads('name = "shop"')
    for part in ('platform = "supported"', 'platform = "documented"', "+$175/month", "+$350/month", "2026-06-30"):
        assert part in refusal.value.message


@pytest.mark.parametrize("wrong", ['platfrom = "supported"', '[network]\nplatform = "supported"'])
def test_a_misspelt_or_misplaced_platform_is_not_also_called_missing(wrong: str) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads(f'name = "shop"\n{wrong}')
    assert "\n" not in refusal.value.message
    assert "platform" in refusal.value.message


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = 'name = "Shop"\ndomain = "x"\n[network]\nzones = ["a"]\ncidr = "10.0.0.0/8"\n[database]\nbackup = 3\n'
    with pytest.raises(ConfigInvalid) as refusal:
        loads(text)
    lines = refusal.value.message.splitlines()
    assert lines[0] == "6 mistakes in the settings"
    places = [line.split(": ")[0] for line in lines if line.startswith("config.toml:") and line[12].isdigit()]
    assert places == ["config.toml:1", "config.toml:2", "config.toml:4", "config.toml:5", "config.toml:7"]


def test_a_wrong_file_does_not_flood_the_screen() -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads("\n".join(f"key{number} = 1" for number in range(200)))
    lines = refusal.value.message.splitlines()
    assert (lines[0], lines[-1]) == ("202 mistakes in the settings", "… and 152 more")
    assert len(lines) < 60


def test_a_mistake_is_not_repeated_in_what_follows_from_it() -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads(GOOD + '[network]\ncidr = "192.168.0.1/16"\npublic = ["192.168.1.0/24", "192.168.2.0/24"]')
    assert "\n" not in refusal.value.message


def test_no_secret_written_by_mistake_is_printed() -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads(GOOD + '[database]\npassword = "hunter2"\nmaster_key = "hunter3"')
    assert "hunter" not in refusal.value.message


@pytest.mark.parametrize(
    "url", ["https://me:hunter2@a.com/b", "hunter2@https://a.com", "https://a.com/b?token=hunter2"]
)
def test_no_secret_in_a_repositorys_address_is_printed(url: str) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        loads(GOOD + f'[release]\nrepository = "{url}"')
    assert "repository connect" in refusal.value.hint + refusal.value.message
    assert "hunter2" not in refusal.value.message


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://github.com/acme/shop.git", "github.com"),
        ("https://git.example.com:8443/acme/group/shop", "git.example.com:8443"),
        ("http://127.0.0.1:3000/shop.git", "127.0.0.1:3000"),
        ("git@github.com:acme/shop.git", "github.com"),
        ("ssh://git@git.example.com:2222/~acme/shop.git", "[git.example.com]:2222"),
    ],
)
def test_a_repository_is_reached_by_https_or_ssh(url: str, place: str) -> None:
    settings = loads(GOOD + f'[release]\nsource = "git"\nrepository = "{url}"')
    assert repository.place(settings.release.repository) == place
    assert repository.by_ssh(url) == ("git@" in url)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfen\x00", "config.toml:1: this is not UTF-8 text"),
        (b'name = "a"\ndomain = "\xff"', "config.toml:2: this is not UTF-8 text"),
        (b"a = " + b"[" * 5000, "has too many levels of nesting"),
        (b"a = " + b"9" * 5000, "too many digits"),
        (b"#" * (256 * 1024 + 1), "larger than 256 KB"),
        (b"a" + b".a" * 3000 + b" = 1", "has too many levels of nesting"),
        (b"\x00", "not TOML"),
    ],
    ids=["UTF-16", "Latin-1", "deep", "long number", "large", "deep key", "NUL"],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigInvalid) as refusal:
        load(path)
    assert says in refusal.value.message


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).origin("platform") == f"{path}:2"


def test_a_missing_file_leads_to_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as refusal:
        load(tmp_path / "config.toml")
    assert "awsdeploy init" in refusal.value.hint


def test_a_folder_and_an_unreadable_place_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / ("x" * 300), Path("\0")):
        with pytest.raises(ConfigInvalid):
            load(path)


def test_the_command_ends_with_64_and_says_everything_on_stderr(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD + "domain = 3\n")
    result = CliRunner().invoke(awsdeploy, ["config", "show", "--config", str(path)])
    assert result.exit_code == 64
    assert result.stdout == ""
    assert f"Error: {path}:3: domain: expected text in quotes, got 3" in result.stderr
    assert "→ Correct this" in result.stderr
