"""Optimistic concurrency: an update carries the version it read, and a stale one changes nothing.

Every row that people edit has an integer ``version`` that rises with each change. The check is made
on a locked row, so of two updates that read the same version exactly one succeeds.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from headless_presale.kernel.errors import FieldConflict, VersionConflict


def check_version(
    *,
    expected: int,
    current: int,
    yours: Mapping[str, object],
    stored: Mapping[str, object],
) -> None:
    """Raise VersionConflict unless the version read is the one that is stored.

    Args:
        expected: the version the caller read.
        current: the version of the locked row.
        yours: what the caller would set, by field in the input's spelling.
        stored: what is there now, of the same fields.

    Raises:
        VersionConflict: with both values of every field in which they differ.
    """
    if expected == current:
        return
    conflicts = tuple(
        FieldConflict(name, _text(value), _text(stored.get(name)))
        for name, value in yours.items()
        if value != stored.get(name)
    )
    raise VersionConflict(current_version=current, conflicts=conflicts, field=("version",))


def _text(value: object) -> str | None:
    return None if value is None else orjson.dumps(plain(value)).decode()


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: ids, moments, days and durations become text."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        return str(value)
    return value if isinstance(value, bool | int | float | None) else str(value)
