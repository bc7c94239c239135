"""What docs/security.md names exists: every file, and every test by its name."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
CODE = ("headless_presale/", "resolvers/", "schema/")
NAMED = re.compile(r"`((?:headless_presale|resolvers|schema|tests)/[\w./]+)(?:::(\w+))?`")


def rows() -> list[str]:
    """Return the rows that name a defence: those of tables with a column for tests."""
    found, is_defence = [], False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            is_defence = False
        elif line.endswith("| Code | Tests |"):
            is_defence = True
        elif is_defence and not line.startswith("| ---"):
            found.append(line)
    return found


@cache
def names_in(path: Path) -> frozenset[str]:
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def missing(text: str) -> list[str]:
    """Return what a text names and nothing is called."""
    found = []
    for path, test in NAMED.findall(text):
        place = ROOT / path
        if not place.exists() or (test and test not in names_in(place)):
            found.append(f"{path}::{test}" if test else path)
    return found


def test_every_file_and_test_that_is_named_exists() -> None:
    assert missing(PAGE.read_text(encoding="utf-8")) == []


def test_every_defence_names_its_code_and_its_test() -> None:
    assert len(rows()) >= 40
    for row in rows():
        paths = [path for path, _ in NAMED.findall(row)]
        assert any(path.startswith(CODE) for path in paths), row
        assert any(path.startswith("tests/") for path in paths), row


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target


@pytest.mark.parametrize(
    "text", ["`tests/nowhere/test_x.py`", "`tests/packaging/test_security_doc.py::test_nothing`"]
)
def test_control_what_is_not_there_is_found(text: str) -> None:
    assert len(missing(text)) == 1
