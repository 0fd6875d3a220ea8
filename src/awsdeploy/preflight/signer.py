"""Whose credentials sign the calls, and the command that makes them anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from awsdeploy.aws import Door

ANY = "aws login, or aws sso login --profile NAME, or aws configure for an access key"


@dataclass(frozen=True)
class Signer:
    """Where the credentials come from. `method` is botocore's word (env, sso, login …), empty where there are none."""

    profile: str = ""
    method: str = ""
    expires: datetime | None = None
    """When they end, where that is known and nobody renews them."""

    @property
    def source(self) -> str:
        """Where people find them."""
        if self.method == "env":
            return "the AWS_* variables of this shell"
        return f"profile {self.profile or 'default'} ({self.method})"

    @property
    def sign_in(self) -> str:
        """The command that makes credentials of the kind in use; all of them where there are none."""
        profile = f" --profile {self.profile}" if self.profile else ""
        variables = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
        known = {
            "sso": f"aws sso login{profile}",
            "login": f"aws login{profile}",
            "shared-credentials-file": f"aws configure{profile}",
            "config-file": f"aws configure{profile}",
            "env": f"new values for {variables}, or unset them and: aws login",
        }
        return known.get(self.method, ANY)


def signer(door: Door) -> Signer:
    """Asks nobody. Raises `CredentialsMissing` for a profile that is not there."""
    session, found = door.signer()
    if found is None:
        return Signer()
    profile = "" if session.profile_name == "default" else str(session.profile_name)
    # What botocore renews by itself has no end that matters here; variables are not renewed.
    expires = getattr(found, "_expiry_time", None) if found.method == "env" else None
    return Signer(profile, str(found.method), expires)
