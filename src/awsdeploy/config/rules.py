"""Rules for one value: names that AWS accepts, ranges, paths, machine sizes, time zones.

Each rule takes a value of the right type and returns it (in its one written form) or raises `Wrong`.
No rule looks at a second value: that is `consistency`'s part.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from ipaddress import IPv4Network

from awsdeploy.config.words import RDS_USERS, RESERVED, SYSTEM_SCHEMAS
from awsdeploy.config.wrong import Wrong

# A stack's name and a hyphen begin the names of its load balancer (AWS refuses internal-…), its security groups (sg-…)
# and its buckets (the rest: S3 User Guide, bucket naming rules; no reserved ending can come after our digits).
RESERVED_STARTS = ("amzn-s3-demo-", "internal-", "sg-", "sthree-", "xn--")
# AWS refuses parameters named aws… or ssm….
FORBIDDEN_STARTS = (*RESERVED_STARTS, "aws", "ssm")

# What the documented architecture calls its own parts beside the services, and its parameters and logs beside theirs.
TAKEN_SERVICE_NAMES = ("alb", "bootstrap", "database", "exec", "http", "https", "lock", "nginx", "rds", "stack")

# AWS: CloudWatch Logs, PutRetentionPolicy, in days.
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
REGION = r"[a-z]{2}(-[a-z]+)+-[1-9]"
_SIZE = r"(nano|micro|small|medium|large|[0-9]{0,3}xlarge|metal(-[0-9]+xl)?)"
INSTANCE_TYPE = rf"[a-z][a-z0-9]*(-[a-z0-9]+)*\.{_SIZE}"
INSTANCE_CLASS = rf"db\.[a-z][a-z0-9]*\.{_SIZE}"
DATABASE_NAME = r"[A-Za-z][A-Za-z0-9_]{0,63}"
USERNAME = r"[A-Za-z][A-Za-z0-9_]{0,15}"

POLICY_ARN = r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+"
ACTION = r"[a-z0-9-]+:[A-Za-z0-9*?]+"
RESOURCE_ARN = r"\*|arn:[^:\s]+:[^:\s]+:[^:\s]*:[^:\s]*:\S+"
DIRECTORY = r"\.|[A-Za-z0-9_@.-]+(/[A-Za-z0-9_@.-]+)*"
ZONE_ID = r"[A-Z0-9]{1,32}"  # AWS: API_GetHostedZone
KEY_PAIR = r"[!-~]([ -~]{0,253}[!-~])?"
AUTO = "auto"
"""Word in place of an address: the operator's own."""

_PATH = re.compile(r"/[A-Za-z0-9_.$/~\"'@:+&*?-]*")
_ARM = re.compile(r"[a-z]+[0-9]+g[a-z]*|a1")
_REGIONS = (
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1"
    " eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
).split()


def name(longest: int, hyphens: bool = True) -> Callable[[str], str]:
    """A rule for names that begin the names of AWS resources."""
    kinds = "lowercase letters, digits and single hyphens" if hyphens else "lowercase letters and digits"
    expected = f"1–{longest} {kinds}, beginning with a letter"

    def rule(value: str) -> str:
        lowered = re.sub(r"[^a-z0-9]+", "-" if hyphens else "", value.lower()).strip("-")
        if not re.fullmatch(NAME, value) or ("-" in value and not hyphens):
            usable = re.fullmatch(NAME, lowered) and len(lowered) <= longest
            raise Wrong(expected, f'for example "{lowered}"' if usable else "")
        if len(value) > longest:
            raise Wrong(expected, f"this has {len(value)}")
        for start in FORBIDDEN_STARTS:
            if value.startswith(start):
                raise Wrong(
                    f'a name that does not begin with "{start}"',
                    f'AWS reserves names that begin like this; use "my-{value}"',
                )
        return value

    return rule


def service_name(value: str) -> str:
    value = name(20)(value)
    if value in TAKEN_SERVICE_NAMES or value.endswith("-healthy"):
        raise Wrong("another name", f'awsdeploy already uses the name "{value}"')
    return value


def region(value: str) -> str:
    if not re.fullmatch(REGION, value):
        near = difflib.get_close_matches(value.lower(), _REGIONS, 1)
        raise Wrong('a region such as "ap-northeast-2"', f'did you mean "{near[0]}"?' if near else "")
    return value


