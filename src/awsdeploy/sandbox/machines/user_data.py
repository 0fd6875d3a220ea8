"""User data of a simulated machine, and what it starts. The script is read, never run.

Understood is what cloud-init scripts of this product do: files written by here-documents, and systemd
units that are enabled and started. A port counts as listened on if a started unit's program was written
by the script, is valid Python, serves, and is given that port as an argument. A script may be fetched from S3 and
run; it reports if it writes a tag. What an `if` starts in its `else` is started unless an object is in S3.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
import shlex

HERE = re.compile(r"^cat > (?P<path>\S+) <<'?(?P<end>\w+)'?\n(?P<text>.*?)^(?P=end)$", re.MULTILINE | re.DOTALL)
STARTED = re.compile(r"^\s*systemctl (?:enable --now|start) (?P<units>.+)$", re.MULTILINE)
RUNS = re.compile(r"^ExecStart=(?P<command>.+)$", re.MULTILINE)

UNLESS = re.compile(r"^if aws s3 cp .* s3://(?P<bucket>[^/\s]+)/(?P<key>\S+) - .*?^else$", re.MULTILINE | re.DOTALL)
FETCHED = re.compile(r"^\s*aws s3 cp .*?s3://(?P<bucket>[^/\s]+)/(?P<key>\S+) (?P<path>/\S+)", re.MULTILINE)
REPORT = re.compile(r"aws ec2 create-tags .*Key=(?P<tag>[^,\s\"]+),Value=")
VERSION = re.compile(r"^readonly VERSION=(?P<version>\S+)$", re.MULTILINE)


def fetches(user_data: str) -> tuple[str, str] | None:
    """The bucket and key of the object that the user data gets and runs, if it does both."""
    script = _decoded(user_data)
    found = FETCHED.search(script)
    if found is None or not re.search(rf"^bash {re.escape(found['path'])}( |$)", script, re.MULTILINE):
        return None
    return found["bucket"], found["key"]


def unless(user_data: str) -> tuple[str, str] | None:
    """The bucket and key of the object for which the user data starts nothing, if it looks for one."""
    found = UNLESS.search(_decoded(user_data))
    return (found["bucket"], found["key"]) if found else None


def reports(script: str) -> tuple[str, str] | None:
    """The tag in which a fetched script says that all went well, and what it says."""
    tag, version = REPORT.search(script), VERSION.search(script)
    return (tag["tag"], f"ok {version['version']}") if tag and version else None


@functools.lru_cache(maxsize=64)
def listens(user_data: str) -> frozenset[int]:
    """The TCP ports on which something answers after the user data (plain or base64) has run."""
    script = _decoded(user_data)
    if not script.startswith("#!"):
        return frozenset()
    files = {found["path"]: found["text"] for found in HERE.finditer(script)}
    outside = HERE.sub("", script)
    ports: set[int] = set()
    for line in STARTED.finditer(outside):
        for name in line["units"].split():
            unit = files.get(f"/etc/systemd/system/{name.removesuffix('.service')}.service", "")
            if command := RUNS.search(unit):
                ports |= _served(shlex.split(command["command"]), files)
    return frozenset(ports)


def _served(command: list[str], files: dict[str, str]) -> set[int]:
    """The ports that a command line serves on, if its program is one of the files and serves at all."""
    if len(command) < 2 or "python" not in command[0]:
        return set()
    program = files.get(command[1], "")
    try:
        compile(program, command[1], "exec")
    except (SyntaxError, ValueError):
        return set()
    if "serve_forever" not in program:
        return set()
    return {int(word) for word in command[2:] if word.isdigit() and 0 < int(word) < 65536}


def _decoded(user_data: str) -> str:
    try:
        return base64.b64decode(user_data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return user_data
