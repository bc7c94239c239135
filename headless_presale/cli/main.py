"""The commands and what they share: settings, engines, a clear sentence instead of a traceback."""

import sys
from collections.abc import Sequence

import typer

from headless_presale.cli import processes
from headless_presale.cli.garbage import uncollected
from headless_presale.cli.telling import tell


def commands(arguments: Sequence[str]) -> typer.Typer:
    """Return the commands; for a process the processes alone, which load nothing of the others.

    Args:
        arguments: what was typed after the command's name.
    """
    app = typer.Typer(
        name="headless-presale",
        help="Sell before stock exists: campaigns, slots, deposits and promises over GraphQL.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
    )
    if arguments and arguments[0] in processes.COMMANDS:
        processes.add_commands(app)
        return app
    with uncollected():
        from headless_presale.cli import typed
    typed.add_commands(app)
    return app


def main() -> None:
    """Run a command; what went wrong on purpose is one sentence and exit code 1."""
    try:
        commands(sys.argv[1:])()
    except Exception as error:
        _complain(error)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)


def _complain(error: Exception) -> None:
    # It knows the errors of libraries that a process may never load.
    from headless_presale.cli.complaints import complaints_about

    complaints = complaints_about(error)
    if not complaints:
        raise error
    for complaint in complaints:
        tell(f"[red]{complaint}[/red]")
