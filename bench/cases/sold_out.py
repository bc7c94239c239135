"""What those are told who come too late: nearly all who come to a rush."""

import asyncio

import asyncpg
import orjson

from bench.answers import Reading, beside_floor
from bench.cases.place import placing
from bench.report import Row, Target
from bench.run import Run
from bench.sale import open_sale, order_of
from headless_presale.checkout import place_order

SELDOM = Target(at_most=0.01)
"""A refusal asks the database nothing. What is known of the campaign and the shop is read again now
and then, for all requests of that moment together."""
FLUSHED_WITHIN_SECONDS = 11.0
"""An idle connection of PostgreSQL reports what it has counted within ten."""


async def run(run: Run) -> list[Row]:
    """Measure refusals a second, and count the transactions of the database meanwhile."""
    sale = await open_sale("sold-out", capacity=1)
    await place_order(order_of(sale, 90_000_000))
    reading = Reading(
        name="sold-out",
        requests=[placing(sale)],
        check=_is_sold_out,
        target=Target(at_least=0.5),
    )
    await run.api()
    before = await _transactions(run.database_url)
    row = (await beside_floor(run, [reading]))[0]
    counted = await _transactions(run.database_url) - before
    # The round that does not count in the table has been asked as well.
    rounds = [turn["ours"] for turn in row.figures["rounds"]]
    asked = (sum(rounds) + rounds[0]) * run.seconds
    statements = Row(
        case="  its transactions in the database, each",
        unit="",
        ours=counted / asked,
        target=SELDOM,
        figures={"transactions": counted, "requests": asked},
    )
    return [row, statements]


def _is_sold_out(body: bytes) -> None:
    errors = orjson.loads(body)["data"]["orderPlace"]["userErrors"]
    assert [error["code"] for error in errors] == ["SLOTS_SOLD_OUT"], errors


async def _transactions(database_url: str) -> int:
    """Return how many transactions of any kind there have been but for those of this look."""
    await asyncio.sleep(FLUSHED_WITHIN_SECONDS)
    connection = await asyncpg.connect(database_url)
    try:
        count: int = await connection.fetchval(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database "
            "WHERE datname = current_database()"
        )
    finally:
        await connection.close()
    return count
