"""Names of GitHub repositories, branches and environments, spelled as in its tokens. IAM compares them letter by
letter, so nothing is accepted that it would read as a wildcard, a variable or another part of the subject.
"""

from __future__ import annotations

import re

from awsdeploy.config.wrong import Wrong

REPOSITORY = r"[A-Za-z0-9_-]{1,39}(@[0-9]+)?/[A-Za-z0-9._-]{1,100}(@[0-9]+)?"
BRANCH = r"[A-Za-z0-9_][A-Za-z0-9._/@#+-]{0,199}"
DEPLOYMENT = r"[A-Za-z0-9._/-]([A-Za-z0-9._/ -]{0,98}[A-Za-z0-9._/-])?"

_ADDRESS = re.compile(r"(?:https?://|ssh://|git@)+github\.com[:/]([^/\s]+/[^/\s]+?)(?:\.git)?/?")


def repository(value: str) -> str:
    """GitHub: since July 2026 the tokens of new and renamed repositories have numbers behind both names."""
    if value and not re.fullmatch(REPOSITORY, value):
        found = in_address(value)
        raise Wrong('a GitHub repository such as "OWNER/NAME"', f'write "{found}"' if found else "")
    if value and len({"@" in part for part in value.split("/")}) > 1:
        raise Wrong("either both IDs or none", 'as GitHub\'s tokens spell it: "OWNER@ID/NAME@ID"')
    return value


def branch(value: str) -> str:
    if not re.fullmatch(BRANCH, value):
        remedy = "no wildcard: set the exact branch name" if "*" in value else ""
        raise Wrong('the name of one branch, such as "main"', remedy)
    if value.startswith("refs/"):
        raise Wrong("a branch's short name", f'write "{value.rpartition("/")[2]}"')
    return value


def deployment(value: str) -> str:
    if value and not re.fullmatch(DEPLOYMENT, value):
        raise Wrong('the name of a GitHub environment, such as "production"')
    return value


def in_address(address: str) -> str:
    """The repository that a remote's address names; nothing for one that is not GitHub's."""
    found = _ADDRESS.fullmatch(address.strip())
    return found[1] if found and re.fullmatch(REPOSITORY, found[1]) else ""


def spelled(repository: str) -> str:
    """The command that prints a repository with GitHub's ids, as its tokens have them."""
    return f"""gh api repos/{repository} --jq '"\\(.owner.login)@\\(.owner.id)/\\(.name)@\\(.id)"'"""
