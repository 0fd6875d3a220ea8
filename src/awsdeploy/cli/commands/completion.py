"""`completion`: the script that lets a shell complete awsdeploy's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from awsdeploy.cli.app import ExampleHelp, awsdeploy
from awsdeploy.cli.options import shared_options

EXAMPLES = """\
  bash   echo 'eval "$(awsdeploy completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(awsdeploy completion zsh)"' >> ~/.zshrc      (after compinit)
  fish   awsdeploy completion fish > ~/.config/fish/completions/awsdeploy.fish
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@shared_options(reads_config=False, reaches_aws=False)
def command(_given: object, shell: str) -> None:
    """Print the completion script for a shell. Run one of the examples once, then open a new terminal."""
    complete = get_completion_class(shell)
    if complete is None:
        raise AssertionError(shell)
    script = complete(awsdeploy, {}, "awsdeploy", "_AWSDEPLOY_COMPLETE")
    # Not script.source(): that would look for the shell on this machine.
    click.echo(script.source_template % script.source_vars())
