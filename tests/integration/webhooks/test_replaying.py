"""Sending on request: a test, one again, all that was missed; and what is forgotten."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from headless_presale.checkout import place_order
from headless_presale.identity import ALL_SCOPES
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.orders import cancel_order
from headless_presale.webhooks import (
    Asker,
    DeliveryStatus,
    WebhookAttempt,
    WebhookDelivery,
    WebhookDeliveryNotFound,
    WebhookEndpoint,
    delete_endpoint,
    deliver_due,
    disable_endpoint,
    enable_endpoint,
    forget_old_deliveries,
    replay_delivery,
    request_replay,
    rotate_secret,
    send_test,
)
from headless_presale.webhooks import replaying as replaying_module
from tests.support.drop import open_drop
from tests.support.money import work_off
from tests.support.receiver import Receiver, subscribe
from tests.support.shop import Sale, make_shop, open_sale, order_for

pytestmark = pytest.mark.usefixtures("database", "redis")


def asker_of(sale: Sale) -> Asker:
    return Asker(merchant_id=sale.shop.merchant_id, scopes=ALL_SCOPES)


async def test_a_test_is_sent_at_once_and_says_nothing(
    receiver: Receiver, database_admin: asyncpg.Connection
) -> None:
    sale = await open_drop(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks", "payment.*")

    delivery = await send_test(asker_of(sale), made.endpoint.id)
    await work_off(database_admin, "webhooks")

    (request,) = receiver.at()
    event = request.verified(made.secret)
    assert (event["type"], event["data"]) == ("webhook.test", {})
    assert (await WebhookDelivery.get(id=delivery.id)).status is DeliveryStatus.DELIVERED


async def test_during_a_rotation_either_secret_verifies_and_then_the_new_one_alone(
    receiver: Receiver, database_admin: asyncpg.Connection
) -> None:
    sale = await open_drop(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    rotated = await rotate_secret(asker_of(sale), made.endpoint.id, version=1)

    await send_test(asker_of(sale), made.endpoint.id)
    await work_off(database_admin, "webhooks")
    receiver.at()[0].verified(made.secret)
    receiver.at()[0].verified(rotated.secret)

    at_once = await rotate_secret(asker_of(sale), made.endpoint.id, version=2, keep_old=False)
    await send_test(asker_of(sale), made.endpoint.id)
    await work_off(database_admin, "webhooks")
    receiver.at()[1].verified(at_once.secret)
    for old in (made.secret, rotated.secret):
        with pytest.raises(Exception, match="No matching signature"):
            receiver.at()[1].verified(old)


async def test_an_old_secret_stops_signing_after_a_day(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    await rotate_secret(asker_of(sale), made.endpoint.id, version=1)

    for wait in (timedelta(hours=23, minutes=59), timedelta(minutes=1)):
        clock.advance(wait)
        await send_test(asker_of(sale), made.endpoint.id)
        await deliver_due(made.endpoint.id)

    signatures = [len(r.headers["webhook-signature"].split(" ")) for r in receiver.at()]
    assert signatures == [2, 1]


async def test_a_secret_of_another_key_is_a_failure_that_is_told(
    receiver: Receiver, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    await database_admin.execute("UPDATE webhook_endpoint SET secret = 'gAAAAAB'")

    await send_test(asker_of(sale), made.endpoint.id)
    await deliver_due(made.endpoint.id)

    assert receiver.requests == []
    assert (await WebhookAttempt.get()).error == "the signing secret cannot be read"
    assert (await WebhookDelivery.get()).status is DeliveryStatus.PENDING


async def test_one_is_sent_again_under_its_id_however_it_ended(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    await place_order(order_for(sale))
    await deliver_due(made.endpoint.id)
    delivery = await WebhookDelivery.get()

    again = await replay_delivery(asker_of(sale), delivery.id)
    assert (again.status, again.attempts) == (DeliveryStatus.PENDING, 0)
    await deliver_due(made.endpoint.id)

    first, second = receiver.at()
    assert (first.message_id, first.body) == (second.message_id, second.body)
    stranger = await make_shop("stranger")
    with pytest.raises(WebhookDeliveryNotFound):
        await replay_delivery(
            Asker(merchant_id=stranger.merchant_id, scopes=ALL_SCOPES), delivery.id
        )


async def test_a_replay_brings_what_failed_and_what_was_never_written(
    receiver: Receiver,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying_module, "REPLAY_BATCH", 2)
    sale = await open_sale(capacity=50)
    other = await open_sale(shop=await make_shop("stranger"), skus=("OTHER-1",))
    # Given an order from before, one that is delivered, one that failed for good, one from while
    # the endpoint was off, and what others did meanwhile
    await place_order(order_for(sale, email="0@example.com"))
    clock.advance(timedelta(hours=1))
    since = clock.now()
    made = await subscribe(sale.shop, f"{receiver.url}/hooks", "order.placed")
    await place_order(order_for(sale, email="1@example.com"))
    await deliver_due(made.endpoint.id)
    delivered = await WebhookDelivery.get()
    failed = await place_order(order_for(sale, email="2@example.com"))
    await WebhookDelivery.exclude(id=delivered.id).update(
        status=DeliveryStatus.FAILED, finished_at=clock.now(), attempts=10
    )
    await disable_endpoint(asker_of(sale), made.endpoint.id, version=1)
    missed = await place_order(order_for(sale, email="3@example.com"))
    await cancel_order(missed.id, reason="changed my mind")
    await place_order(order_for(other, email="4@example.com"))
    with pytest.raises(InvalidInput, match="off"):
        await request_replay(asker_of(sale), made.endpoint.id, since=since)
    await enable_endpoint(asker_of(sale), made.endpoint.id, version=2)
    del receiver.requests[:]

    # When it is replayed from then on, twice
    for _ in range(2):
        await request_replay(asker_of(sale), made.endpoint.id, since=since)
        await work_off(database_admin, "webhooks")

    # Then the two that it has missed have come, once each; they were under way at the same time
    told = [request.event["data"]["orderNumber"] for request in receiver.at()]
    assert sorted(told) == sorted([failed.number, missed.number])
    # And with what was delivered, all three, under the ids they had.
    await request_replay(asker_of(sale), made.endpoint.id, since=since, include_delivered=True)
    await work_off(database_admin, "webhooks")
    assert len(receiver.at()) == 2 + 3
    assert len({request.message_id for request in receiver.at()}) == 3


@pytest.mark.parametrize("age", [timedelta(days=30, seconds=1), -timedelta(seconds=1)])
async def test_a_replay_reaches_back_as_far_as_there_is_a_log(
    receiver: Receiver, clock: ManualClock, age: timedelta
) -> None:
    sale = await open_sale(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")

    with pytest.raises(InvalidInput, match="last 30 days"):
        await request_replay(asker_of(sale), made.endpoint.id, since=clock.now() - age)


async def test_after_thirty_days_it_is_forgotten_but_not_what_still_waits(
    receiver: Receiver, clock: ManualClock
) -> None:
    sale = await open_sale(capacity=50)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks", "order.placed")
    removed = await subscribe(sale.shop, f"{receiver.url}/removed", "order.placed")
    await place_order(order_for(sale, email="old@example.com"))
    await deliver_due(made.endpoint.id)
    await deliver_due(removed.endpoint.id)
    await delete_endpoint(asker_of(sale), removed.endpoint.id, version=1)
    await place_order(order_for(sale, email="waits@example.com"))
    assert await forget_old_deliveries() == 0

    clock.advance(timedelta(days=30, seconds=1))
    assert await forget_old_deliveries() == 2

    (left,) = await WebhookDelivery.all()
    assert (left.endpoint_id, left.status) == (made.endpoint.id, DeliveryStatus.PENDING)
    assert await WebhookAttempt.all().count() == 0
    assert await _endpoint_ids() == {made.endpoint.id}


async def _endpoint_ids() -> set[UUID]:
    return {endpoint.id for endpoint in await WebhookEndpoint.all()}
