"""The real Terraform with its provider of AWS from a folder of this machine, planning against a simulated AWS."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import shared
from tests.simulated import World

VARIABLE = "AWSDEPLOY_TERRAFORM_MIRROR"
"""The folder that holds `registry.terraform.io`, where it is none of the usual ones."""
NAME = "registry.terraform.io"
TERRAFORM = shutil.which("terraform")
USUAL = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins", "/usr/local/share/terraform/plugins")
NAMED = re.compile(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', re.MULTILINE)


def _folders() -> Iterator[Path]:
    """Folders that may hold the mirror: named ones, those of Terraform's own settings, its usual ones, and /opt."""
    yield from (Path(os.environ[name]) for name in (VARIABLE, "TF_PLUGIN_CACHE_DIR") if os.environ.get(name))
    for settings in (os.environ.get("TF_CLI_CONFIG_FILE", ""), "~/.terraformrc"):
        if settings and (path := Path(settings).expanduser()).is_file():
            yield from (Path(found) for found in NAMED.findall(path.read_text()))
    yield from (Path(one).expanduser() for one in USUAL)
    yield from Path("/opt").glob("*")


@functools.cache
def mirror() -> Path | None:
    """The folder with a provider of AWS of version 5."""
    for folder in _folders():
        if any((folder / NAME / "hashicorp/aws").glob("5.*")):
            return folder
    return None


def missing() -> str:
    """Reason why Terraform cannot plan on this machine; "" if it can."""
    if TERRAFORM is None:
        return "there is no Terraform on this machine"
    return "" if mirror() else f"there is no folder {NAME} with hashicorp/aws 5 on this machine; {VARIABLE} can name it"


needs_terraform = pytest.mark.skipif(bool(missing()), reason=missing() or "Terraform is here")

OVERRIDE = """\
provider "aws" {{{alias}
  s3_use_path_style       = true
  skip_metadata_api_check = true
}}
"""
"""AWS is at one address here, so buckets cannot be host names. Everything else comes from the environment."""


@dataclass(frozen=True)
class Planned:
    """The end of a plan: its counts, and the address of each resource that it changes with what it does."""

    imported: int
    added: int
    changed: int
    removed: int
    changes: dict[str, str]

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.added, self.changed, self.removed


def plan(world: World, folder: Path) -> Planned:
    """Let Terraform plan an export against this world."""
    aliases = re.findall(r'alias\s+= "([^"]+)"', (folder / "main.tf").read_text())
    blocks = [OVERRIDE.format(alias="")] + [OVERRIDE.format(alias=f'\n  alias = "{one}"') for one in aliases]
    (folder / "sandbox_override.tf").write_text("\n".join(blocks))
    _initialised(folder)
    done = _run(world.environment, folder, "plan", "-input=false", "-json", "-lock=false", "-refresh=true")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    errors = [line["diagnostic"] for line in lines if line.get("@level") == "error"]
    assert not errors, json.dumps(errors, indent=1)
    (counts,) = [line["changes"] for line in lines if line["type"] == "change_summary"]
    changes = {
        line["change"]["resource"]["addr"]: line["change"]["action"]
        for line in lines
        if line["type"] == "planned_change" and line["change"]["action"] not in ("noop", "import")
    }
    return Planned(counts["import"], counts["add"], counts["change"], counts["remove"], changes)


def apply(world: World, folder: Path) -> str:
    """Let Terraform apply an export that `plan` has seen, and return the line with its counts."""
    done = _run(world.environment, folder, "apply", "-input=false", "-auto-approve", "-lock=false", "-no-color")
    assert done.returncode == 0, done.stderr
    (counts,) = re.findall(r"^Apply complete! Resources: (.+)$", done.stdout, re.MULTILINE)
    return str(counts)


def formatted(folder: Path) -> str:
    """The changes that `terraform fmt` would make; "" if there are none."""
    return _run({}, folder, "fmt", "-check", "-diff", "-recursive", "-no-color").stdout


def _initialised(folder: Path) -> None:
    """`terraform init` once for all: it reads the whole provider, which is large."""
    if (folder / ".terraform").exists():
        return

    def init(home: Path) -> None:
        shutil.copy(folder / "main.tf", home / "main.tf")
        done = _run({}, home, "init", "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout + done.stderr

    _, home = shared.once(f"terraform {mirror()}", init, altered=False)
    shutil.copytree(home / ".terraform", folder / ".terraform", symlinks=True)
    shutil.copy(home / ".terraform.lock.hcl", folder / ".terraform.lock.hcl")


def _run(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    assert TERRAFORM
    settings = Path(os.environ[shared.VARIABLE]) / "terraform.rc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n')
    given = {**os.environ, **environment, "TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1"}
    return subprocess.run([TERRAFORM, *words], cwd=folder, env=given, capture_output=True, text=True, timeout=900)
