"""The AWS credentials and settings of this shell: why they cannot be used, and the command that corrects them.

Reads the environment and the AWS profile in use; makes no AWS calls. Explains the exceptions of botocore.
"""

from __future__ import annotations

import os
import re
import shlex
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from awsdeploy.errors import CredentialsMissing, UsageError, next_command

ANY = "aws login, or aws sso login --profile NAME, or aws configure for an access key"
VARIABLES = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
THEN = "then run the same command again: it continues from here."
_PASSWORD = re.compile(r"[^\s'\"/@]+@")
CLOCK_OFF = 240.0  # seconds; AWS refuses signatures that are more than five minutes off


@dataclass(frozen=True)
class Signer:
    """Source of the credentials. `method` is botocore's word (env, sso, login …), empty where there are none."""

    profile: str = ""
    method: str = ""
    expires: datetime | None = None
    """Time at which they expire; None if unknown or if they are renewed automatically."""

    @property
    def source(self) -> str:
        """Origin of the credentials, in words."""
        if self.method == "env":
            return "the AWS_* variables of this shell"
        return f"profile {self.profile or 'default'} ({self.method})"


def signer(session: Any) -> Signer:
    """Source of the credentials of boto3's `session`. Raises `CredentialsMissing`; makes no AWS call."""
    with resolving():
        found = session.get_credentials()
    if found is None:
        return Signer()
    profile = "" if session.profile_name == "default" else str(session.profile_name)
    # What botocore renews by itself has no end that matters here; variables are not renewed.
    expires = getattr(found, "_expiry_time", None) if found.method == "env" else None
    return Signer(profile, str(found.method), expires)


def renew(client: Any) -> None:
    """Make sure that botocore's `client` has credentials for a call. Raises `CredentialsMissing`: nothing was sent."""
    from botocore.exceptions import NoCredentialsError

    with resolving():
        found = client._get_credentials()
        if found is None:
            raise NoCredentialsError
        found.get_frozen_credentials()


@contextmanager
def resolving() -> Iterator[None]:
    """Raise `CredentialsMissing` for every failure to find, read, create or renew credentials.

    A helper or a cached token can fail in any way: botocore passes on Python's exceptions.
    An unreachable token server is a different failure.
    """
    from botocore import exceptions as fault

    try:
        yield
    except (fault.HTTPClientError, fault.ConnectionError):
        raise
    except (
        *(fault.BotoCoreError, fault.ClientError),
        *(OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError),
    ) as error:
        raise CredentialsMissing(*_explained(error)) from None


def _explained(error: Exception) -> tuple[str, str]:
    """Message and hint for an error."""
    from botocore import exceptions as fault

    named, section = _profile()
    who = f"profile {named}"
    unread = getattr(fault, "LoginError", fault.SSOError)  # newer than our oldest boto3
    if isinstance(error, fault.ProfileNotFound):
        there = ", ".join(sorted(_profiles())) or "none"
        return f"{error}.", f"export AWS_PROFILE=NAME (available: {there}), or unset AWS_PROFILE. Or: {ANY}"
    if isinstance(error, fault.ConfigParseError | fault.InvalidConfigError):
        return f"The AWS configuration cannot be used: {error}", f"Correct {_file()}, {THEN}"
    if isinstance(error, fault.MissingDependencyException):
        install = shlex.join([sys.executable, "-P", "-m", "pip", "install", "botocore[crt]"])
        return f"The credentials of {who} need a library that is not installed.", f"{install}, {THEN}"
    if isinstance(error, EOFError | fault.RefreshWithMFAUnsupportedError):
        export = f'eval "$(aws configure export-credentials --profile {shlex.quote(named)} --format env)"'
        return f"{who.capitalize()} requires an MFA code, and awsdeploy cannot ask for it now.", f"{export}, {THEN}"
    if isinstance(error, unread | fault.SSOError | fault.TokenRetrievalError):
        return f"{who.capitalize()} is not signed in, or the session has expired: {error}", f"{sign_in()}, {THEN}"
    if isinstance(error, fault.NoCredentialsError):
        return "No AWS credentials were found.", f"{ANY}. To try it without an account: {_sandboxed()}"
    if isinstance(error, fault.ClientError):
        return _refused(error, named, section)
    if isinstance(error, RuntimeError) and "still expired" in str(error):
        return "The AWS credentials have expired.", f"{sign_in()}, {THEN}"
    what, where = _place(section)
    said = str(error) if isinstance(error, fault.BotoCoreError) else _of_python(error)
    return f"No AWS credentials could be used: {what}{said}", f"{where} Or: {sign_in()}"


def _place(section: Mapping[str, str]) -> tuple[str, str]:
    """Name what was being read, and where it is set."""
    if token := os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return f"AWS_WEB_IDENTITY_TOKEN_FILE={token}: ", "Correct that variable, or unset it."
    if token := section.get("web_identity_token_file", ""):
        return f"web_identity_token_file = {token}: ", f"Correct it in {_file()}."
    if helper := section.get("credential_process", ""):
        return f"credential_process = {helper}: ", f"Run that command yourself, and correct it in {_file()}."
    return "", f"Check {_file()} and the AWS_* variables of this shell."