def zone(value: str) -> str:
    if not re.fullmatch("[a-z]", value):
        ending = re.fullmatch(r"(?:[a-z]{2}(?:-[a-z]+)+-[1-9])?([A-Za-z])", value)
        remedy = f'write "{ending[1].lower()}"' if ending else ""
        raise Wrong('the letter of a zone, such as "a"', remedy)
    return value


def zone_id(value: str) -> str:
    """The id of a hosted zone; "" is none."""
    if value and not re.fullmatch(ZONE_ID, value):
        bare = re.fullmatch(f"/?hostedzone/({ZONE_ID})", value)
        raise Wrong('the id of a hosted zone, such as "Z0123456789ABC"', f'write "{bare[1]}"' if bare else "")
    return value


def timezone(value: str) -> str:
    if value == "UTC":
        return value
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = {zone.lower(): zone for zone in zoneinfo.available_timezones()}
        near = difflib.get_close_matches(value.lower(), known, 1, cutoff=0.7)
        cities = [zone for lowered, zone in known.items() if lowered.endswith("/" + value.lower())]
        best = cities[0] if cities else known[near[0]] if near else ""
        raise Wrong('an IANA time zone such as "Asia/Seoul"', f'did you mean "{best}"?' if best else "") from None
    return value


def network(value: str) -> IPv4Network:
    """An IPv4 range with no host bits set."""
    try:
        return IPv4Network(value)
    except ValueError:
        pass
    try:
        loose = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise Wrong('an IPv4 range such as "10.0.0.0/16"') from None
    if loose.version == 6:
        raise Wrong("an IPv4 range", "IPv6 is not supported")
    raise Wrong("a range written with its first address", f'write "{loose}"')


