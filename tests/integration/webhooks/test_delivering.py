"""An event becomes a delivery in its own transaction, and a signed request soon after."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import global_id
from headless_presale.shops.models import Shop
from headless_presale.webhooks import (
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    deliver_due,
    message_id_of,
    sweep_deliveries,
)
from tests.support.drop import open_drop
from tests.support.receiver import Receiver, subscribe
from tests.support.shop import make_shop, open_sale, order_for
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "redis")


async def test_an_order_reaches_who_listens_signed_and_with_global_ids(
    receiver: Receiver, database_admin: asyncpg.Connection
) -> None:
    # By the real clock: the library refuses what is older than five minutes.
    sale = await open_drop(capacity=50)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks", "order.*")

    order = await place_order(order_for(sale, quantity=2))
    assert await sweep_deliveries() == 1
    assert await deliver_due(made.endpoint.id) == 1

    (request,) = receiver.at()
    event = request.verified(made.secret)
    assert event["type"] == "order.placed"
    assert event["data"] == {
        "shopId": global_id("Shop", sale.shop.id),
        "orderId": global_id("Order", order.id),
        "orderNumber": order.number,
        "campaignId": global_id("Campaign", order.campaign_id),
        "status": "AWAITING_PAYMENT",
        "total": {"amount": "200.00", "minor": 20_000, "currency": "USD"},
        "holdExpiresAt": order.hold_expires_at.isoformat().replace("+00:00", "Z"),
    }
    delivery = await WebhookDelivery.get()
    assert request.message_id == message_id_of(delivery.id)
    assert request.headers["content-type"] == "application/json"
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)
    (attempt,) = await WebhookAttempt.all()
    assert (attempt.number, attempt.response_code, attempt.response_body) == (1, 200, "taken")
    assert attempt.error == ""
    # And nothing is left to do.
    assert await sweep_deliveries() == 0
    assert await deliver_due(made.endpoint.id) == 0


async def test_only_who_asked_for_it_is_told(receiver: Receiver, clock: ManualClock) -> None:
    sale = await open_sale(capacity=50)
    shop = sale.shop
    second = await make_shop("second")
    await Shop.filter(id=second.id).update(merchant_id=shop.merchant_id)
    stranger = await make_shop("stranger")
    listening = [
        await subscribe(shop, f"{receiver.url}/all"),
        await subscribe(shop, f"{receiver.url}/one", "order.placed", "campaign.*"),
        await subscribe(shop, f"{receiver.url}/this", shop_ids=[shop.id]),
    ]
    off = await subscribe(shop, f"{receiver.url}/off")
    gone = await subscribe(shop, f"{receiver.url}/gone")
    await subscribe(shop, f"{receiver.url}/other", "order.paid", "payment.*")
    await subscribe(shop, f"{receiver.url}/elsewhere", shop_ids=[second.id])
    await subscribe(stranger, f"{receiver.url}/stranger")
    at = clock.now()
    await WebhookEndpoint.filter(id=off.endpoint.id).update(
        disabled_at=at, disabled_reason="MERCHANT"
    )
    await WebhookEndpoint.filter(id=gone.endpoint.id).update(deleted_at=at)

    await place_order(order_for(sale))

    told = {delivery.endpoint_id for delivery in await WebhookDelivery.all()}
    assert told == {made.endpoint.id for made in listening}


async def test_an_order_costs_six_statements_however_many_listen(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50)
    for number in range(20):
        await subscribe(sale.shop, f"{receiver.url}/{number}")
    async with counted_statements() as sent:
        await place_order(order_for(sale, email="first@example.com"))
        del sent[:]

        await place_order(order_for(sale, quantity=2))

        firsts = [statement.split()[0].rstrip(";") for statement in sent]
    assert firsts == ["BEGIN", "WITH", "INSERT", "UPDATE", "INSERT", "COMMIT"]
    assert await WebhookDelivery.all().count() == 2 * 20


async def test_what_is_rolled_back_is_told_nobody(receiver: Receiver, clock: ManualClock) -> None:
    sale = await open_sale(capacity=1)
    await subscribe(sale.shop, f"{receiver.url}/hooks")
    await place_order(order_for(sale))

    with pytest.raises(Exception, match="left"):
        await place_order(order_for(sale, email="late@example.com"))

    assert await WebhookDelivery.all().count() == 1


async def test_a_failure_is_tried_again_by_the_table_under_one_id(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    receiver.default = 500
    await place_order(order_for(sale))

    waits = []
    while (delivery := await WebhookDelivery.get()).status is DeliveryStatus.PENDING:
        await _let_go(made.endpoint.id)
        clock.move_to(max(clock.now(), delivery.next_attempt_at))
        before = clock.now()
        assert await deliver_due(made.endpoint.id) == 1
        delivery = await WebhookDelivery.get()
        waits.append(delivery.next_attempt_at - before)

    table = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert len(waits) == 10
    for wait, seconds in zip(waits, table, strict=False):
        assert 0.8 * seconds <= wait.total_seconds() <= 1.2 * seconds
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 10)
    assert delivery.finished_at == clock.now()
    assert len({request.message_id for request in receiver.at()}) == 1
    assert len({request.body for request in receiver.at()}) == 1
    assert len(receiver.at()) == 10
    assert [a.response_code for a in await WebhookAttempt.all().order_by("id")] == [500] * 10


async def _let_go(endpoint_id: UUID) -> None:
    """End an endpoint's rest, which is not what is tested here."""
    await WebhookEndpoint.filter(id=endpoint_id).update(paused_until=None)


async def test_what_a_receiver_asks_for_is_waited_for(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    receiver.default, receiver.headers = 429, {"retry-after": "3600"}
    await place_order(order_for(sale))

    await deliver_due(made.endpoint.id)

    delivery = await WebhookDelivery.get()
    assert delivery.next_attempt_at == clock.now() + timedelta(hours=1)
