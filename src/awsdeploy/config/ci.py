"""Settings of releases from CI."""

from __future__ import annotations

from awsdeploy.config.values import Branch, Deployment, Frozen, GitHubRepository


class CiSettings(Frozen):
    """Releases from GitHub Actions: a role for `awsdeploy deploy` that one branch, or environment, may take on."""

    github: GitHubRepository = ""
    """OWNER/NAME, or OWNER@ID/NAME@ID with GitHub's IDs, as in GitHub's tokens. Default: none."""
    branch: Branch = "main"
    """The branch whose workflows may deploy."""
    environment: Deployment = ""
    """A GitHub environment instead of a branch. The environment's rules decide who may deploy."""

    @property
    def subject(self) -> str:
        """Subject of the GitHub tokens that may deploy."""
        return f"repo:{self.github}:" + (
            f"environment:{self.environment}" if self.environment else f"ref:refs/heads/{self.branch}"
        )
