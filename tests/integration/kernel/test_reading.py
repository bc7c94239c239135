"""Reading with one statement: nothing around it, nothing lost where its caller goes."""

import asyncpg
import pytest
from tortoise.connection import get_connection

from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.reading import read_row, read_rows
from headless_presale.kernel.unit_of_work import drain, shielded, unit_of_work
from tests.integration.kernel.test_database_down import dead_port
from tests.support.pool import all_given_back, open_transactions
from tests.support.statements import counted_statements
from tests.support.stepping import cancelled_at

__all__ = ["dead_port"]

pytestmark = pytest.mark.usefixtures("database")

MANY = 100


async def test_a_reading_is_one_statement() -> None:
    async with counted_statements() as sent:
        rows = await read_rows("SELECT g FROM generate_series(1, $1::int) g", 3)
        assert [row["g"] for row in rows] == [1, 2, 3]
        assert await read_row("SELECT 1 WHERE false") is None
    assert len(sent) == 2


async def test_within_a_unit_of_work_it_sees_what_that_has_written() -> None:
    @shielded
    async def write_then_read() -> int:
        async with unit_of_work() as work:
            await work.execute("CREATE TEMP TABLE seen ON COMMIT DROP AS SELECT 7 AS number")
            row = await read_row("SELECT number FROM seen")
            assert row is not None
            return int(row["number"])

    assert await write_then_read() == 7


async def test_cancelled_at_any_await_it_gives_its_connection_back(
    database_admin: asyncpg.Connection,
) -> None:
    async def read() -> None:
        await read_rows("SELECT pg_sleep(0.001)")

    await read()
    for step in range(1, MANY):
        is_cancelled = await cancelled_at(step, read())
        assert await drain(5) == 0
        assert await all_given_back(), f"the connection was lost at await {step}"
        assert await open_transactions(database_admin) == 0
        if not is_cancelled:
            break
    # It goes on by itself, and its caller waits once.
    assert 2 <= step < MANY


async def test_a_database_that_is_away_is_unavailable(dead_port: None) -> None:
    with pytest.raises(Unavailable) as refused:
        await read_rows("SELECT 1")
    assert refused.value.part == "database"
    await get_connection("default").close()


async def test_a_statement_that_is_wrong_stays_a_defect() -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await read_rows("SELECT * FROM nothing_of_the_kind")
    assert await all_given_back()
