"""The options that commands share, and what they lead to: the settings, the state folder, the sandbox.

Imports the settings and the sandbox only when a command asks for them.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from awsdeploy.errors import Refused, UsageError
from awsdeploy.state.files import FOLDER, need_own

if TYPE_CHECKING:
    from awsdeploy.config import Settings

CONFIG = Path("config.toml")
STATE = Path(FOLDER)
SANDBOX = STATE / "sandbox"
SPEED = 60.0
FASTEST = 100_000

ENVIRONMENT_HELP = "The environment, such as dev or prod."
REGION_HELP = "The AWS region, such as ap-northeast-2."

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Given:
    """Options on the command line, before or after the command's name."""

    config: Path = CONFIG
    environment: str | None = None
    region: str | None = None
    sandbox: bool = False
    speed: float | None = None
    debug: bool = False

    @property
    def state_folder(self) -> Path:
        """Folder of the state files; the sandbox has its own."""
        return SANDBOX if self.sandbox else STATE

    @property
    def overrides(self) -> dict[str, str]:
        flags = {"environment": self.environment, "region": self.region}
        return {key: value for key, value in flags.items() if value is not None}

    @property
    def flags(self) -> list[list[str]]:
        """Flags that lead another command to the same stack, each with its value."""
        found = []
        if self.config != CONFIG:
            found.append(["--config", str(self.config)])
        if self.environment:
            found.append(["-e", self.environment])
        if self.region:
            found.append(["--region", self.region])
        if self.sandbox:
            found.append(["--sandbox"])
        return found

    def typed(self, words: Sequence[str]) -> str:
        """A command as it can be typed from here, quoted for the shell. A flag that `words` have is not added again."""
        flags = [word for flag in self.flags if flag[0] not in words for word in flag]
        end = words.index("--") if "--" in words else len(words)
        return f"{program()} {shlex.join([*words[:end], *flags, *words[end:]])}"

    def settings(self) -> Settings:
        """The settings in effect. Raises `ConfigInvalid`."""
        from awsdeploy.config import load

        return load(self.config, self.overrides)


def program() -> str:
    """The command that calls this program from here, quoted for the shell."""
    itself = Path(sys.argv[0])
    if itself.name == "__main__.py":
        return "python -m awsdeploy"
    found = shutil.which("awsdeploy")
    if itself.name != "awsdeploy" or (found and os.path.realpath(found) == os.path.realpath(itself)):
        return "awsdeploy"
    near = os.path.relpath(itself)
    return shlex.quote(str(itself) if near.startswith("..") else near)


def enter_sandbox(speed: float | None = None) -> None:
    """Start the sandbox, unless it runs, and point this process at it as any user could.

    Without a `speed` a running sandbox keeps its own.
    """
    from awsdeploy.sandbox import control

    home = SANDBOX.absolute()
    running = control.status(home)
    if control.ended(home):
        click.echo("The sandbox that ran here has ended, and its stacks no longer exist.", err=True)
    click.echo(f"{'Using' if running else 'Starting'} the sandbox (simulated AWS) …", err=True)
    server = control.start(home, speed or (running.speed if running else SPEED))
    for name, value in control.environment(server).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def need_own_state() -> None:
    """Raises `Refused` where the folder of our own files is a link, another user's, or came with the repository."""
    need_own(SANDBOX)
    if not STATE.is_dir():
        return
    from awsdeploy.release.git import is_tracked

    if is_tracked(STATE):
        raise Refused(
            f"{STATE} is tracked by git, so its files may come from someone else. awsdeploy stores its state there.",
            f"git rm -rf {STATE} && git commit -m 'Remove {STATE}'. awsdeploy rebuilds your state from AWS.",
        )


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that remembers a value wherever it was given; only what was said counts."""

    def callback(ctx: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if name == "speed" and value is not None and not 0 < value <= FASTEST:
            raise click.BadParameter(f"{value:g} is out of range: more than 0, at most {FASTEST:,}.")
        if value is not None and value is not False:
            setattr(ctx.ensure_object(Given), name, value)
        return value

    return callback


def _kept(name: str, *declarations: str, **attributes: Any) -> Callable[[Function], Function]:
    return click.option(
        *declarations, f"_{name}", expose_value=False, callback=_keep(name), is_eager=True, **attributes
    )


debug_option = _kept("debug", "--debug", is_flag=True, help="Show internal errors and more progress details.")


def sandbox_options(function: Function, hidden: bool = False) -> Function:
    """`--sandbox` and `--speed`, usable before and after the command's name."""
    sandbox = _kept(
        "sandbox",
        "--sandbox",
        is_flag=True,
        hidden=hidden,
        envvar="AWSDEPLOY_SANDBOX",
        help="Use simulated AWS: no account, no network, no cost.",
    )
    said = f"Speed of the sandbox's clock, relative to real time.  [default: {SPEED:g}]"
    return sandbox(_kept("speed", "--speed", type=float, hidden=hidden, help=said)(function))


def shared_options(
    reads_config: bool = True, reaches_aws: bool = True, takes_region: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Everything common to commands. The command gets a `Given` as its first argument.

    All of it is taken everywhere, and only shown where it means something. With `reaches_aws`,
    `--sandbox` has taken effect when the command begins.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            given = click.get_current_context().ensure_object(Given)
            need_own_state()
            if given.sandbox and reaches_aws:
                if reads_config and not kwargs.get("name") and not given.config.exists():
                    given.settings()  # says what to do, before a sandbox starts for nothing
                enter_sandbox(given.speed)
            elif given.speed is not None and reaches_aws:
                raise UsageError("--speed works only with --sandbox.", "Add --sandbox, or leave --speed out.")
            return function(given, *args, **kwargs)

        path = click.Path(path_type=Path)
        said = "The settings file.  [default: config.toml]"
        options = (
            _kept("config", "--config", type=path, metavar="PATH", hidden=not reads_config, help=said),
            _kept("environment", "--env", "-e", metavar="NAME", hidden=not reads_config, help=ENVIRONMENT_HELP),
            _kept("region", "--region", metavar="NAME", hidden=not (reads_config or takes_region), help=REGION_HELP),
            functools.partial(sandbox_options, hidden=not reaches_aws),
            debug_option,
        )
        return functools.reduce(lambda command, option: option(command), reversed(options), run)

    return decorate


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
full_option = click.option("--full", is_flag=True, help="Show every detail, on a terminal too.")
language_option = click.option(
    "--lang", "language", type=click.Choice(["en", "ko"]), default="en", help="Language of what is drawn or written."
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
