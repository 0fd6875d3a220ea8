"""Keys of one sandbox, all derived from its secret: the owner's, each machine's, and those of addresses."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import secrets
from dataclasses import dataclass

HEADER = "X-Awsdeploy-Sandbox"
"""The header of a control call; its value is the sandbox's secret."""
MACHINE = "ASIA"
"""Start of a machine's access key id. AWS: that of temporary credentials."""


@dataclass(frozen=True, repr=False)
class Keys:
    """`secret` is the owner's secret access key too."""

    secret: str

    @staticmethod
    def new() -> Keys:
        return Keys(secrets.token_urlsafe(30))  # 40 characters, as AWS's secret access keys

    @functools.cached_property
    def owner(self) -> str:
        """The owner's access key id."""
        return "AKIA" + base64.b32encode(self._digest("owner")).decode()[:16]

    @property
    def link(self) -> str:
        """The end of the address that tells where applications are reached: it is asked without headers."""
        return self._digest("link").hex()[:32]

    def of_machine(self, id: str) -> tuple[str, str]:
        """Access key id and secret access key of an instance's role on this instance."""
        key = MACHINE + id.removeprefix("i-").upper()
        return key, self._of(key)

    def secret_of(self, key: str) -> str:
        """Return the secret access key for an access key id; "" if there is none."""
        if key == self.owner:
            return self.secret
        return self._of(key) if key.startswith(MACHINE) else ""

    def _of(self, key: str) -> str:
        return self._digest(key).hex()[:40]

    def _digest(self, purpose: str) -> bytes:
        return hmac.digest(self.secret.encode(), purpose.encode(), hashlib.sha256)
