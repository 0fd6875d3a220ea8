"""Address from which pip installs exactly this version of awsdeploy, for example in CI."""

from __future__ import annotations

import importlib.metadata
import json
import re

from awsdeploy import DISTRIBUTION
from awsdeploy.errors import UsageError

EXAMPLE = "git+https://github.com/OWNER/awsdeploy@COMMIT"
_ADDRESSES = (
    re.compile(r"git\+(https|ssh)://\S+@[0-9a-f]{40}"),
    re.compile(r"https://\S+\.whl#sha256=[0-9a-f]{64}"),
    re.compile(r"(?!-)[^\s:]+\.whl"),
)


def origin() -> str:
    """Return the git URL and commit from which awsdeploy was installed; "" if it was installed in another way.

    Source: PEP 610, `direct_url.json`.
    """
    direct_url = json.loads(importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or "{}")
    version = direct_url.get("vcs_info", {})
    from_git = version.get("vcs") == "git" and direct_url.get("url", "").startswith("https://")
    return f"git+{direct_url['url']}@{version.get('commit_id', '')}" if from_git else ""


def address(given: str) -> str:
    """Return `given` if pip always installs the same code from it.

    Raises `UsageError` for a name on an index, a branch, or a download without its hash.
    """
    if any(pattern.fullmatch(given) for pattern in _ADDRESSES):
        return given
    wrong = f"{given!r} is neither a git URL with a 40-digit commit nor a wheel." if given else ""
    raise UsageError(
        wrong or "The workflow must install awsdeploy, but this copy was not installed from a git URL.",
        f"Add --install {EXAMPLE}, or --install with the path of a wheel in the repository. "
        "(A plain package name is not accepted: on PyPI it may be another project.)",
    )
