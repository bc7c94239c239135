"""A copy of many orders: never in memory as a whole, neither where it is written nor where sent."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from headless_presale.customers import Customer, export_token
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.privacy import (
    Document,
    PersonalDataExportPiece,
    document,
    find_document,
    read_document,
    write_export,
)
from tests.support.asking_for_copies import order_and_ask
from tests.support.shop import Sale, open_sale
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")

ORDERS = 7


@pytest.fixture(autouse=True)
def _two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "AT_ONCE", 2)


async def a_sale() -> Sale:
    return await open_sale(capacity=20, limit=20)


async def test_it_is_read_two_orders_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    await order_and_ask(await a_sale(), orders=ORDERS)
    fetch, largest = UnitOfWork.fetch, 0

    async def watched(self: UnitOfWork, sql: str, *args: object) -> list[asyncpg.Record]:
        nonlocal largest
        rows = await fetch(self, sql, *args)
        largest = max(largest, len(rows))
        return rows

    monkeypatch.setattr(UnitOfWork, "fetch", watched)
    customer = await Customer.get()

    found, sizes = [], []
    async with counted_statements() as sent:
        async for piece in document.compose(customer):
            found.append(piece)
            sizes.append(len(sent))

    # No statement brings more than two rows: an order has one line and one event.
    assert largest == 2
    # Seven orders are four pieces; one mail, the code to sign in with; and the end.
    assert [piece.count(b'"paymentPlan"') for piece in found] == [2, 2, 2, 1, 0, 0]
    # A piece is there before anything of the next one is read, and each costs the same.
    first, second, third, fourth, *_ = sizes
    assert 0 < first < second
    assert second - first == third - second == fourth - third


async def test_it_is_kept_and_sent_as_it_is_read(database_admin: asyncpg.Connection) -> None:
    export_id = await order_and_ask(await a_sale(), orders=ORDERS)

    await write_export(export_id)

    copy = await find(export_id)
    pieces = [piece async for piece in read_document(copy)]
    assert len(pieces) == copy.pieces == 4 + 1 + 1
    assert sum(map(len, pieces)) == copy.size_bytes
    read = json.loads(b"".join(pieces))
    assert len({order["number"] for order in read["orders"]}) == ORDERS


async def test_of_several_who_write_it_one_counts() -> None:
    export_id = await order_and_ask(await a_sale(), orders=ORDERS)

    await asyncio.gather(*(write_export(export_id) for _ in range(3)))

    copy = await find(export_id)
    kept = await PersonalDataExportPiece.all().order_by("number")
    assert [piece.number for piece in kept] == list(range(copy.pieces))


async def test_what_ends_while_it_is_fetched_is_not_taken_for_the_whole(
    database_admin: asyncpg.Connection,
) -> None:
    export_id = await order_and_ask(await a_sale(), orders=ORDERS)
    await write_export(export_id)
    copy = await find(export_id)

    pieces = read_document(copy)
    await anext(pieces)
    await database_admin.execute("DELETE FROM personal_data_export")

    with pytest.raises(LookupError):
        await anext(pieces)
    assert await PersonalDataExportPiece.all().count() == 0


async def find(export_id: Any) -> Document:
    found = await find_document(export_id, export_token(export_id))
    assert found is not None
    return found
