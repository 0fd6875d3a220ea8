"""The words in braces that a service's statements may use, and buckets that are named where one of them was meant.

Knows which buckets a stack has by their keys, not what they are called in AWS.
"""

from __future__ import annotations

import difflib
import re

from awsdeploy.config.wrong import shown

WORDS = ("account", "region", "stack", "parameters")
BUCKETS = ("storage/uploads", "storage/logs", "storage/artifacts", "storage/replica")

_PLACEHOLDER = re.compile(r"(?<!\$)\{([^{}]*)\}")  # not IAM's own variables: ${aws:username}
_BUCKET = re.compile(r"arn:[^:]+:s3:::([^/]*)")


def wrong(text: str, stack: str, buckets: tuple[str, ...]) -> str:
    """Find what is wrong with the placeholders and buckets in an ARN or a condition's value, or nothing.

    `stack` is its name, such as shop-prod; `buckets` are the keys of the buckets that it has.
    """
    known = (*WORDS, *(f"bucket:{key}" for key in buckets))
    for word in _PLACEHOLDER.findall(text):
        if word not in known:
            return _unknown(word, known)
    found = _BUCKET.match(text)
    key = _meant(found[1], stack) if found else ""
    if found and key:
        instead = text.replace(found[1], f"{{bucket:{key}}}", 1)
        said = f"expected the name of an existing bucket, got {shown(found[1])}, which is not in this stack"
        return f"{said}; write {shown(instead)}" if key in buckets else f"{said}; {_absent(key)}"
    return ""


def _unknown(word: str, known: tuple[str, ...]) -> str:
    kind, colon, key = word.partition(":")
    got = shown(f"{{{word}}}")
    if colon and key in BUCKETS:
        return f"expected a bucket that this stack has, got {got}; {_absent(key)}"
    choices = {one.rpartition("/")[2] if kind != word else one: one for one in known if (":" in one) == bool(colon)}
    near = difflib.get_close_matches(key.rpartition("/")[2] if colon else word, choices, 1, cutoff=0.5)
    remedy = f"; did you mean {{{choices[near[0]]}}}?" if near else ""
    return f"expected one of {', '.join(f'{{{one}}}' for one in known)}, got {got}{remedy}"


def _absent(key: str) -> str:
    return f"{key} exists only with uploads.replicate = true" if key == BUCKETS[-1] else f"this stack has no {key}"


def _meant(bucket: str, stack: str) -> str:
    """Return the key of the bucket that is probably meant by this name; real bucket names are longer."""
    for key in BUCKETS:
        word = key.rpartition("/")[2]
        if re.fullmatch(rf"(({re.escape(stack)}|\{{stack\}})-)?{word}(-?\*)?", bucket):
            return key
    return ""
