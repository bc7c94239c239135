"""What an import says of a row can be said in Chinese, to the last clause."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import headless_presale.catalog
from headless_presale.catalog.cells import BadCell, read_price
from headless_presale.catalog.reasons import Reason, as_reason
from resolvers.admin.imports import reason_in
from resolvers.import_reasons import IMPORT_REASONS

PACKAGE = Path(headless_presale.catalog.__file__).parent
SAY = {"BadCell": 0, "BadHeader": 0, "Reason": 0, "Conflict": 1, "fail": 1}
"""What takes a template, and as which of its arguments."""


def templates() -> Iterator[tuple[str, ast.expr]]:
    for path in sorted(PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in SAY and len(node.args) > SAY[name]:
                yield f"{path.name}:{node.lineno}", node.args[SAY[name]]


def test_every_reason_has_a_translation_and_no_translation_is_left_over() -> None:
    # The two that hand on what they were given, wherever that is made.
    handed_on = {"template", "clause", "error.reason"}
    said = {place: value for place, value in templates() if ast.unparse(value) not in handed_on}

    assert len(said) >= 40
    assert [place for place, value in said.items() if not isinstance(value, ast.Constant)] == []
    written = {value.value for value in said.values() if isinstance(value, ast.Constant)}
    assert written == set(IMPORT_REASONS)


def test_a_translation_names_the_same_values() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {said for said, told in IMPORT_REASONS.items() if places(said) != places(told)} == set()


def test_a_reason_is_a_clause_with_its_values_apart() -> None:
    reason = Reason("{count} cells where the header has {width} columns", count=3, width=2)

    assert reason == "3 cells where the header has 2 columns"
    assert dict(reason.params) == {"count": 3, "width": 2}
    assert as_reason(reason) is reason
    assert as_reason("100 {").template == "100 {"
    stored = {"template": reason.template, "params": dict(reason.params)}
    assert reason_in("en", stored) == str(reason)
    assert reason_in("zh-CN", stored) == "该行有 3 个单元格，而表头有 2 列"
    # One that no translation knows is told as it is.
    assert reason_in("zh-CN", {"template": "100 {", "params": {}}) == "100 {"


def test_a_price_is_told_whats_wrong() -> None:
    for text, template in [
        ("99999999999999.99", "{price} is too large"),
        ("1.005", "{price} has more decimals than {currency} allows"),
    ]:
        with pytest.raises(BadCell) as caught:
            read_price(text, "CNY")
        assert caught.value.reason.template == template
