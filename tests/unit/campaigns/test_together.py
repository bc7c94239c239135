"""What is asked for at the same time is read in one statement, and by one that begins after."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from headless_presale.campaigns import together
from headless_presale.campaigns.together import ReadTogether


class Table:
    """Rows, read one statement after another when the test lets it end."""

    def __init__(self) -> None:
        self.rows = {number: f"row {number}" for number in range(10)}
        self.statements: list[list[int]] = []
        self.ends = asyncio.Semaphore(0)
        self.breaks = False

    async def read(self, keys: Collection[int]) -> Mapping[int, str]:
        self.statements.append(sorted(keys))
        found = {key: self.rows[key] for key in keys if key in self.rows}
        await self.ends.acquire()
        if self.breaks:
            raise ConnectionError("gone")
        return found


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def _ask(rows: ReadTogether[int, str], *keys: int) -> "list[asyncio.Task[str | None]]":
    return [asyncio.create_task(rows.find(key)) for key in keys]


async def test_who_comes_while_a_statement_runs_is_read_by_the_next() -> None:
    table = Table()
    rows = ReadTogether(table.read)
    first = _ask(rows, 1, 2, 2)
    await _settle()
    later = _ask(rows, 2, 3, 99)
    await _settle()
    assert table.statements == [[1, 2]]
    # What has changed since the first began is seen by who came later
    table.rows[2] = "changed"
    table.ends.release()
    assert await asyncio.gather(*first) == ["row 1", "row 2", "row 2"]
    await _settle()
    assert table.statements == [[1, 2], [2, 3, 99]]
    table.ends.release()
    assert await asyncio.gather(*later) == ["changed", "row 3", None]
    # And who comes when nothing is under way waits for nobody
    table.ends.release()
    assert await rows.find(4) == "row 4"
    table.ends.release()
    assert await rows.find_all((5, 6, 99)) == {5: "row 5", 6: "row 6"}


async def test_who_goes_away_or_fails_leaves_the_others_theirs() -> None:
    table = Table()
    rows = ReadTogether(table.read)
    gone, stays = _ask(rows, 1, 2)
    await _settle()
    (next_one,) = _ask(rows, 3)
    await _settle()
    gone.cancel()
    table.breaks = True
    table.ends.release()
    with pytest.raises(ConnectionError):
        await stays
    assert gone.cancelled()
    table.breaks = False
    table.ends.release()
    assert await next_one == "row 3"


async def test_a_statement_reads_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST", 2)
    table = Table()
    rows = ReadTogether(table.read)
    asked = _ask(rows, 0, 1, 2, 3, 4)
    for _ in range(3):
        table.ends.release()
    assert await asyncio.gather(*asked) == [f"row {number}" for number in range(5)]
    assert table.statements == [[0, 1], [2, 3], [4]]


def test_another_loop_begins_anew() -> None:
    async def read(keys: Collection[int]) -> Mapping[int, str]:
        return dict.fromkeys(keys, "row")

    rows = ReadTogether(read)
    for _ in range(2):
        assert asyncio.run(rows.find(1)) == "row"
