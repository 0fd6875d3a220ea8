"""The project of a rehearsal: a separate folder with the application, its git repository and config.toml.

Everything that the rehearsal's commands write is in this folder.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from awsdeploy.config import Settings, from_mapping
from awsdeploy.errors import Refused, UsageError
from awsdeploy.release import git

PREFIX = "rehearsal-"
NAME = re.compile(PREFIX + r"[a-z0-9]{1,10}")
SERVICES = ("front", "back")
NOT_COPIED = shutil.ignore_patterns("node_modules", ".next", "dist", ".git", ".awsdeploy")
_WHO = {"NAME": "rehearsal", "EMAIL": "rehearsal@localhost"}
COMMITTER = {f"GIT_{role}_{what}": said for role in ("AUTHOR", "COMMITTER") for what, said in _WHO.items()}
IGNORED = ".awsdeploy/\nnode_modules/\n"


@dataclass(frozen=True)
class StackOptions:
    """Name and region of a rehearsal's stack; `domain` "" for none."""

    name: str
    region: str = ""
    domain: str = ""


def new_name() -> str:
    """Return a random stack name."""
    return f"{PREFIX}{secrets.token_hex(3)}"


def checked_name(name: str) -> str:
    """Return the name. Raises `UsageError` if it could be the name of a real stack, because the stack is deleted."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"--name {name}: the stack is deleted at the end, so its name must begin with {PREFIX}.",
            f"--name {PREFIX}1: use up to ten characters a-z and 0-9 after {PREFIX}.",
        )
    return name


class Project:
    """A folder with the application and a config.toml that the rehearsal changes."""

    def __init__(self, folder: Path, options: StackOptions) -> None:
        self.folder, self.options = folder, options
        self.config = folder / "config.toml"

    @property
    def settings(self) -> Settings:
        """The settings of the stack as it begins. Raises `ConfigInvalid`."""
        return from_mapping(tomllib.loads(self._text()))

    def begin(self, application: Path) -> None:
        """Copy the application and commit it. Raises `UsageError` if a service is missing, `Refused` if git fails."""
        for service in SERVICES:
            if not (application / service / "package.json").is_file():
                raise UsageError(
                    f"{application / service} is not an application: it has no package.json.",
                    "Choose a folder with front/ and back/: --application examples/shop",
                )
            shutil.copytree(application / service, self.folder / service, ignore=NOT_COPIED)
        (self.folder / ".gitignore").write_text(IGNORED)
        self.config.write_text(self._text())
        self._git("init", "-q", "-b", "main")
        self._git("add", "-A")
        self._git("commit", "-q", "--no-gpg-sign", "-m", "Rehearse")

    def change_in_place(self) -> None:
        """Declare what AWS changes without replacing anything: a disk, a retention, a bucket's lifecycle rules."""
        self.config.write_text(self._text(disk=21, log_days=14, temp_days=8))

    def add_machine(self) -> None:
        """Declare a second machine of the backend, besides the changes in place."""
        self.config.write_text(self._text(disk=21, log_days=14, temp_days=8, instances=2))

    def _text(self, disk: int = 20, log_days: int = 30, temp_days: int = 7, instances: int = 1) -> str:
        options = self.options
        region = f"region = {json.dumps(options.region)}\n" if options.region else ""
        domain = f"domain = {json.dumps(options.domain)}\naliases = []\n" if options.domain else ""
        return (
            f'name = {json.dumps(options.name)}\nenvironment = "dev"\nplatform = "supported"\n{region}{domain}'
            f'\n[dns]\nmode = "{"route53" if options.domain else "none"}"\n'
            f'\n[services.frontend]\ndirectory = "{SERVICES[0]}"\n'
            f'\n[services.backend]\ndirectory = "{SERVICES[1]}"\nvolume_gb = {disk}\ninstances = {instances}\n'
            f"\n[logs]\ndays = {log_days}\n"
            f"\n[uploads]\ntemp_days = {temp_days}\n"
        )

    def _git(self, *words: str) -> None:
        try:
            git.output(*words, folder=self.folder, environ=COMMITTER)
        except FileNotFoundError:
            raise Refused("git is not installed, and `deploy` needs it.", "Install git. Nothing was created.") from None
