"""Access of the machines to the git repository that they fetch from: tried here, then kept in Parameter Store.

A read-only token, or a private key for ssh: a SecureString at `/deploy/<name>/<environment>/<service>/repository/`,
which the service's role may read, as all below its folder, and no variable of its environment. The release
agent reads it. git is told it in its environment alone, ssh in a file that only we may read: in no address, argument or
configuration.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from awsdeploy.aws.session import tolerate
from awsdeploy.config import Service, Settings
from awsdeploy.config.repository import by_ssh, place
from awsdeploy.engine.resource import TAG_STACK
from awsdeploy.engine.run import Run
from awsdeploy.errors import Refused, UsageError, next_command
from awsdeploy.release import environment, git
from awsdeploy.resources.compute.parameter import BY_ENV, TAG_SET

FOLDER = "repository"
ACCESS, KNOWN_HOSTS = "access", "known_hosts"
USER = "x-access-token"
"""User name for a token. GitHub and GitLab accept any; this is the one in GitHub's documentation."""
TIMEOUT_SECONDS = 60  # until a server must have answered
PROTOCOLS = "https:http:ssh"
"""Protocols that git may use."""
KNOWN = Path("~/.ssh/known_hosts")

# Answers only for the repository's own server, not after a redirect to another one.
ASKPASS = """\
#!/bin/sh
case $1 in
"Username for '"*"//$AWSDEPLOY_GIT_PLACE': ") printf '%s\\n' "$AWSDEPLOY_GIT_USER" ;;
"Password for '"*"@$AWSDEPLOY_GIT_PLACE': ") printf '%s\\n' "$AWSDEPLOY_GIT_TOKEN" ;;
*) exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Access:
    """Credentials of the repository at `url`: a token with its user, or a private key with the server's own keys."""

    url: str
    user: str = ""
    token: str = ""
    key: str = ""
    known_hosts: str = ""

    def __repr__(self) -> str:
        return f"Access({self.url})"

    def value(self) -> str:
        """Value of the parameter, without the server's keys: they are not secret and have their own parameter."""
        secret = {"key": self.key} if self.key else {"user": self.user, "token": self.token}
        return json.dumps({"url": self.url, **secret})


@dataclass(frozen=True)
class RepositoryConnection:
    """Access of a service's machines to the repository, without the secret."""

    service: str
    url: str
    by: str
    at: datetime | None


def check_key(text: str) -> str:
    """Return a private key as ssh reads it. Raises `UsageError` if it is not one, or if it has a passphrase."""
    key = text.replace("\r\n", "\n").strip() + "\n"
    if "PRIVATE KEY-----" not in key.partition("\n")[0]:
        raise UsageError(
            "The deploy key is not a private key.", "Use the file without .pub: ssh-keygen -t ed25519 -N ''"
        )
    with _folder() as folder:
        _write(folder / "key", key)
        done = _ran(["ssh-keygen", "-y", "-P", "", "-f", str(folder / "key")], os.environ)
    if done.returncode:
        raise UsageError(
            "The deploy key has a passphrase or cannot be read. The machines cannot enter a passphrase.",
            "Create a key without passphrase: ssh-keygen -t ed25519 -N '' -f deploy_key",
        )
    return key


def check_access(access: Access) -> Access:
    """Read the repository's branches, as a machine does: with git's default configuration.

    For ssh, the result contains the server's host keys. Raises `Refused` with git's reason.
    """
    with _folder() as folder:
        _write(folder / "askpass", ASKPASS, 0o700)
        _write(folder / "key", access.key)
        here = KNOWN.expanduser()
        _write(folder / "known", here.read_text() if here.is_file() and by_ssh(access.url) else "")
        done = _asked_remote(access, folder)
        if done.returncode:
            raise Refused(
                f"git could not read {access.url}: {_reason(done.stderr.decode(errors='replace'), access)}",
                "Nothing was stored. Use a token or key with read access to this repository.",
            )
        if not by_ssh(access.url):
            return access
        found = _ran(["ssh-keygen", "-F", place(access.url), "-f", str(folder / "known")], os.environ)
    keys = [line for line in found.stdout.splitlines() if line and not line.startswith("#")]
    return Access(access.url, key=access.key, known_hosts="\n".join(keys) + "\n")


def closed(url: str) -> str:
    """Reason why the repository is not public; "" if it is."""
    if by_ssh(url):
        return "ssh needs a key"
    try:
        check_access(Access(url))
    except Refused as refusal:
        return refusal.message
    return ""


def is_known_here(url: str) -> bool:
    """Check whether ssh on this computer knows the server's key."""
    here = KNOWN.expanduser()
    return here.is_file() and not _ran(["ssh-keygen", "-F", place(url), "-f", str(here)], os.environ).returncode


def connect(run: Run, services: Iterable[str], access: Access) -> None:
    """Keep it for the machines of these services. Raises `UsageError` for what a parameter does not hold."""
    kept = {ACCESS: access.value(), **({KNOWN_HOSTS: access.known_hosts} if access.known_hosts else {})}
    if any(len(value.encode()) > environment.STANDARD for value in kept.values()):
        raise UsageError(
            f"The key is larger than {environment.STANDARD:,} bytes, the limit of a parameter.",
            "Use a smaller key: ssh-keygen -t ed25519 -N '' -f deploy_key",
        )
    for service in services:
        for name, value in kept.items():
            path = run.stack.parameter(f"{service}/{FOLDER}/{name}")
            environment.put(run, path, value, None, access.url)


