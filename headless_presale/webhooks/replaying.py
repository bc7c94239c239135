"""Sending on request: a test, one delivery again, or all that an endpoint has missed."""

from datetime import datetime, timedelta
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.webhooks.catalogue import TEST_TYPE, listens
from headless_presale.webhooks.endpoints import Asker, lock_endpoint, record_endpoint
from headless_presale.webhooks.errors import WebhookDeliveryNotFound
from headless_presale.webhooks.models import WebhookDelivery, WebhookEndpoint

QUEUE = "webhooks"
RETENTION = timedelta(days=30)
"""How long deliveries and their log are kept, and how far back a replay reaches."""
REPLAY_BATCH = 500


@shielded
async def send_test(asker: Asker, endpoint_id: UUID) -> WebhookDelivery:
    """Send an event that means nothing, so that a receiver can be tried.

    Raises:
        WebhookEndpointNotFound: there is none for the asker.
        InvalidInput: the endpoint is off.
    """
    async with unit_of_work() as work:
        endpoint = await _lock_enabled(work, asker, endpoint_id)
        now = clock.now()
        row = await work.fetchrow(
            "INSERT INTO webhook_delivery (id, endpoint_id, type, status, attempts, "
            "next_attempt_at, occurred_at) VALUES (webhook_delivery_id(), $1, $2, 'PENDING', 0, "
            "$3, $3) RETURNING id",
            endpoint.id,
            TEST_TYPE,
            now,
        )
        assert row is not None
        reach("webhooks.test_written")
        await defer_delivering(endpoint.id)
        return await WebhookDelivery.get(id=row["id"])


@shielded
async def replay_delivery(asker: Asker, delivery_id: UUID) -> WebhookDelivery:
    """Send a delivery once more, under the same id. One that still waits is sent now.

    Raises:
        WebhookDeliveryNotFound: there is none for the asker.
        InvalidInput: its endpoint is off, or does not listen for such any more.
    """
    async with unit_of_work() as work:
        delivery = await WebhookDelivery.get_or_none(id=delivery_id)
        endpoint = await WebhookEndpoint.get_or_none(id=delivery.endpoint_id) if delivery else None
        if delivery is None or endpoint is None or not asker.may_see(endpoint):
            raise WebhookDeliveryNotFound(field=("delivery_id",))
        if not asker.may_see_events_of(delivery.shop_id):
            raise WebhookDeliveryNotFound(field=("delivery_id",))
        _refuse_unheard(await _lock_enabled(work, asker, endpoint.id), delivery)
        await work.execute(
            "UPDATE webhook_delivery SET status = 'PENDING', finished_at = NULL, "
            "attempts = CASE status WHEN 'PENDING' THEN attempts ELSE 0 END, next_attempt_at = $2 "
            "WHERE id = $1",
            delivery_id,
            clock.now(),
        )
        reach("webhooks.replay_written")
        await defer_delivering(endpoint.id)
        return await WebhookDelivery.get(id=delivery_id)


@shielded
async def request_replay(
    asker: Asker, endpoint_id: UUID, *, since: datetime, include_delivered: bool = False
) -> WebhookEndpoint:
    """Have everything sent that an endpoint has missed since a moment.

    That is what failed, and what happened while it was off or did not listen for it. A worker does
    it; repeating it sends nothing twice that was delivered, unless that is asked for.

    Raises:
        WebhookEndpointNotFound: there is none for the asker.
        InvalidInput: the endpoint is off, or ``since`` is not within the last 30 days.
    """
    now = clock.now()
    if not now - RETENTION <= since <= now:
        raise InvalidInput(
            reason="a replay begins within the last {days} days",
            days=RETENTION.days,
            field=("since",),
        )
    async with unit_of_work() as work:
        endpoint = await _lock_enabled(work, asker, endpoint_id)
        await defer(
            "webhooks:replay",
            queue=QUEUE,
            lock=f"webhooks:replay:{endpoint.id}",
            endpoint_id=str(endpoint.id),
            since=since.isoformat(),
            until=now.isoformat(),
            include_delivered=include_delivered,
        )
        asked = {"since": since, "includeDelivered": include_delivered}
        await record_endpoint(work, "webhook_endpoint.replay", endpoint, {}, asked)
    return endpoint


_REPLAY = """
WITH batch AS MATERIALIZED (
    SELECT id, topic, type, created_at FROM event
    WHERE created_at >= $2 AND created_at <= $3 AND id > $4 ORDER BY id LIMIT $5),
written AS (
    INSERT INTO webhook_delivery AS d (id, endpoint_id, event_id, shop_id, type, status, attempts,
        next_attempt_at, occurred_at)
    SELECT webhook_delivery_id(), w.id, b.id, s.id, b.type, 'PENDING', 0, $6, b.created_at
    FROM webhook_endpoint w
    JOIN batch b ON w.event_types && ARRAY[b.type::text, split_part(b.type, '.', 1) || '.*']
    JOIN shop s ON s.id = shop_of_topic(b.topic) AND s.merchant_id = w.merchant_id
    WHERE w.id = $1 AND w.deleted_at IS NULL AND (w.shop_ids IS NULL OR s.id = ANY(w.shop_ids))
    ORDER BY b.id
    ON CONFLICT (endpoint_id, event_id) DO UPDATE
    SET status = 'PENDING', attempts = 0, next_attempt_at = $6, finished_at = NULL
    WHERE d.status = 'FAILED' OR ($7 AND d.status = 'DELIVERED'))
SELECT max(id) AS last FROM batch
"""


async def replay(
    endpoint_id: UUID, *, since: datetime, until: datetime, include_delivered: bool
) -> None:
    """Write the deliveries of a replay, batch by batch. Safe to repeat after a death."""
    last: int | None = 0
    while last is not None:
        last = await _replay_batch(endpoint_id, since, until, last, include_delivered)


@shielded
async def _replay_batch(
    endpoint_id: UUID, since: datetime, until: datetime, after: int, include_delivered: bool
) -> int | None:
    async with unit_of_work() as work:
        row = await work.fetchrow(
            _REPLAY,
            endpoint_id,
            since,
            until,
            after,
            REPLAY_BATCH,
            clock.now(),
            include_delivered,
        )
        assert row is not None
        last: int | None = row["last"]
        reach("webhooks.batch_replayed")
        if last is not None:
            await defer_delivering(endpoint_id)
    return last


async def _lock_enabled(work: UnitOfWork, asker: Asker, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = await lock_endpoint(work, asker, endpoint_id)
    if endpoint.disabled_at is not None:
        raise InvalidInput(reason="the endpoint is off: turn it on first", field=("endpoint_id",))
    return endpoint


def _refuse_unheard(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> None:
    """Raise InvalidInput where an endpoint has ceased to listen for what a delivery is about."""
    if delivery.shop_id is not None and not listens(
        endpoint.event_types, endpoint.shop_ids, type_=delivery.type, shop_id=delivery.shop_id
    ):
        raise InvalidInput(
            reason="the endpoint does not listen for this event any more", field=("delivery_id",)
        )


async def defer_delivering(endpoint_id: UUID) -> None:
    """Ask for what is due for an endpoint to be sent; one such job waits and one runs."""
    await defer(
        "webhooks:deliver",
        queue=QUEUE,
        lock=f"webhooks:{endpoint_id}",
        queueing_lock=f"webhooks:{endpoint_id}",
        endpoint_id=str(endpoint_id),
    )
