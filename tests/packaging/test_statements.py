"""Rules for hand-written SQL that no single test of a statement could hold everywhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import headless_presale

PACKAGE = Path(headless_presale.__file__).parent


def picked_in_place(text: str) -> Iterator[str]:
    """Yield the subqueries that pick rows to lock, up to a limit, and are not materialized.

    A plan may look at such a one for each row of the statement around it. What that has deleted or
    updated by then is skipped, so others are picked in its place: past the limit.
    """
    text = re.sub(r'"\s*f?"', " ", text)
    for end in (match.start() for match in re.finditer("SKIP LOCKED", text)):
        depth = 0
        for start in range(end, -1, -1):
            depth += {")": 1, "(": -1}.get(text[start], 0)
            if depth < 0:
                break
        else:
            continue
        subquery = text[start + 1 : end]
        is_query = subquery.lstrip().startswith("SELECT")
        if is_query and "LIMIT" in subquery and not text[:start].endswith("MATERIALIZED "):
            yield subquery


def test_rows_to_lock_are_picked_once() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {subquery}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for subquery in picked_in_place(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_rule_knows_what_it_forbids() -> None:
    picking = 'SELECT id FROM job WHERE (at IS NULL) " "ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED'

    for before in ("WHERE id IN (", "DELETE FROM job USING ( ", 'WITH due AS ("\n"'):
        assert len(list(picked_in_place(f'"{before}{picking}) AS due"'))) == 1
    assert list(picked_in_place(f'"WITH due AS MATERIALIZED ({picking}) "')) == []
    # A statement of its own, handed to a function.
    assert list(picked_in_place(f'work.fetch("{picking}", at)')) == []
