"""The table of commands, and the group that finds, lists and runs them.

Imports nothing heavy: `--help` and shell completion answer from the table alone.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from awsdeploy import __version__, errors
from awsdeploy.cli.failures import ending
from awsdeploy.cli.options import Given, debug_option, sandbox_options
from awsdeploy.progress import streams


class CommandEntry(NamedTuple):
    """Module of a command (each calls its own `command`) and its short help text."""

    module: str
    short_help: str


COMMANDS: Mapping[str, CommandEntry] = {
    "init": CommandEntry("awsdeploy.cli.commands.init", "Write a config.toml for the project in this folder."),
    "doctor": CommandEntry("awsdeploy.cli.commands.doctor", "Check everything that could stop `up`. Changes nothing."),
    "plan": CommandEntry("awsdeploy.cli.commands.plan", "Show what `up` would create, change and delete."),
    "up": CommandEntry("awsdeploy.cli.commands.up", "Create the stack, or update it to match config.toml."),
    "status": CommandEntry("awsdeploy.cli.commands.status", "Show every resource, its health and the URLs."),
    "drift": CommandEntry("awsdeploy.cli.commands.drift", "Show what was changed by hand, for people and for CI."),
    "history": CommandEntry(
        "awsdeploy.cli.commands.history", "List the runs that changed the stack, and who made them."
    ),
    "list": CommandEntry("awsdeploy.cli.commands.list", "List the stacks of the account and region."),
    "diagram": CommandEntry("awsdeploy.cli.commands.diagram", "Draw the stack: parts, health, ports and costs."),
    "report": CommandEntry("awsdeploy.cli.commands.report", "Write one page about the stack for others to read."),
    "timeline": CommandEntry("awsdeploy.cli.commands.timeline", "Show where the time of a run went."),
    "deploy": CommandEntry("awsdeploy.cli.commands.deploy", "Release the committed code to the machines."),
    "rollback": CommandEntry("awsdeploy.cli.commands.rollback", "Go back to the previous release."),
    "releases": CommandEntry("awsdeploy.cli.commands.releases", "List the releases and the machines that run them."),
    "restart": CommandEntry(
        "awsdeploy.cli.commands.restart", "Restart a service with its current environment variables."
    ),
    "ci": CommandEntry("awsdeploy.cli.commands.ci", "Set up releases from GitHub Actions: `ci github`."),
    "exec": CommandEntry("awsdeploy.cli.commands.exec", "Run a command on a service's machines."),
    "env": CommandEntry("awsdeploy.cli.commands.env", "List, set, import and remove environment variables."),
    "repository": CommandEntry("awsdeploy.cli.commands.repository", "Give the machines access to a git repository."),
    "logs": CommandEntry("awsdeploy.cli.commands.logs", "Show logs, and follow them with -f."),
    "shell": CommandEntry("awsdeploy.cli.commands.shell", "Open a shell on a machine."),
    "tunnel": CommandEntry(
        "awsdeploy.cli.commands.tunnel", "Connect to the database from this computer: `tunnel database`."
    ),
    "open": CommandEntry("awsdeploy.cli.commands.open", "Open the application in a browser."),
    "destroy": CommandEntry("awsdeploy.cli.commands.destroy", "Delete the stack and check that nothing is left."),
    "cost": CommandEntry("awsdeploy.cli.commands.cost", "Estimate the monthly cost."),
    "policy": CommandEntry("awsdeploy.cli.commands.policy", "Print the IAM policy that awsdeploy needs."),
    "pause": CommandEntry("awsdeploy.cli.commands.pause", "Stop machines and database while nobody needs them."),
    "resume": CommandEntry("awsdeploy.cli.commands.resume", "Start a paused stack again."),
    "backup": CommandEntry("awsdeploy.cli.commands.backup", "Make a backup: `backup now`."),
    "backups": CommandEntry("awsdeploy.cli.commands.backups", "List what can be restored."),
    "restore": CommandEntry("awsdeploy.cli.commands.restore", "Restore data to an earlier time."),
    "drill": CommandEntry("awsdeploy.cli.commands.drill", "Test and measure a restore of the database."),
    "export": CommandEntry("awsdeploy.cli.commands.export", "Write the stack as Terraform files: `export terraform`."),
    "unlock": CommandEntry("awsdeploy.cli.commands.unlock", "Show or remove the lock of the stack."),
    "rehearsal": CommandEntry(
        "awsdeploy.cli.commands.rehearsal", "Test awsdeploy on an AWS account and record how AWS answers."
    ),
    "config": CommandEntry("awsdeploy.cli.commands.config", "Show the settings in effect, or their JSON schema."),
    "sandbox": CommandEntry("awsdeploy.cli.commands.sandbox", "Start, stop or reset the simulated AWS."),
    "completion": CommandEntry("awsdeploy.cli.commands.completion", "Print the completion script for a shell."),
}

EXAMPLES = """\
  awsdeploy init                  write config.toml
  awsdeploy up --sandbox --yes    try it: simulated AWS, no account
  awsdeploy up                    create it on AWS (shows the plan, then asks)
  awsdeploy deploy                release the application
  awsdeploy destroy               delete everything
"""


class ExampleHelp(click.Command):
    """Help that begins with examples; `examples` is printed unchanged."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse arguments that no parameter takes, without repeating them as click does: one may be a secret."""
        strict = not (ctx.allow_extra_args or ctx.resilient_parsing)
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if strict:
            ctx.allow_extra_args = False
            if rest:
                ctx.fail(f"{len(rest)} argument{'s' * (len(rest) > 1)} too many.")
        return rest

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.help:
            for paragraph in self.help.split("\n\n"):
                formatter.write_text(" ".join(paragraph.split()))
                formatter.write_paragraph()
        if self.examples:
            formatter.write("Examples:\n" + self.examples.rstrip("\n") + "\n\n")
        self.format_usage(ctx, formatter)
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)


class ExampleGroup(ExampleHelp, click.Group):
    """A group that shows its help when no command is named."""

    command_class = ExampleHelp

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each command with the whole first sentence of its help, which click would cut at the end of the line."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(command)) for name, command in commands.items() if command])


def _sentence(command: click.Command) -> str:
    first = " ".join((command.help or "").partition("\n\n")[0].split())
    return f"{first.partition('. ')[0].removesuffix('.')}."


class LazyGroup(ExampleGroup):
    """Commands from the table: listed without being imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"No such command: {args[0]!r}." + (f" Did you mean {near[0]}?" if near else ""))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=entry.short_help)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = Given()
        errors.typed_as(given.typed)

        def run() -> object:
            return super(LazyGroup, self).main(
                args, prog_name or "awsdeploy", complete_var, standalone_mode=False, obj=given, **extra
            )

        if not standalone_mode:
            return run()
        sys.exit(ending(run, lambda: given.debug))


@click.command(
    cls=LazyGroup,
    examples=EXAMPLES,
    help="Create a production web application on AWS with one command, and delete it with another.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@sandbox_options
@debug_option
@click.version_option(__version__, message="awsdeploy %(version)s")
def awsdeploy() -> None:
    """Entry point; always runs a command."""


def main() -> None:
    """Run the installed command `awsdeploy`, and end the process."""
    streams.install()
    awsdeploy.main()