def _of_python(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or _file()}: {error.strerror or error}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return "it does not have the format that the AWS tools expect"  # what it does say may be secret


def _refused(error: Any, named: str, section: Mapping[str, str]) -> tuple[str, str]:
    """AWS was asked for temporary keys and said no."""
    said = error.response["Error"]
    role = os.environ.get("AWS_ROLE_ARN") or section.get("role_arn", "")
    message = (
        f"AWS returned no credentials for {role or f'profile {named}'}: {said.get('Message')} ({said.get('Code')})"
    )
    if role and said.get("Code") == "AccessDenied":
        return message, f"The role's trust policy must allow the caller, and the caller needs sts:AssumeRole on {role}."
    return message, f"{sign_in()}, {THEN}"


def refused(code: str, text: str, headers: Mapping[str, str]) -> CredentialsMissing:
    """AWS does not accept the credentials of a call. `headers`: of its answer, which say what time it is there."""
    if (off := _clock_off(headers)) and abs(off) > CLOCK_OFF:
        said = f"{abs(off) / 60:.0f} minutes {'behind' if off > 0 else 'ahead'}"
        return CredentialsMissing(
            f"The clock of this computer is {said}; AWS accepts 5 minutes at most: {text or code}",
            f"{_set_clock()}, {THEN}",
        )
    return CredentialsMissing(f"AWS does not accept these credentials: {text or code}", f"{sign_in()}, {THEN}")


def _clock_off(headers: Mapping[str, str]) -> float | None:
    """Seconds that AWS's clock is ahead of ours, None where it does not say."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(headers["date"]).timestamp() - datetime.now().timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _set_clock() -> str:
    if sys.platform == "darwin":
        return "sudo sntp -sS time.apple.com"
    if os.environ.get("WSL_DISTRO_NAME"):
        return "sudo hwclock -s"
    return "sudo timedatectl set-ntp true"


def sign_in() -> str:
    """The command that makes credentials of the kind in use; every one there is where none is in use."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return f"Set new values for {VARIABLES}, or unset them and: aws login"
    named, section = _profile()
    known, seen = _profiles(), {named}
    while (source := section.get("source_profile", "")) in known and source not in seen:
        seen.add(source)
        named, section = source, known[source]
    profile = "" if named == "default" else f" --profile {shlex.quote(named)}"
    if "sso_session" in section or "sso_start_url" in section:
        return f"aws sso login{profile}"
    if "login_session" in section:
        return f"aws login{profile}"
    if "aws_access_key_id" in section:
        return f"aws configure{profile}"
    return ANY


def check_settings() -> None:
    """Raises `UsageError` for a file of certificates that cannot be read, which otherwise looks like a lost answer."""
    bundle = os.environ.get("AWS_CA_BUNDLE") or _profile()[1].get("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    if not bundle or os.path.isdir(bundle):
        return
    try:
        ssl.create_default_context(cafile=bundle)
    except OSError as error:
        reason = error.strerror or "no certificates in it"
        raise UsageError(
            f"The certificates of AWS_CA_BUNDLE cannot be read: {bundle}: {reason}",
            "Correct AWS_CA_BUNDLE (or ca_bundle of the AWS profile), or: unset AWS_CA_BUNDLE",
        ) from None


def misset(error: Exception) -> UsageError:
    """A client cannot be made, or a request not be sent, as the shell's settings are."""
    said = _PASSWORD.sub("***@", str(error))
    wrong = [name for name, value in os.environ.items() if _names_places(name) and _place_in(value) in said]
    which = ", ".join(wrong) or "The AWS_* variables of this shell, or the AWS profile,"
    hint = f"unset {' '.join(wrong)}, or correct it." if wrong else f"Correct them, or {_file()}."
    return UsageError(f"{which} cannot be used: {said}", hint)


def _place_in(value: str) -> str:
    """A URL without its scheme and without who asks."""
    return value.rpartition("://")[2].rpartition("@")[2] or "\0"


def _names_places(name: str) -> bool:
    return name.startswith(("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT")) or name.upper().endswith("_PROXY")


def _profile() -> tuple[str, Mapping[str, str]]:
    """The name of the profile in use, and what the AWS configuration says of it."""
    named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"
    return named, _profiles().get(named, {})


def _profiles() -> Mapping[str, Mapping[str, str]]:
    """All profiles; none where the configuration cannot be read."""
    import botocore.session
    from botocore.exceptions import BotoCoreError

    try:
        found: Mapping[str, Mapping[str, str]] = botocore.session.get_session().full_config["profiles"]
    except (BotoCoreError, OSError, ValueError, KeyError):
        return {}
    return found


def _file() -> Path:
    return Path(os.environ.get("AWS_CONFIG_FILE", "~/.aws/config"))


def _sandboxed() -> str:
    return next_command("up", "--sandbox")
