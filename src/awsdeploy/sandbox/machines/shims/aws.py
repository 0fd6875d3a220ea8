"""The `aws` command on the sandbox's machines: what the programs of this product call, and nothing else.

Run by the sandbox's own Python, and of its standard library only: it is started many times in a release. Speaks to
whatever AWS_ENDPOINT_URL names, with the credentials of the machine's role.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit

USAGE = """usage: aws s3 cp [--only-show-errors] [--region REGION] s3://BUCKET/KEY FILE|-
       aws ssm get-parameters-by-path --path PATH --with-decryption --output json [--region REGION]
       aws ec2 create-tags --resources ID… --tags Key=KEY,Value=VALUE… [--region REGION]"""
# What the real one ends with.
WRONG_USE, REFUSED, FAILED = 252, 254, 1
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ALONE = {"--only-show-errors", "--with-decryption", "--no-progress", "--quiet"}


def main(words: list[str]) -> int:
    plain, options = _read(words)
    if plain[:2] == ["s3", "cp"] and len(plain) == 4:
        return _copy(plain[2], plain[3], options)
    if plain == ["ssm", "get-parameters-by-path"] and {"--path", "--with-decryption"} <= set(options):
        return _parameters(options)
    if plain == ["ec2", "create-tags"] and {"--resources", "--tags"} <= set(options):
        return _tag(options)
    return _misused()


def _read(words: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The words that stand alone, and each option with its values."""
    plain: list[str] = []
    options: dict[str, list[str]] = {}
    values = None
    for word in words:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            options[name] = [value] if value else []
            values = None if name in ALONE or value else options[name]
        elif values is None:
            plain.append(word)
        else:
            values.append(word)
            if not word.startswith("Key=") and not word.startswith("i-"):
                values = None  # only tags and resources come in numbers
    return plain, options


def _asked(
    service: str, options: dict[str, list[str]], path: str, body: bytes | None, headers: dict[str, str]
) -> bytes:
    """The answer of AWS to a call signed with the machine's credentials. Raises `HTTPError` for a refusal."""
    region = options.get("--region", [os.environ.get("AWS_REGION", "")])[0]
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    signed = _signed(service, region, urlsplit(endpoint).netloc, path, body or b"")
    request = urllib.request.Request(f"{endpoint}{path}", body, {**headers, **signed})  # noqa: S310  # the sandbox's address
    with DIRECT.open(request, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def _signed(service: str, region: str, host: str, path: str, body: bytes) -> dict[str, str]:
    """The headers of AWS's Signature Version 4; the path has no query."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(body).hexdigest()
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = "\n".join(
        [
            "GET" if not body else "POST",
            path,
            "",
            f"host:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n",
            names,
            digest,
        ]
    )
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    said = f"Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {"X-Amz-Date": now, "X-Amz-Content-SHA256": digest, "Authorization": f"AWS4-HMAC-SHA256 {said}"}


def _copy(source: str, target: str, options: dict[str, list[str]]) -> int:
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if not source.startswith("s3://") or not key or target.startswith("s3://"):
        return _misused()
    try:
        content = _asked("s3", options, f"/{bucket}/{quote(key)}", None, {})
    except HTTPError as refusal:
        if refusal.code not in (403, 404):
            raise
        # The real one asks for the head of the object first, whose refusal has no body to explain it.
        why = f'(404) when calling the HeadObject operation: Key "{key}" does not exist'
        if refusal.code == 403:
            why = "(403) when calling the HeadObject operation: Forbidden"
        _say(f"fatal error: An error occurred {why}")
        return FAILED
    if target == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return 0
    path = Path(target)
    if path.is_dir():
        path /= key.rpartition("/")[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return 0


def _parameters(options: dict[str, list[str]]) -> int:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParametersByPath"}
    wanted: dict[str, Any] = {"Path": options["--path"][0], "WithDecryption": True}
    found = []
    while True:
        page = json.loads(_asked("ssm", options, "/", json.dumps(wanted).encode(), headers))
        found += page["Parameters"]
        if not page.get("NextToken"):
            break
        wanted["NextToken"] = page["NextToken"]
    reachable = _reachable_names()
    found = [{**one, "Value": reachable.get(one["Value"], one["Value"])} for one in found]
    print(json.dumps({"Parameters": found}, indent=4, ensure_ascii=False))
    return 0


def _reachable_names() -> dict[str, str]:
    """Addresses of databases by their names: only Node.js programs can be made to resolve such a name."""
    try:
        lines = Path(os.environ["AWSDEPLOY_HOST_NAMES"]).read_text().splitlines()
    except (KeyError, OSError):
        return {}
    # The newest is first. With another port than in AWS, the address would not help.
    return {name: address for name, port, address, real in map(str.split, reversed(lines)) if port == real}


def _tag(options: dict[str, list[str]]) -> int:
    wanted = {"Action": "CreateTags", "Version": "2016-11-15"}
    wanted |= {f"ResourceId.{number}": id for number, id in enumerate(options["--resources"], start=1)}
    for number, word in enumerate(options["--tags"], start=1):
        key, found, value = word.removeprefix("Key=").partition(",Value=")
        if not found:
            return _misused()
        wanted |= {f"Tag.{number}.Key": key, f"Tag.{number}.Value": value}
    _asked("ec2", options, "/", urlencode(wanted).encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    return 0


def _misused() -> int:
    _say(f"The sandbox's aws command does not know: aws {' '.join(sys.argv[1:])}\n{USAGE}")
    return WRONG_USE


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except HTTPError as refusal:
        _say(f"\nAn error occurred: {refusal.read().decode(errors='replace')}")
        sys.exit(REFUSED)
    except OSError as broken:
        _say(f"\nCould not connect to the endpoint URL: {broken}")
        sys.exit(FAILED)
