"""Somebody does everything there is and is erased: nothing anywhere says who he was."""

import logging
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from redis.asyncio import Redis

from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders import OrderStatus
from headless_presale.privacy import erase_person, erasing
from headless_presale.privacy.tables import ERASED, KEPT, STEPS
from resolvers.global_ids import seal
from tests.graphql.privacy.life import MAIL, WORDS, Life, Stage
from tests.graphql.privacy.searching import (
    columns_that_say,
    keys_that_say,
    logged,
    said_in,
    tables_of,
)
from tests.support.money import books_of, read
from tests.support.staff import sign_in
from tests.support.state import stored_rows

ERASE = """
mutation ($input: PersonalDataEraseInput!) {
  personalDataErase(input: $input) { erasure { id at orders } userErrors { __typename code field
    ... on ErasureBlockedError { count orderNumbers } } } }
"""


async def test_every_table_is_in_the_list(database_admin: asyncpg.Connection) -> None:
    assert set(KEPT) | ERASED == await tables_of(database_admin)
    assert set(KEPT) & ERASED == set()


async def test_nothing_says_who_he_was(
    stage: Stage, database_admin: asyncpg.Connection, redis: Redis, lines: list[Any]
) -> None:
    # Given somebody who has done everything, and somebody else of whom nothing may change
    sale = await stage.open()
    await stage.live(sale, name="Bob", email="bob@example.com")
    life = await stage.live(sale)
    rows = await stored_rows(database_admin)
    words = (*WORDS, *life.marks)

    # The search can find: he is in every table that erasing knows, and in Redis
    before = await columns_that_say(database_admin, words)
    assert set(before) >= ERASED, ERASED - set(before)
    assert len(ERASED) == 19
    assert await keys_that_say(redis, words) != []

    # When the merchant erases him
    owner = await sign_in(sale.shop)
    payload = await erased(stage, owner.token, sale.shop.id)

    # Then nothing says who he was
    assert (payload["userErrors"], payload["erasure"]["orders"]) == ([], 5)
    assert await columns_that_say(database_admin, words) == {}
    assert await keys_that_say(redis, words) == []
    assert said_in(logged(lines), WORDS) == []
    # Orders and books stay, and everybody else's rows do
    for name, order in life.orders.items():
        found = await read(order.id)
        assert (found.total, len(found.lines)) == (order.total, 1), name
        assert found.shipping_address["country"] == "DE"
    assert (await books_of(life.orders["delivered"].id))["CUSTOMER_FUNDS"] == -(10_000 - 3_000)
    assert (await read(life.orders["held"].id)).status is OrderStatus.CANCELLED
    assert await stage.broken() == []
    await nothing_else_has_changed(database_admin, rows, life)


async def test_another_shop_still_knows_him(
    stage: Stage, database_admin: asyncpg.Connection
) -> None:
    sale, elsewhere = await stage.open(), await stage.open("other-forge")
    same = await stage.live(elsewhere)
    life = await stage.live(sale)
    rows = await stored_rows(database_admin)

    owner = await sign_in(sale.shop)
    assert (await erased(stage, owner.token, sale.shop.id))["userErrors"] == []

    assert (await read(same.orders["delivered"].id)).buyer["email"] == MAIL
    await nothing_else_has_changed(database_admin, rows, life)


async def erased(stage: Stage, token: str, shop_id: UUID) -> dict[str, Any]:
    """Return the payload of a merchant's erasing; he writes the address as he likes."""
    given = {"shopId": seal("Shop", shop_id), "email": f" {MAIL.title()} ", "isDelivered": True}
    reply = await stage.api.ask(ERASE, bearer=token, input=given)
    payload: dict[str, Any] = reply.data["personalDataErase"]
    return payload


async def nothing_else_has_changed(
    admin: asyncpg.Connection, before: dict[str, list[str]], life: Life
) -> None:
    """See that every row that has changed, or is gone, was one of his."""
    told = await admin.fetch(
        "SELECT id FROM payment WHERE order_id = ANY($1::uuid[]) UNION "
        "SELECT d.id FROM webhook_delivery d JOIN event e ON e.id = d.event_id "
        "WHERE e.payload ->> 'order_id' = ANY($2::text[]) UNION "
        "SELECT id FROM merchant_refund WHERE order_id = ANY($1::uuid[])",
        life.order_ids,
        [str(order_id) for order_id in life.order_ids],
    )
    ids = [*life.order_ids, life.export_id, *(row["id"] for row in told)]
    marks = [*life.marks, *map(str, ids)]
    after = await stored_rows(admin)
    for table, rows in before.items():
        gone = set(rows) - set(after.get(table, []))
        strange = [row for row in gone if not any(mark in row for mark in marks)]
        if table == "throttle":
            # Hashes; how often codes were asked for to an address is known whatever the shop.
            continue
        assert [row for row in strange if life.email not in row] == [], table


async def test_control_each_step_is_needed(
    stage: Stage, database_admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await stage.open()
    life = await stage.live(sale)
    words = [*WORDS, *life.marks]

    @shielded
    async def erase_without(step: object) -> dict[str, set[str]] | None:
        """Erase but for one step, look, and undo it all; None where the database refuses."""
        monkeypatch.setattr(erasing, "STEPS", [one for one in STEPS if one is not step])
        found: dict[str, set[str]] | None = None
        with pytest.raises((_Undone, asyncpg.PostgresError)):  # noqa: PT012
            async with unit_of_work() as work:
                await erase_person(sale.shop.id, MAIL, is_delivered=True)
                found = await columns_that_say(work.connection, words)
                raise _Undone
        return found

    assert await erase_without(None) == {}
    for step in STEPS:
        found = await erase_without(step)
        is_counted = step.table == "customer_quota"
        assert found is None or step.table in found or is_counted, step
    monkeypatch.undo()


class _Undone(Exception):
    pass


async def test_control_a_name_in_a_log_is_found(lines: list[Any]) -> None:
    structlog.get_logger("x").info("hello", buyer=WORDS[0])
    logging.getLogger("y").info("hello %s", MAIL)

    assert set(said_in(logged(lines), WORDS)) >= {WORDS[0], MAIL}
