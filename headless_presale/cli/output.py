"""What commands print: tables and sentences that lose nothing, whoever reads them."""

import sys

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 10_000
"""Columns where no terminal is: a script reads whole lines. Nothing is padded to it."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def make_table(*columns: str, whole: int = 0) -> Table:
    """Return an empty table that folds what does not fit, and never shortens it.

    Args:
        whole: how many of the first columns are ids, to be copied: never folded either.
    """
    table = Table()
    for index, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=index < whole)
    return table


def print_table(table: Table, to: Console = console) -> None:
    """Print a table; on a terminal that is too narrow for its ids, its lines are too long."""
    for column in table.columns:
        if column.no_wrap:
            column.min_width = max((len(str(cell)) for cell in column.cells), default=0)
    to.print(table, crop=False)
