"""The documented lifecycles are those that the code checks."""

from tools.print_lifecycles import TARGET, render


def test_the_page_is_what_the_tables_print() -> None:
    assert TARGET.read_text(encoding="utf-8") == render()
