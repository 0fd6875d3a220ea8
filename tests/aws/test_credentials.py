"""Wrong AWS credentials and settings of a shell: what to type, exit 3 (64), and a cross of `doctor`."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.aws.test_refusals import AnswerCase, body
from tests.sampling import sampled
from tests.simulated import warm

CONFIG = 'name = "shop"\nplatform = "supported"\n'
COMMANDS = [
    *(
        ["status"],
        ["plan"],
        ["up", "--yes"],
        ["destroy", "--confirm", "shop-prod"],
        ["backups"],
        ["releases"],
        ["unlock"],
    ),
    *(["env", "list"], ["restart", "backend"], ["repository", "show"], ["open"], ["rollback"], ["logs"]),
]
KEYS = {"AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "nothing"}
SSO = "[profile work]\nsso_session = acme\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
SESSION = "[sso-session acme]\nsso_region = us-east-1\nsso_start_url = https://acme.awsapps.com/start\n"
OLD_SSO = "sso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\n"
ROLE = "[profile work]\nrole_arn = arn:aws:iam::123456789012:role/dev\nsource_profile = base\n"
BASE = "[profile base]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = nothing\n"
EXPIRED = {"startUrl": "https://acme.awsapps.com/start", "accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z"}


class Wrong(NamedTuple):
    """A shell: `config` is its ~/.aws/config, `variables` what is set; `{folder}` is its home."""

    says: str
    """Regular expressions for the message and for the next thing to type."""
    variables: dict[str, str]
    config: str = ""
    code: int = 3


def process(command: str) -> str:
    return f"[profile work]\ncredential_process = {command}\n"


SHELLS = {
    "nothing": Wrong("(?:credentials were|none) found.*aws login.*--sandbox", {}),
    "half a key": Wrong("AWS_SECRET_ACCESS_KEY.*Set new values", {"AWS_ACCESS_KEY_ID": "AKIANOBODY"}),
    "keys that have expired": Wrong(
        "expired.*Set new values",
        {**KEYS, "AWS_SESSION_TOKEN": "t", "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"},
    ),
    "a helper that is missing": Wrong("/no/such: No such file.*Run that command", {}, process("/no/such")),
    "a helper that fails": Wrong("/bin/false: .*Run that command", {}, process("/bin/false")),
    "a helper that prints rubbish": Wrong("echo hello: .*Run that command", {}, process("echo hello")),
    "a helper that prints a list": Wrong(r"echo \[\]: .*Run that command", {}, process("echo []")),
    "a helper that prints no keys": Wrong("echo .*Run that command", {}, process('echo {\\"Version\\":1}')),
    "a token file that is missing": Wrong(
        "AWS_WEB_IDENTITY_TOKEN_FILE=/no/such.*No such file",
        {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such"},
    ),
    "a token file that is a folder": Wrong(
        "AWS_WEB_IDENTITY_TOKEN_FILE=/tmp.*directory",
        {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/tmp"},
    ),
    "a token file of a profile": Wrong(
        "web_identity_token_file = /no/such.*Correct it in",
        {},
        "[profile work]\nrole_arn = arn:aws:iam::1:role/x\nweb_identity_token_file = /no/such\n",
    ),
    "a config that is none": Wrong("AWS configuration cannot be used.*Correct .*config", {}, "rubbish"),
    "a config in another encoding": Wrong("AWS configuration cannot be used.*Correct .*config", {}, "[profile \udcff]"),
    "an unknown profile": Wrong(r"work.*could not be found.*available: other", {}, "[profile other]\n"),
    "profiles in a circle": Wrong(
        "configuration cannot be used.*Correct",
        {},
        ROLE.replace("base", "a") + "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = work\n",
    ),
    "a source that is not there": Wrong("configuration cannot be used.*Correct", {}, ROLE),
    "an unknown source of credentials": Wrong(
        "Nowhere", {}, ROLE.replace("source_profile = base", "credential_source = Nowhere")
    ),
    "SSO without a sign-in": Wrong("aws sso login --profile work", {}, SSO + SESSION),
    "SSO that has expired": Wrong("aws sso login --profile work", {"SSO_CACHE": json.dumps(EXPIRED)}, SSO + SESSION),
    "SSO with a broken cache": Wrong("aws sso login --profile work", {"SSO_CACHE": "rubbish"}, SSO + SESSION),
    "SSO as it was": Wrong("aws sso login --profile work", {}, SSO.replace("sso_session = acme\n", OLD_SSO)),
    "SSO of the profile below": Wrong("aws sso login --profile base", {}, ROLE + SSO.replace("work", "base") + SESSION),
    "aws login": Wrong(
        "aws login --profile work|pip install", {}, "[profile work]\nlogin_session = arn:aws:iam::1:user/a\n"
    ),
    "an MFA code": Wrong(
        "MFA code.*export-credentials --profile work", {}, ROLE + "mfa_serial = arn:aws:iam::1:mfa/a\n" + BASE
    ),
    "a role that may not be assumed": Wrong(
        "role/dev.*is not yours.*sts:AssumeRole", {"SAYS": "AccessDenied is not yours"}, ROLE + BASE
    ),
    "a clock that is behind": Wrong(
        "12 minutes behind.*set-ntp", {**KEYS, "SAYS": "SignatureDoesNotMatch Signature expired", "AHEAD": "720"}
    ),
    "a clock that is ahead": Wrong(
        "9 minutes ahead.*set-ntp", {**KEYS, "SAYS": "RequestTimeTooSkewed too large", "AHEAD": "-540"}
    ),
    "keys that AWS does not know": Wrong(
        "does not accept.*Set new values", {**KEYS, "SAYS": "InvalidClientTokenId The token is invalid"}
    ),
    "an endpoint that is none": Wrong(
        "AWS_ENDPOINT_URL cannot be used.*unset AWS_ENDPOINT_URL", {**KEYS, "AWS_ENDPOINT_URL": "nonsense"}, code=64
    ),
    "certificates that are missing": Wrong(
        "AWS_CA_BUNDLE.*/no/such.*unset", {**KEYS, "AWS_CA_BUNDLE": "/no/such"}, code=64
    ),
    "certificates that are none": Wrong(
        "AWS_CA_BUNDLE.*/etc/passwd.*unset", {**KEYS, "AWS_CA_BUNDLE": "/etc/passwd"}, code=64
    ),
    "a proxy that is none": Wrong(
        "HTTPS_PROXY cannot be used.*unset HTTPS_PROXY", {**KEYS, "HTTPS_PROXY": "http://host:abc"}, code=64
    ),
    "a mode of retries that is none": Wrong(
        "cannot be used.*[Cc]orrect", {**KEYS, "AWS_STS_REGIONAL_ENDPOINTS": "x"}, code=64
    ),
}


class RefusingAws(ThreadingHTTPServer):
    """Refuses everything with `says`, a code and a sentence; its clock is `ahead` seconds."""

    says = ""
    ahead = 0.0


class RefusingHandler(BaseHTTPRequestHandler):
    server: RefusingAws

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scope = re.search(r"/([\w-]+)/aws4_request", self.headers.get("Authorization", ""))
        service = scope[1] if scope else "sts"
        protocol = "json" if "X-Amz-Target" in self.headers else service
        code, _, text = self.server.says.partition(" ")
        said, headers = body(AnswerCase(service, "", {}, 403, code, text), protocol)
        self.send_response(403)
        for name, value in {**headers, "Content-Length": str(len(said))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.encode())

    do_GET = do_PUT = do_HEAD = do_POST

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.server.ahead, usegmt=True)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def aws() -> Iterator[RefusingAws]:
    server = RefusingAws(("127.0.0.1", 0), RefusingHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def shell(home: Path, aws: RefusingAws, wrong: Wrong) -> dict[str, str]:
    """The environment of a command in such a shell."""
    (home / "config").write_bytes(wrong.config.encode(errors="surrogateescape"))
    variables = dict(wrong.variables)
    made = {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_CONFIG_FILE": str(home / "config")}
    made |= {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
    if "AWS_ACCESS_KEY_ID" not in variables and wrong.config:
        made["AWS_PROFILE"] = "work"
    if cached := variables.pop("SSO_CACHE", ""):
        folder = home / ".aws" / "sso" / "cache"
        folder.mkdir(parents=True)
        (folder / f"{hashlib.sha1(b'acme').hexdigest()}.json").write_text(cached)
    aws.ahead = float(variables.pop("AHEAD", "0"))
    if says := variables.pop("SAYS", ""):
        aws.says = says
        made["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{aws.server_port}"
    return made | variables


SAMPLE = random.Random(13).sample(sorted(SHELLS), 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(SHELLS, SAMPLE))
def test_a_shell_that_cannot_sign_in_is_told_what_to_type(tmp_path: Path, aws: RefusingAws, name: str) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    wrong = SHELLS[name]
    environment = shell(tmp_path, aws, wrong)
    number = list(SHELLS).index(name)
    for words in [COMMANDS[number % len(COMMANDS)]]:
        done = warm().run(words, tmp_path, environment, "", 60)
        said = done.stdout + done.stderr
        assert done.returncode == wrong.code, said
        assert re.search(wrong.says, said, re.DOTALL), said
        assert "Traceback" not in said
        assert "nothing" not in said, "the secret key"
    done = warm().run(["doctor"], tmp_path, environment, "", 60)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "✗ AWS credentials" in done.stdout
    assert re.search(wrong.says, done.stdout, re.DOTALL), done.stdout
    assert not list(tmp_path.glob(".awsdeploy/crash*"))
