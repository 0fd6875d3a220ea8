"""The command line: `awsdeploy COMMAND`. Each command's module is imported only when it runs."""

from __future__ import annotations

from awsdeploy.cli.app import awsdeploy, main

__all__ = ["awsdeploy", "main"]
