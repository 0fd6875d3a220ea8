"""Settings that an organisation demands for every IAM role."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from awsdeploy.config import rules
from awsdeploy.config.values import Frozen, pattern


class IamSettings(Frozen):
    """Settings of all IAM roles of the stack: of machines, replication, daily images and GitHub Actions."""

    permissions_boundary: Annotated[str, AfterValidator(rules.boundary), pattern(f"({rules.POLICY_ARN})?")] = ""
    """ARN of a managed policy of this account that limits every role. Default: none."""
