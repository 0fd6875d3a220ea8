"""`ci`: what a workflow elsewhere needs to release. The role itself is declared, made and removed like the rest."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import Session, print_lines, session
from awsdeploy.errors import Refused, UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.config import CiSettings
    from awsdeploy.engine.resource import Observed

EXAMPLES = """\
  awsdeploy ci github --repository OWNER/NAME      what to add to config.toml
  awsdeploy ci github > .github/workflows/deploy.yml
  awsdeploy ci github --install vendor/awsdeploy_stack-0.1.0-py3-none-any.whl
"""

WORKFLOW = """\
name: deploy
on:
{on}
permissions: {{}}
concurrency:
  group: deploy-{stack}
  cancel-in-progress: false
jobs:
  deploy:
    runs-on: ubuntu-latest
{environment}    permissions:
      contents: read
      id-token: write # AWS exchanges this token for credentials that last an hour
    steps:
      - uses: actions/checkout@d23441a48e516b6c34aea4fa41551a30e30af803 # v6.1.0
        with:
          persist-credentials: false
      - run: pipx install {install}
      - uses: aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3
        with:
          role-to-assume: {role}
          aws-region: {region}
      - run: {command} --ref "$GITHUB_SHA"
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Release from a CI system."""


@command.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    help="The GitHub repository.  [default: from config.toml, else from the git remote origin]",
)
@click.option("--branch", metavar="NAME", help="The branch whose workflows may deploy.  [default: main]")
@click.option("--environment", metavar="NAME", help="A GitHub environment, instead of a branch.")
@click.option(
    "--install",
    metavar="ADDRESS",
    help="Where the workflow installs awsdeploy from: a git URL with a commit, or a wheel.  [default: as installed "
    "here]",
)
@json_option
@shared_options()
def github(
    given: Given,
    repository: str | None,
    branch: str | None,
    environment: str | None,
    install: str | None,
    as_json: bool,
) -> None:
    """Print the IAM role that GitHub Actions assumes, and the workflow file. Changes nothing.

    The role is declared in config.toml, created by `up` and deleted by `destroy`. If config.toml does not set the
    repository yet, prints the lines to add.
    """
    from awsdeploy.architecture.ci import by_name
    from awsdeploy.cli import installation
    from awsdeploy.config import load

    settings = given.settings()
    flags = {"ci.github": repository or settings.ci.github or _origin(given)}
    flags |= {f"ci.{key}": value for key, value in (("branch", branch), ("environment", environment)) if value}
    wanted = load(given.config, {**given.overrides, **flags}).ci
    if not wanted.github:
        raise UsageError(
            "No GitHub repository is set, neither with --repository nor in config.toml.", "--repository OWNER/NAME"
        )
    if wanted != settings.ci:
        _tell(given, wanted, bool(settings.ci.github))
        return
    install = installation.address(installation.origin() if install is None else install)
    with session(given, settings, "ci github") as at:
        observed = _role(at)
        arn = str(observed.raw["Arn"])
        print_lines([f"{wanted.subject} may deploy as\n{arn}", *by_name(wanted)], err=True)
        workflow = _workflow(at, wanted, arn, install)
        if as_json:
            document = {**at.header, "role": arn, "subject": wanted.subject, "workflow": workflow}
            click.echo(json.dumps(document, indent=2))
        else:
            click.echo(workflow, nl=False)


def _origin(given: Given) -> str:
    """The repository that this folder was cloned from, if it is GitHub's."""
    from awsdeploy.config.github import in_address
    from awsdeploy.release.source import remote

    return in_address(remote(given.config.absolute().parent))


def _tell(given: Given, wanted: CiSettings, there: bool) -> None:
    """Print the lines for config.toml. They go to stdout, so that they can be appended; all else goes to stderr."""
    from awsdeploy.architecture.ci import by_name

    what = "Change [ci] of" if there else "Add this to"
    lines = [f"{what} {given.config}. Nothing was written. Then, to create the role: {next_command('up')}"]
    lines += by_name(wanted)
    print_lines(lines, err=True)
    chosen = {"environment": wanted.environment} if wanted.environment else {"branch": wanted.branch}
    values = {"github": wanted.github, **chosen}
    click.echo("[ci]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items()))


def _role(at: Session) -> Observed:
    """Return the role of GitHub Actions as it is in AWS.

    Raises `Refused` if it does not exist, if there are two, or if it trusts another repository than config.toml says.
    """
    from awsdeploy.engine.observed import one_or_none
    from awsdeploy.resources.identity.federation import subjects
    from awsdeploy.resources.identity.role import Role

    at.run.need_record()
    wanted = at.settings.ci.subject
    observed = one_or_none(one for one in at.run.all(Role) if one.key == "ci/github")
    if observed is None:
        raise Refused(f"No role for {wanted} exists yet.", f"To create it: {next_command('up')}")
    trusted = subjects(observed.raw.get("AssumeRolePolicyDocument"))
    if trusted != [wanted]:
        said = ", ".join(trusted) or "no GitHub repository"
        raise Refused(f"The role trusts {said}; config.toml says {wanted}.", f"To change it: {next_command('up')}")
    return observed


def _workflow(at: Session, ci: CiSettings, arn: str, install: str) -> str:
    """GitHub workflow that deploys: by hand in an environment, otherwise at each push to the branch."""
    # How this program is called here is no concern of the workflow's, nor is the sandbox.
    words = ["awsdeploy", "deploy", *(word for flag in at.given.flags if flag != ["--sandbox"] for word in flag)]
    values: dict[str, Any] = {
        "on": "  workflow_dispatch:" if ci.environment else f"  push:\n    branches: [{json.dumps(ci.branch)}]",
        "environment": f"    environment: {json.dumps(ci.environment)}\n" if ci.environment else "",
        "stack": at.settings.stack,
        "role": arn,
        "region": at.run.region,
        "install": shlex.quote(install),
        "command": shlex.join(words),
    }
    return WORKFLOW.format(**values)
