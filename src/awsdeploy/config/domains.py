"""Domain names: their one written form, and which part of one can be registered.

Knows no DNS server and no AWS: whether a domain exists and is ours is found out later.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING

from awsdeploy.config.wrong import Wrong

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

LONGEST = 64
"""AWS: the first name of an ACM certificate has 64 characters at most."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_EXAMPLE = 'a domain such as "example.com"'

# The two standards for international names disagree on these: the answer is not ours to choose.
_DISPUTED = frozenset("ßς\u200c\u200d")


def normalised(text: str) -> str:
    """`text` as DNS and AWS write it: lower case, ASCII, no dot at the end.

    Raises `Wrong` for what is no public domain name.
    """
    name = text.removesuffix(".")
    if not name.isprintable() or any(char.isspace() for char in name):
        raise Wrong(_EXAMPLE, "without spaces or control characters")
    if "://" in name or "/" in name:
        raise Wrong(_EXAMPLE, f'write only the name: "{_host_of(name)}"')
    if "*" in name:
        raise Wrong(_EXAMPLE, "wildcards are not supported: list each name in aliases")
    if ":" in name and not name.startswith("["):
        raise Wrong(_EXAMPLE, "without a port: the load balancer answers on 80 and 443")
    if "@" in name:
        raise Wrong(_EXAMPLE, "only the part after the @")
    name = _ascii(name).lower()
    if _is_address(name):
        raise Wrong(_EXAMPLE, "an IP address has no certificate")
    labels = name.split(".")
    if len(labels) < 2:
        raise Wrong(_EXAMPLE, "a registered domain contains a dot")
    for label in labels:
        _check_label(label)
    if labels[-1].isdigit():
        raise Wrong(_EXAMPLE, "a top-level domain cannot be a number")
    if len(name) > 253:
        raise Wrong("a domain of at most 253 characters", f"this has {len(name)}")
    if registrable(name) is None:
        raise Wrong(
            _EXAMPLE, f'"{name}" is a public suffix, not a domain that you can register: put your own name before it'
        )
    return name


def registrable(name: str) -> str | None:
    """The part of a normalised `name` that its owner registered (the apex), or None for a public suffix."""
    return _suffixes(name.rpartition(".")[2]).privatesuffix(name)


@functools.cache
def _suffixes(top: str) -> PublicSuffixList:
    """The rules of the public suffix list for names below `top`, a top-level domain in ASCII.

    Only the registries' part: names that others give away, such as github.io, are not in it. Reading the whole list
    takes longer than everything else that is done with a config.
    """
    from publicsuffixlist import PSLFILE, PublicSuffixList

    ends = {top, top.encode("ascii").decode("idna")}
    with Path(PSLFILE).open(encoding="utf-8") as file:
        rules = [line for line in file if line.startswith("// ===") or line.strip().rpartition(".")[2] in ends]
    return PublicSuffixList(rules, only_icann=True)


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    if disputed := sorted(_DISPUTED.intersection(name)):
        raise Wrong(
            _EXAMPLE, f'"{disputed[0]}" has two possible encodings: use the one you registered, which begins with xn--'
        )
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        raise Wrong(_EXAMPLE, "DNS cannot represent this name: use the form that begins with xn--") from None


def _check_label(label: str) -> None:
    if not label:
        raise Wrong(_EXAMPLE, "there is nothing between two dots")
    if len(label) > 63:
        raise Wrong("at most 63 characters between two dots", f"there are {len(label)}")
    if not _LABEL.fullmatch(label):
        raise Wrong(_EXAMPLE, "letters, digits and hyphens, with no hyphen at either end of a part")
    if label.startswith("xn--"):
        try:
            label.encode("ascii").decode("idna")
        except UnicodeError:
            raise Wrong(_EXAMPLE, f'"{label}" decodes to nothing') from None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _host_of(text: str) -> str:
    return text.rsplit("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].lower() or "example.com"