def cidr(widest: int = 16, narrowest: int = 28) -> Callable[[str], str]:
    """A rule for ranges of private networks. AWS: a VPC and its subnets are /16 to /28."""

    def rule(value: str) -> str:
        found = network(value)
        if "/" not in value or not widest <= found.prefixlen <= narrowest:
            raise Wrong(f"a range from /{widest} to /{narrowest}", f'for example "{found.network_address}/{widest}"')
        if found.is_loopback or found.is_link_local or found.is_multicast or found.is_reserved:
            raise Wrong("a range AWS can use", "use a range in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
        if found.network_address in IPv4Network("0.0.0.0/8"):
            raise Wrong("a range AWS can use", "use a range in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
        return str(found)

    return rule


def ssh_source(value: str) -> str:
    if value == AUTO:
        return value
    if re.fullmatch("[A-Za-z]+", value):
        raise Wrong('an IPv4 range such as "203.0.113.7/32", or "auto" for your own address')
    found = network(value)
    if "/" not in value:
        raise Wrong("an IPv4 range", f'for one address write "{found}"')
    if found.prefixlen < 8:
        raise Wrong("the addresses you connect from", "this opens SSH to the internet; for your own address, use /32")
    return str(found)


def key_pair(value: str) -> str:
    """AWS: at most 255 characters of ASCII, none of them a space at either end."""
    if value and not re.fullmatch(KEY_PAIR, value):
        raise Wrong("the name of a key pair in EC2, 1–255 characters")
    return value


def policy_arn(value: str) -> str:
    if not re.fullmatch(POLICY_ARN, value):
        own = "put other permissions of the application into [[services.NAME.statements]]"
        raise Wrong('the ARN of a managed policy, such as "arn:aws:iam::aws:policy/AmazonSESFullAccess"', own)
    return value


def boundary(value: str) -> str:
    if value and not re.fullmatch(POLICY_ARN, value):
        raise Wrong('the ARN of a managed policy, such as "arn:aws:iam::123456789012:policy/developer-boundary"')
    return value


def action(value: str) -> str:
    if not re.fullmatch(ACTION, value):
        remedy = "this would allow the machine every AWS action" if value == "*" else ""
        raise Wrong('an action such as "ses:SendEmail"', remedy)
    return value


def resource_arn(value: str) -> str:
    if not re.fullmatch(RESOURCE_ARN, value):
        raise Wrong('an ARN such as "arn:aws:sqs:ap-northeast-2:{account}:orders", or "*"')
    return value


def some(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise Wrong("at least one")
    return values


def path(value: str) -> str:
    """A path pattern of a listener rule. AWS: at most 128 characters of `A-Za-z0-9_-.$/~"'@:+&` and wildcards."""
    if not value.startswith("/"):
        raise Wrong('a path that begins with "/"', f'write "/{value}"' if _PATH.fullmatch("/" + value) else "")
    if len(value) > 128:
        raise Wrong("a path of at most 128 characters", f"this has {len(value)}")
    if not _PATH.fullmatch(value):
        raise Wrong("only letters, digits and _-.$/~\"'@:+& in a path")
    if value.count("*") + value.count("?") > 1:
        # AWS: six wildcards in one rule, and one rule takes five paths.
        raise Wrong("at most one wildcard (* or ?) in a path", 'for example "/api/*"')
    return value


def directory(value: str) -> str:
    """A folder of the repository, from its top; `.` is the top itself."""
    tidy = value.removeprefix("./").rstrip("/") or "."
    if not re.fullmatch(DIRECTORY, tidy) or ".." in tidy.split("/"):
        raise Wrong(
            'a folder of the repository, such as "back" or "apps/api"',
            "relative to the repository's root, without a leading slash",
        )
    return tidy


def command_line(value: str) -> str:
    """One line for a shell on the machine."""
    if not value.isprintable() or len(value) > 1000:
        raise Wrong("one line, such as npm run migrate")
    return value.strip()


def instance_type(value: str) -> str:
    if not re.fullmatch(INSTANCE_TYPE, value):
        plain = value.lower().removeprefix("db.")
        usable = plain != value and re.fullmatch(INSTANCE_TYPE, plain)
        raise Wrong('an EC2 type such as "t3.medium"', f'write "{plain}"' if usable else "")
    if _ARM.fullmatch(value.split(".")[0]):
        raise Wrong("an EC2 type with an x86 processor", f'{value} is Arm; for example "t3.medium"')
    return value


def instance_class(value: str) -> str:
    if not re.fullmatch(INSTANCE_CLASS, value):
        prefixed = "db." + value.lower().removeprefix("db.")
        usable = prefixed != value and re.fullmatch(INSTANCE_CLASS, prefixed)
        raise Wrong('an RDS class such as "db.t3.small"', f'write "{prefixed}"' if usable else "")
    return value


def database_name(value: str) -> str:
    """AWS: 1–64 letters, digits or underscores, beginning with a letter, no reserved word."""
    if not re.fullmatch(DATABASE_NAME, value):
        raise Wrong("1–64 letters, digits and underscores, beginning with a letter")
    if value.lower() in RESERVED | SYSTEM_SCHEMAS:
        raise Wrong("a name that is not reserved by MySQL", f'for example "{value[:60]}_db"')
    return value


def username(value: str) -> str:
    """AWS: 1–16 letters, digits or underscores, beginning with a letter, no reserved word."""
    if not re.fullmatch(USERNAME, value):
        raise Wrong("1–16 letters, digits and underscores, beginning with a letter")
    if value.lower() in RESERVED | RDS_USERS:
        raise Wrong("a user name that is not reserved by MySQL or RDS", 'for example "app" or "admin"')
    return value


def retention(value: int) -> int:
    if value not in RETENTIONS:
        near = min(RETENTIONS, key=lambda days: abs(days - value))
        raise Wrong(f"one of {', '.join(map(str, RETENTIONS))} (days; AWS offers no others)", f"{near} is nearest")
    return value


def email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value):
        raise Wrong('an e-mail address such as "ops@example.com"')
    return value


def time_of_day(value: str) -> str:
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise Wrong('a time such as "18:00"')
    return value


def whole(low: int, high: int) -> Callable[[int], int]:
    def rule(value: int) -> int:
        if not low <= value <= high:
            raise Wrong(f"a whole number from {low} to {high}")
        return value

    return rule


def seconds(low: float, high: float) -> Callable[[float], float]:
    def rule(value: float) -> float:
        if not low <= value <= high:
            raise Wrong(f"seconds from {low:g} to {high:g}")
        return value

    return rule
