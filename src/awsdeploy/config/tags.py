"""Rules for the owner's tags. A tag that follows them is accepted by every AWS service in use.

AWS's limits differ by service; each rule is the strictest of EC2, IAM, RDS, S3, Elastic Load Balancing, Auto Scaling,
Systems Manager, CloudWatch and Budgets (their API references, `Tag`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from awsdeploy.config.wrong import Wrong, shown
from awsdeploy.errors import next_command

MAX_TAGS = 35
"""AWS allows 50 tags on one resource; up to 15 are awsdeploy's own."""
MAX_KEY_LENGTH, MAX_VALUE_LENGTH = 128, 256
PUNCTUATION = "_.:/=+-@"
CHARACTERS = f"letters, digits, spaces and {PUNCTUATION}"
LOOKS_SECRET = re.compile(r"passw|secret|token|credential|(api|access|private)[ _-]?key", re.IGNORECASE)


def key(value: str) -> str:
    """Check a tag's key. Reserved names are compared without upper and lower case."""
    _check_text(value, MAX_KEY_LENGTH)
    lowered = value.lower()
    for start in ("aws:", "awsdeploy:"):
        if lowered.startswith(start):
            raise Wrong(f'a key that does not begin with "{start}"', "reserved for AWS and awsdeploy")
    if lowered == "name":
        raise Wrong('another key than "Name"', "awsdeploy sets this tag itself")
    if LOOKS_SECRET.search(value):
        raise Wrong(
            "a key that does not look like a secret",
            f"everyone who can list resources can see tags; for secrets use: {next_command('env', 'set')}",
        )
    return value


def value(value: str) -> str:
    _check_text(value, MAX_VALUE_LENGTH)
    return value


def all_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    if len(tags) > MAX_TAGS:
        raise Wrong(
            f"at most {MAX_TAGS} tags (AWS: 50 on one object; the rest are awsdeploy's)", f"this table has {len(tags)}"
        )
    known: dict[str, str] = {}
    for one in tags:
        if (twin := known.setdefault(one.casefold(), one)) != one:
            raise Wrong(
                "keys that differ in more than upper and lower case", f"IAM takes {shown(twin)} for {shown(one)}"
            )
    return MappingProxyType(dict(tags))


def _check_text(text: str, longest: int) -> None:
    if not 1 <= len(text) <= longest:
        raise Wrong(f"1–{longest} characters", f"this has {len(text)}")
    if text != text.strip():
        raise Wrong("no space at the beginning or the end")
    for char in text:
        if char not in PUNCTUATION and unicodedata.category(char)[0] not in "LN" and char != " ":
            raise Wrong(f"only {CHARACTERS}", f"{shown(char)} is not allowed")
