"""Assemble the command line. Each command's module is imported only when it is used."""

import sys
from importlib import import_module
from typing import Any

import click

from backend.errors import ConfigError, DatabaseError, SpotOptimizerError

EXIT_FAILED = 1
EXIT_SETTINGS = 2

# Name: module and attribute, and the line that --help shows without importing anything.
COMMANDS = {
    "serve": ("backend.cli.serve:serve_command", "Start database, web server and jobs."),
    "migrate": ("backend.cli.migrate:migrate", "Bring the database's schema up to date."),
    "client": ("backend.cli.client:client_group", "Make and list clients and their tokens."),
    "operator": ("backend.cli.operator:operator_group", "Make and list operators."),
    "engine": ("backend.cli.engine:engine_group", "Show or choose the decision engine."),
    "train": ("backend.cli.train:train", "Train a hazard model from a trace, and describe it."),
    "jobs": ("backend.cli.jobs:jobs_group", "Run the background jobs, or look at them."),
    "doctor": ("backend.cli.doctor:doctor", "Say what is wrong, and how to mend it."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("5.0.0", prog_name="spot-optimizer")
def cli() -> None:
    """Spot Optimizer: servers on spot instances, cheap and alive."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; ends the process.

    Exit status: 0 done, 1 it failed, 2 wrong usage or settings.
    """
    try:
        cli.main(args=arguments, prog_name="python -m backend")
    except SpotOptimizerError as error:
        click.echo(f"Error: {error.message}", err=True)
        if isinstance(error, DatabaseError):
            click.echo("python -m backend doctor says what is wrong with it", err=True)
        sys.exit(EXIT_SETTINGS if isinstance(error, ConfigError) else EXIT_FAILED)
