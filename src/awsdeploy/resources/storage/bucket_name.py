"""Names of our buckets. They are unique in the world, not in the account, and a bucket is known as ours by its name.

A name holds the stack, the key's last word, the account, a digest of what must tell buckets apart, and how often
it was made anew: `shop-prod-uploads-123456789012-1a2b3c`. Whoever knows stack, account and region can say it, so a
policy may name a bucket without waiting for it, and no bucket is asked for its tags to be found. Touches no AWS.
"""

from __future__ import annotations

import hashlib
import re

from awsdeploy.engine.resource import Aws, Resource, Stack

AREA = "storage"
"""Start of the keys of all buckets."""

# AWS: 63 characters, lower case. The rest is the longest word (9), the account, the digest, a counter, hyphens.
SLUG = 28


def bucket_name(aws: Aws, bucket: Resource) -> str:
    """The name of a declared bucket, whether it exists yet or not."""
    counter = aws.generation(bucket).partition(".")[2]
    return spelled(aws.stack, aws.account, bucket.key, bucket.region or aws.region, bucket.data, counter)


def spelled(stack: Stack, account: str, key: str, region: str, data: bool, counter: str = "") -> str:
    """The name of the bucket of that key; `account` may be a pattern."""
    identity = f"{stack.tag} {key} {region}{' data' if data else ''}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:6]
    name = f"{_beginning(stack)}{key.rpartition('/')[2]}-{account}-{digest}"
    return f"{name}-{counter}" if counter else name


def prefix(aws: Aws) -> str:
    """Prefix of all names of this stack's buckets; some buckets of other stacks have it too."""
    return _beginning(aws.stack)


def may_be_ours(aws: Aws, name: str) -> re.Match[str] | None:
    """The parts of a name that has the form of ours; its digest is not compared."""
    return re.fullmatch(
        rf"{re.escape(_beginning(aws.stack))}(?P<word>[a-z]+)-{aws.account}-[0-9a-f]{{6}}(-(?P<counter>\d+))?", name
    )


def read(aws: Aws, name: str, region: str, data: bool) -> tuple[str, int] | None:
    """The key and the counter of a bucket of ours; None for any other."""
    found = may_be_ours(aws, name)
    if found is None:
        return None
    key, counter = f"{AREA}/{found['word']}", found["counter"] or ""
    return (key, int(counter or 0)) if name == spelled(aws.stack, aws.account, key, region, data, counter) else None


def _beginning(stack: Stack) -> str:
    return f"{stack.slug[:SLUG].rstrip('-')}-"
