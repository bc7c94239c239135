"""The worker at work: who is slow is alone with it, and a death costs nothing but time."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from headless_presale import worker
from headless_presale.checkout import place_order
from headless_presale.kernel import clock
from headless_presale.webhooks import DeliveryStatus, WebhookAttempt, WebhookDelivery, deliver_due
from headless_presale.worker import create_job_app
from tests.conftest import SECRET_KEY
from tests.integration.worker.processes import put_job, status_of, working
from tests.support.drop import open_drop
from tests.support.processes import work_until_killed
from tests.support.receiver import Receiver, open_outlet, subscribe
from tests.support.servers import until
from tests.support.shop import order_for

pytestmark = pytest.mark.usefixtures("database", "redis")

FROZEN = 12
"""More endpoints than jobs of the other queue run at once."""


async def frozen_and_one_well(receiver: Receiver) -> None:
    """Place an order that many systems hear of which never answer, and one that does."""
    sale = await open_drop(capacity=5)
    for number in range(FROZEN):
        receiver.delays[f"/frozen/{number}"] = float("inf")
        await subscribe(sale.shop, f"{receiver.url}/frozen/{number}")
    await subscribe(sale.shop, f"{receiver.url}/well")
    await place_order(order_for(sale))


async def test_who_never_answers_keeps_nobody_else_waiting(
    receiver: Receiver, database: str, database_admin: asyncpg.Connection
) -> None:
    await frozen_and_one_well(receiver)
    async with open_outlet(total_seconds=15.0), working(database):
        await until(lambda: len(receiver.requests) == FROZEN + 1)
        # All of them are being waited for, and other work is done meanwhile.
        job = await put_job(database_admin, "maintenance:forget_finished", '{"timestamp": 0}')

        async def is_done() -> bool:
            return await status_of(database_admin, job) == "succeeded"

        await until(is_done)
        assert sum(receiver.under_way.values()) == FROZEN
        well = await WebhookDelivery.filter(status=DeliveryStatus.DELIVERED).count()
        assert well == 1


async def test_control_with_one_job_at_a_time_they_would_wait(
    receiver: Receiver, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CONCURRENCY", {"default": 8, "webhooks": 1})
    await frozen_and_one_well(receiver)
    async with open_outlet(total_seconds=15.0), working(database):
        await until(lambda: len(receiver.requests) == 1)
        await asyncio.sleep(1.0)
        assert len(receiver.requests) == 1


async def test_four_requests_at_once_go_to_one_endpoint(receiver: Receiver) -> None:
    sale = await open_drop(capacity=30)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    receiver.delays["/hooks"] = 0.05
    for number in range(20):
        await place_order(order_for(sale, email=f"{number}@example.com"))

    # Two workers are no more than one: what one has in hand the other leaves.
    sent = await asyncio.gather(deliver_due(made.endpoint.id), deliver_due(made.endpoint.id))

    assert sum(sent) == len(receiver.at()) == 20
    assert len({request.message_id for request in receiver.at()}) == 20
    assert receiver.most_under_way["/hooks"] <= 2 * 4


async def test_an_answer_that_the_database_does_not_take_is_asked_for_again(
    receiver: Receiver, database: str, database_admin: asyncpg.Connection
) -> None:
    sale = await open_drop(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    await place_order(order_for(sale))
    deliver = create_job_app(database).tasks["webhooks:deliver"]
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        # Longer than any statement of ours may take.
        await connection.execute("LOCK TABLE webhook_attempt")
        await deliver.func(endpoint_id=str(made.endpoint.id))
    await connection.close()

    assert len(receiver.at()) == 1
    assert (await WebhookDelivery.get()).status is DeliveryStatus.PENDING
    await _let_a_minute_pass(database_admin)
    assert await deliver_due(made.endpoint.id) == 1
    first, second = receiver.at()
    assert (first.message_id, first.body) == (second.message_id, second.body)
    assert (await WebhookDelivery.get()).status is DeliveryStatus.DELIVERED


async def _let_a_minute_pass(admin: asyncpg.Connection) -> None:
    """End the claims of those who had a delivery in hand."""
    await admin.execute(
        "UPDATE webhook_delivery SET next_attempt_at = next_attempt_at - $1::interval",
        timedelta(seconds=60),
    )


async def test_a_worker_killed_before_it_noted_the_answer_sends_it_again_under_the_same_id(
    receiver: Receiver,
    database: str,
    redis_url: str,
    database_admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    sale = await open_drop(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    await place_order(order_for(sale))
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "PRESALE_DATA_DIR": str(tmp_path / "data"),
        "PRESALE_SECRET_KEY": SECRET_KEY,
        "PRESALE_WEBHOOKS_ALLOW_PRIVATE": "true",
    }
    await work_until_killed(tmp_path, environment, "webhooks.posted")

    (first,) = receiver.at()
    delivery = await WebhookDelivery.get()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.PENDING, 1)
    assert await WebhookAttempt.all().count() == 0
    # It is in the dead worker's hand for a minute.
    assert await deliver_due(made.endpoint.id) == 0
    assert delivery.next_attempt_at > clock.now()

    await _let_a_minute_pass(database_admin)
    assert await deliver_due(made.endpoint.id) == 1

    assert [request.message_id for request in receiver.at()] == [first.message_id] * 2
    assert receiver.at()[1].body == first.body
    receiver.at()[1].verified(made.secret)
    assert (await WebhookDelivery.get()).status is DeliveryStatus.DELIVERED
