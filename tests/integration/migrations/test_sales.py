"""The migration of charts on a shop that has sold things already."""

from collections.abc import Awaitable, Callable

import asyncpg

from headless_presale.audits import DATABASE_AUDITS
from headless_presale.database import migrate
from headless_presale.kernel.ids import new_id
from tests.integration.migrations.filling import MORNING, insert

SUMS = next(sentence for sentence in DATABASE_AUDITS if sentence.startswith("the sums of charts"))
NOON, EVENING = "2026-03-01 12:07Z", "2026-03-01 18:07Z"


async def _sell(connection: asyncpg.Connection) -> None:
    merchant_id = await insert(connection, "merchant", name="Forge")
    shop_id = await insert(
        connection, "shop", merchant_id=merchant_id, slug="forge", currency="CNY"
    )
    campaign_id = await insert(
        connection, "campaign", shop_id=shop_id, currency="CNY", hold_seconds=900,
        opens_at=MORNING, closes_at=EVENING,
    )  # fmt: skip
    for name, status, confirmed_at, updated_at in [
        ("held", "AWAITING_PAYMENT", None, MORNING),
        ("sold", "PAID", NOON, EVENING),
        ("without history", "PAID", None, EVENING),
        ("ran out", "EXPIRED", None, NOON),
        ("cancelled unpaid", "CANCELLED", None, NOON),
        ("cancelled later", "CANCELLED", NOON, EVENING),
    ]:
        order_id = await insert(
            connection, "sales_order", shop_id=shop_id, campaign_id=campaign_id, currency="CNY",
            customer_id=new_id(), status=status, quantity=2, total_minor=500, deposit_minor=0,
            balance_minor=500, number=name[:9], placed_at=MORNING, updated_at=updated_at,
        )  # fmt: skip
        if confirmed_at is None:
            continue
        await connection.execute(
            "INSERT INTO event (topic, type, payload, actor, created_at) VALUES "
            "('order:' || $1::uuid, 'order.confirmed', '{}', 'buyer', ($2::text)::timestamptz)",
            order_id,
            confirmed_at,
        )
        payment_id = await insert(
            connection, "payment", shop_id=shop_id, order_id=order_id, leg="FULL",
            status="CAPTURED", amount_minor=500, currency="CNY", captured_at=NOON,
        )  # fmt: skip
        async with connection.transaction():
            booked = await insert(
                connection, "ledger_transaction", shop_id=shop_id, order_id=order_id,
                kind="capture", source=f"capture:{payment_id}", booked_at=NOON,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO ledger_entry (transaction_id, account, amount_minor, currency) "
                "VALUES ($1, 'GATEWAY', 500, 'CNY'), ($1, 'CUSTOMER_FUNDS', -500, 'CNY')",
                booked,
            )


async def test_what_was_sold_before_is_in_the_charts(
    database_of: Callable[[str], Awaitable[str]],
) -> None:
    url = await database_of("0008_webhooks")
    connection = await asyncpg.connect(url)
    await _sell(connection)

    assert "0009_sales" in await migrate(url)

    times = await connection.fetch(
        "SELECT number, to_char(sold_at, 'HH24') AS sold, to_char(released_at, 'HH24') AS released "
        "FROM sales_order ORDER BY id"
    )
    sums = await connection.fetch(
        "SELECT minutes, to_char(at AT TIME ZONE 'UTC', 'HH24:MI'), held, sold, returned, "
        "returned_sold, full_captured FROM sales_sum "
        "WHERE subject_id = (SELECT id FROM shop) ORDER BY minutes, at"
    )
    wrong = await connection.fetch(DATABASE_AUDITS[SUMS])
    await connection.close()
    assert [tuple(row)[1:] for row in times] == [
        (None, None),
        ("12", None),
        ("18", None),
        (None, "12"),
        (None, "12"),
        ("12", "18"),
    ]
    assert [tuple(row) for row in sums] == [
        (minutes, *row)
        for minutes in (15, 60)
        for row in (
            ("08:00", 6 * 2, 0, 0, 0, 0),
            ("12:00", 0, 2 * 2, 2 * 2, 0, 2 * 500),
            ("18:00", 0, 2, 2, 2, 0),
        )
    ]
    assert wrong == []
