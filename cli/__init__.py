"""The command line: thin click commands that parse, call the library, and print.

Exit codes: 0 fine; 1 a finding, or a check that does not hold; 2 wrong usage or input; 3 the harness failed or our
ground truth was refuted; 4 too few pairs exercised; 130 stopped by Ctrl-C.
"""

import importlib

import click

from soundbench import __version__

from .errors import ended_as_interrupted, reported_errors

# A command's name, and the module beside this one whose `command` it is. Importing one must be quick.
COMMANDS = {
    "generate": "generate",
    "plant": "plant",
    "certify": "certify",
    "seal": "seal",
    "open": "open",
    "export": "export",
    "attack": "attack",
    "suite": "suite",
    "evaluate": "evaluate",
    "report": "report",
    "bisect": "bisect",
    "verifiers": "verifiers",
}


class _LazyGroup(click.Group):
    """Imports a command's module when the command is asked for, and turns our errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[cmd_name]}", __package__)
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> object:
        with reported_errors(), ended_as_interrupted():
            return super().invoke(ctx)


_EPILOG = """\b
Examples:
  soundbench verifiers install marabou
  soundbench evaluate reference marabou --timeout 5"""


@click.group(cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="soundbench")
def main() -> None:
    """Find out whether neural-network verifiers tell the truth."""