def connections(run: Run) -> dict[str, RepositoryConnection]:
    """Connected services. The URL is in the parameter's description, so nothing is decrypted."""
    place = {"Key": "Path", "Option": "Recursive", "Values": [run.stack.parameter("").rstrip("/")]}
    tags = {TAG_STACK: run.stack.tag, TAG_SET: BY_ENV}
    filters = [place, *({"Key": f"tag:{name}", "Values": [value]} for name, value in tags.items())]
    ssm = run.client("ssm")
    found: dict[str, RepositoryConnection] = {}
    for one in ssm.pages("describe_parameters", "Parameters", ParameterFilters=filters, MaxResults=50):
        service, *inside = one["Name"].removeprefix(run.stack.parameter("")).split("/")
        if inside == [FOLDER, ACCESS]:
            by = environment.person(one.get("LastModifiedUser", ""))
            found[service] = RepositoryConnection(service, one.get("Description", ""), by, one.get("LastModifiedDate"))
    return dict(sorted(found.items()))


def disconnect(run: Run, services: Iterable[str]) -> None:
    ssm = run.client("ssm")
    for service in services:
        for name in (ACCESS, KNOWN_HOSTS):
            with tolerate("ParameterNotFound"):
                ssm.delete_parameter(Name=run.stack.parameter(f"{service}/{FOLDER}/{name}"))


def need_access(run: Run, settings: Settings, services: Iterable[Service]) -> None:
    """Raises `Refused` where the machines of a service could not read the repository."""
    url, known = settings.release.repository, connections(run)
    wanted = [one.name for one in services]
    without = [name for name in wanted if name not in known]
    other = next((known[name] for name in wanted if name in known and known[name].url != url), None)
    if other is not None:
        raise Refused(
            f"{other.service} is connected to {other.url}, and release.repository is {url}.",
            f"Correct release.repository, or connect the services to it: {next_command('repository', 'connect')}",
        )
    if without and (reason := closed(url)):
        raise Refused(
            f"The machines of {', '.join(without)} have no token or key for {url}, and it is not public: {reason}",
            f"To give them a token or key: {next_command('repository', 'connect')}",
        )


def _environment(access: Access, folder: Path) -> Mapping[str, str]:
    """git's environment. A token is for the server of its address alone."""
    found = {name: value for name, value in os.environ.items() if name.startswith("GIT_SSL_")}
    hosts = f"-o UserKnownHostsFile='{folder / 'known'}' -o HashKnownHosts=no -o StrictHostKeyChecking=accept-new"
    ssh = f"ssh -F /dev/null -i '{folder / 'key'}' -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes"
    found |= {
        **git.UNCONFIGURED,
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ASKPASS": str(folder / "askpass"),
        "GIT_SSH_COMMAND": f"{ssh} -o ConnectTimeout=30 {hosts}",
    }
    if access.token:
        found |= {
            "AWSDEPLOY_GIT_PLACE": place(access.url),
            "AWSDEPLOY_GIT_USER": access.user,
            "AWSDEPLOY_GIT_TOKEN": access.token,
        }
    return found


def _asked_remote(access: Access, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Raises `UsageError` where git is not installed, `Refused` where no server answers."""
    with _answering("git"):
        return git.run(
            *("ls-remote", "--heads", "--", access.url),
            folder=folder,
            environ=_environment(access, folder),
            protocols=PROTOCOLS,
            more={"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(TIMEOUT_SECONDS)},
            timeout=2 * TIMEOUT_SECONDS,
        )


def _reason(said: str, access: Access) -> str:
    """The line in which the server or git says why."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = re.compile("^(remote|ERROR|fatal): |Permission denied|verification failed")
    reason = next((line for line in lines if telling.search(line)), "it printed no error")
    sent = base64.b64encode(f"{access.user}:{access.token}".encode()).decode()  # as HTTP sends it
    for secret in (access.token, quote(access.token, safe=""), sent) if access.token else ():
        reason = reason.replace(secret, "***")
    return reason


@contextmanager
def _folder() -> Iterator[Path]:
    """Temporary folder that only this user can read; deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="awsdeploy-") as folder:
        yield Path(folder)


def _write(path: Path, text: str, mode: Literal[0o600, 0o700] = 0o600) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)


def _ran(words: list[str], environ: Mapping[str, str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Raises `UsageError` where the program is not installed, `Refused` where no server answers."""
    with _answering(words[0]):
        return subprocess.run(
            words,
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * TIMEOUT_SECONDS,
            check=False,
        )


@contextmanager
def _answering(program: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UsageError(
            f"{program} is not installed on this computer.", f"Install {program.partition('-')[0]}."
        ) from None
    except subprocess.TimeoutExpired:
        raise Refused("The repository's server does not answer.", "Try again, or check its URL.") from None
