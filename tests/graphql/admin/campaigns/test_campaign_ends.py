"""Ending campaigns over GraphQL: closing early, calling off."""

from datetime import timedelta

import asyncpg

from headless_presale.campaigns import Campaign, find_snapshot
from headless_presale.checkout import drain, place_order
from headless_presale.identity import Role
from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.clock import ManualClock
from headless_presale.orders import Order, OrderStatus
from tests.graphql.admin.campaigns.asking import actions, of, read, send
from tests.graphql.endpoint import Api
from tests.support.money import open_deposit_sale
from tests.support.shop import Sale, order_for
from tests.support.staff import Caller, sign_in
from tests.support.state import stored_rows

# Ends


async def test_an_early_close_leaves_holds_and_balances_as_they_are(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # Given an order that is held and one whose balance of 80.00 is to come
    sale = await open_deposit_sale(capacity=10)
    owner = await sign_in(sale.shop)
    held = await place_order(order_for(sale, quantity=2))
    paid = await place_order(order_for(sale, email="paid@example.com"))
    await Order.filter(id=paid.id).update(status=OrderStatus.DEPOSIT_PAID)
    await drain()
    clock.advance(timedelta(minutes=5))
    more = "openOrders { heldOrders heldSlots unpaidBalances unpaidBalanceTotal { amount } }"

    preview = await read(api, owner, more.replace("openOrders", "closePreview"))
    done, refusals = await send(api, owner, "campaignClose", more, **of(sale), reason="Sold enough")

    assert refusals == []
    assert done["campaign"]["status"] == "CLOSED"
    assert done["campaign"]["closesAt"] == "2026-03-01T12:05:00Z"
    assert (
        done["openOrders"]
        == preview["closePreview"]
        == {
            "heldOrders": 1,
            "heldSlots": 2,
            "unpaidBalances": 1,
            "unpaidBalanceTotal": {"amount": "80.00"},
        }
    )
    assert (await Order.get(id=held.id)).status is OrderStatus.AWAITING_DEPOSIT
    # Repeated, it changes nothing; the event says that it was early, and why.
    before = await stored_rows(database_admin)
    again, refusals = await send(api, owner, "campaignClose", **of(sale), reason="Sold enough")
    assert (refusals, again["campaign"]["status"]) == ([], "CLOSED")
    assert await stored_rows(database_admin) == before
    event = await database_admin.fetchval(
        "SELECT payload FROM event WHERE type = 'campaign.closed'"
    )
    assert '"is_early": true' in event


PREVIEW = (
    "version cancelPreview { orders heldOrders heldSlots refunds { leg payments amount { amount } }"
    " refundTotal { minor } }"
)


async def paid_deposit(sale: Sale, admin: asyncpg.Connection, email: str) -> None:
    """Place an order and write down that its deposit of 20.00 was captured."""
    order = await place_order(order_for(sale, email=email))
    await Order.filter(id=order.id).update(status=OrderStatus.DEPOSIT_PAID)
    await admin.execute(
        "INSERT INTO payment (id, shop_id, order_id, leg, gateway, status, amount_minor, currency,"
        " failure_code, created_at, captured_at) VALUES (gen_random_uuid(), $1, $2, 'DEPOSIT',"
        " 'sandbox', 'CAPTURED', 2000, 'CNY', '', $3, $3)",
        sale.shop.id,
        order.id,
        kernel_clock.now(),
    )


async def test_a_campaign_is_called_off_only_as_it_was_shown(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    # Given two orders, one paid and one held, and what the preview says of them
    sale = await open_deposit_sale(capacity=10)
    owner = await sign_in(sale.shop)
    await paid_deposit(sale, database_admin, "paid@example.com")
    await place_order(order_for(sale, email="held@example.com", quantity=3))
    shown = (await read(api, owner, PREVIEW))["cancelPreview"]
    assert shown == {
        "orders": 2,
        "heldOrders": 1,
        "heldSlots": 3,
        "refunds": [{"leg": "DEPOSIT", "payments": 1, "amount": {"amount": "20.00"}}],
        "refundTotal": {"minor": 2_000},
    }
    wish = {
        **of(sale),
        "reason": "The kiln broke",
        "expectedOrders": shown["orders"],
        "expectedRefundMinor": shown["refundTotal"]["minor"],
    }

    # When it grows by an order
    await paid_deposit(sale, database_admin, "late@example.com")
    await drain()
    before = await stored_rows(database_admin)
    _, refusals = await send(api, owner, "campaignCancel", **wish)

    # Then nothing is cancelled, and the answer says what it would be now
    assert [(e["__typename"], e["preview"]) for e in refusals] == [
        ("CancelPreviewOutdatedError", {"orders": 3, "refundTotal": {"minor": 4_000}})
    ]
    assert await stored_rows(database_admin) == before
    snapshot = await find_snapshot(sale.campaign.id, fresh=True)
    assert snapshot is not None
    assert snapshot.status(clock.now()).value == "LIVE"
    # With those numbers it is done, once.
    wish |= {"expectedOrders": 3, "expectedRefundMinor": 4_000}
    for _ in range(2):
        done, refusals = await send(api, owner, "campaignCancel", **wish)
        assert (refusals, done["campaign"]["status"]) == ([], "CANCELLED")
    assert (
        await database_admin.fetchval(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'orders:cancel_campaign'"
        )
        == 1
    )
    assert (await actions(database_admin)).count("campaign.cancel") == 1


async def test_calling_off_sends_money_back_and_so_needs_that_scope(
    api: Api, sale: Sale, owner: Caller
) -> None:
    manager = await sign_in(sale.shop, Role.MANAGER)
    query = (
        "mutation ($input: CampaignCancelInput!) { campaignCancel(input: $input) {"
        " userErrors { code } } }"
    )
    wish = {**of(sale), "reason": "x", "expectedOrders": 0, "expectedRefundMinor": 0}

    reply = await api.ask(query, bearer=manager.token, input=wish)

    assert reply.error_codes == ["FORBIDDEN"]
    assert (await Campaign.get(id=sale.campaign.id)).version == sale.campaign.version
