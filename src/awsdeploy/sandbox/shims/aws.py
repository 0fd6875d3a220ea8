"""The `aws` command on the sandbox's machines: what the programs of this product call, and nothing else.

Run by the sandbox's own Python. Speaks to whatever AWS_ENDPOINT_URL names, with the credentials of the machine's role.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

USAGE = """usage: aws s3 cp [--only-show-errors] [--region REGION] s3://BUCKET/KEY FILE|-
       aws ssm get-parameters-by-path --path PATH --with-decryption --output json [--region REGION]
       aws ec2 create-tags --resources ID… --tags Key=KEY,Value=VALUE… [--region REGION]"""
# What the real one ends with.
WRONG_USE, REFUSED, FAILED = 252, 254, 1
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


def _client(service: str, options: dict[str, list[str]]) -> Any:
    region = options.get("--region", [os.environ.get("AWS_REGION", "")])[0]
    config = Config(s3={"addressing_style": "path"})
    return botocore.session.get_session().create_client(service, region_name=region, config=config)


def _copy(source: str, target: str, options: dict[str, list[str]]) -> int:
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if not source.startswith("s3://") or not key or target.startswith("s3://"):
        return _misused()
    try:
        found = _client("s3", options).get_object(Bucket=bucket, Key=key)
    except (ClientError, BotoCoreError) as refusal:
        # The real one asks for the head of the object first, whose refusal has no body to explain it.
        error = getattr(refusal, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
        why = {403: "(403) when calling the HeadObject operation: Forbidden"}.get(
            error, f'(404) when calling the HeadObject operation: Key "{key}" does not exist'
        )
        _say(f"fatal error: An error occurred {why}" if error in (403, 404) else f"fatal error: {refusal}")
        return FAILED
    content = found["Body"].read()
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
    pages = _client("ssm", options).get_paginator("get_parameters_by_path")
    found = [
        one for page in pages.paginate(Path=options["--path"][0], WithDecryption=True) for one in page["Parameters"]
    ]
    print(json.dumps({"Parameters": found}, indent=4, default=str, ensure_ascii=False))
    return 0


def _tag(options: dict[str, list[str]]) -> int:
    tags = []
    for word in options["--tags"]:
        key, found, value = word.removeprefix("Key=").partition(",Value=")
        if not found:
            return _misused()
        tags.append({"Key": key, "Value": value})
    _client("ec2", options).create_tags(Resources=options["--resources"], Tags=tags)
    return 0


def _misused() -> int:
    _say(f"The sandbox's aws command does not know: aws {' '.join(sys.argv[1:])}\n{USAGE}")
    return WRONG_USE


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ClientError, BotoCoreError) as refusal:
        _say(f"\n{refusal}")
        sys.exit(REFUSED)
