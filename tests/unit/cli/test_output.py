"""Tables that lose nothing."""

import io

import pytest
from rich.console import Console

from headless_presale.cli.output import make_table, print_table

ID = "01931f8e-7a2b-7c3d-8e4f-5a6b7c8d9e0f"
EVENTS = ("order.placed", "order.cancelled", "campaign.published")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_an_id_is_whole_at_any_width(width: int) -> None:
    table = make_table("endpoint id", "url", "events", "shops", "waiting", whole=1)
    table.add_row(ID, "https://erp.example.com/hooks/presale", " ".join(EVENTS), "all", "0")
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True)

    print_table(table, terminal)

    assert isinstance(terminal.file, io.StringIO)
    printed = terminal.file.getvalue()
    assert ID in printed
    assert "…" not in printed


def test_an_empty_table_is_only_its_head() -> None:
    terminal = Console(file=io.StringIO(), width=80)

    print_table(make_table("client id", "name", whole=1), terminal)

    assert isinstance(terminal.file, io.StringIO)
    assert "client id" in terminal.file.getvalue()
