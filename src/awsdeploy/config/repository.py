"""Addresses of git repositories from which machines can fetch. Knows no git."""

from __future__ import annotations

import re

from awsdeploy.config.wrong import Wrong
from awsdeploy.errors import next_command

EXAMPLE = "https://github.com/acme/shop.git"

_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
_PORT = r"(?::(?P<port>[0-9]{1,5}))?"
_PATH = r"[A-Za-z0-9._~/+%-]*[A-Za-z0-9_]/?"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
HTTPS = re.compile(rf"https://{_HOST}{_PORT}/{_PATH}")
# A secret over plain HTTP can be read on the way; on loopback there is no way.
LOOPBACK = re.compile(rf"http://(?P<host>localhost|127\.[0-9]+\.[0-9]+\.[0-9]+){_PORT}/{_PATH}")
SSH = re.compile(
    rf"ssh://(?:{_USER}@)?{_HOST}{_PORT}/{_PATH}|{_USER}@(?P<near>[A-Za-z0-9][A-Za-z0-9.-]*):(?!//){_PATH}"
)


def address(value: str) -> str:
    """An address of a repository, as it is. What may hold a secret is not shown again: see `Wrong.hidden`."""
    if any(form.fullmatch(value) for form in (HTTPS, LOOPBACK, SSH)):
        return value
    if "@" in value or "?" in value:
        scheme, found, rest = value.partition("://")
        bare = f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}" if found else ""
        write = f'write "{bare}", ' if bare and HTTPS.fullmatch(bare) else ""
        raise Wrong(
            "an address without a password or token in it",
            f"{write}to enter the secret, run: {next_command('repository', 'connect')}",
            hidden=True,
        )
    secure = "https" + value[4:]
    remedy = f'write "{secure}"' if value.startswith("http:") and HTTPS.fullmatch(secure) else ""
    raise Wrong(f'a repository such as "{EXAMPLE}" or "git@github.com:acme/shop.git"', remedy)


def setting(value: str) -> str:
    """Validate the setting with `address`; an empty one stays empty."""
    return address(value) if value else value


def by_ssh(url: str) -> bool:
    """Check whether the repository is read with an ssh key instead of a token."""
    return SSH.fullmatch(url) is not None


def place(url: str) -> str:
    """The server: `github.com`, `git.example.com:8443`; of ssh with a port, as ssh writes it, `[a.com]:2222`."""
    found = HTTPS.fullmatch(url) or LOOPBACK.fullmatch(url) or SSH.fullmatch(url)
    if found is None:
        raise ValueError("no address that was checked")
    named = found.groupdict()
    host, port = str(named.get("near") or named["host"]), named["port"]
    if not by_ssh(url):
        return f"{host}:{port}" if port else host
    return f"[{host}]:{port}" if port and port != "22" else host
