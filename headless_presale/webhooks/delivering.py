"""Delivering: take what is due for an endpoint, send it, write down what came of it.

A delivery that a worker takes in hand is moved ahead by :data:`CLAIM`. Whoever dies between the
request and the row leaves a delivery that is due again: it is sent once more, under the same id.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog

from headless_presale.kernel import clock, vault
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.webhooks.catalogue import listening
from headless_presale.webhooks.endpoints import SEALED_FOR, record_endpoint
from headless_presale.webhooks.events import WebhookEndpointDisabled
from headless_presale.webhooks.models import WebhookEndpoint
from headless_presale.webhooks.outlet import Line, Reply, current_outlet
from headless_presale.webhooks.payloads import body_of
from headless_presale.webhooks.rules import DISABLED_AFTER, rest_after, sign, wait_after
from headless_presale.webhooks.states import DisabledReason

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Requests that are under way to one endpoint."""
CLAIM = timedelta(seconds=60)
"""How long a worker may have a delivery in hand: longer than any request takes."""
BUDGET_SECONDS = 30.0
"""How long one job goes on with one endpoint before others have their turn."""
GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A delivery in hand. ``claimed_until`` is what shows that it still is."""

    id: UUID
    endpoint_id: UUID
    url: str
    keys: Sequence[str]
    type: str
    body: bytes
    attempt: int
    claimed_until: datetime


def message_id_of(delivery_id: UUID) -> str:
    """Return the ``webhook-id`` of a delivery: the same in every attempt and every replay."""
    return f"msg_{delivery_id.hex}"


async def deliver_due(endpoint_id: UUID, *, budget_seconds: float = BUDGET_SECONDS) -> int:
    """Send what is due for an endpoint until nothing is or time is up; return how many requests.

    Safe to repeat and to race: a delivery is in one hand at a time.
    """
    ends, sent = time.monotonic() + budget_seconds, 0
    async with current_outlet().line(connections=AT_ONCE) as line:
        while parcels := await _claim(endpoint_id):
            await asyncio.gather(*(_deliver(line, parcel) for parcel in parcels))
            sent += len(parcels)
            if len(parcels) < AT_ONCE or time.monotonic() >= ends:
                break
    return sent


async def _deliver(line: Line, parcel: Parcel) -> None:
    if not parcel.keys:
        reply = Reply(code=None, body="", error="the signing secret cannot be read", duration_ms=0)
        await _note(parcel, clock.now(), reply)
        return
    at = clock.now()
    headers = sign(parcel.keys, message_id=message_id_of(parcel.id), sent_at=at, body=parcel.body)
    reply = await line.post(parcel.url, headers, parcel.body)
    reach("webhooks.posted")
    await _note(parcel, at, reply)


# Materialized: in a plain subquery, a plan that looks at it for each delivery takes others for
# those just claimed, and more than the limit.
_CLAIM = f"""
WITH claimed AS MATERIALIZED (
    SELECT due.id FROM webhook_delivery due JOIN webhook_endpoint e ON e.id = due.endpoint_id
    WHERE due.endpoint_id = $1 AND due.status = 'PENDING' AND due.next_attempt_at <= $2
      AND e.disabled_at IS NULL AND e.deleted_at IS NULL
      AND (e.paused_until IS NULL OR e.paused_until <= $2)
      AND {listening(endpoint="e", delivery="due")}
    ORDER BY due.next_attempt_at, due.id LIMIT $4 FOR UPDATE OF due SKIP LOCKED)
UPDATE webhook_delivery d SET attempts = d.attempts + 1, next_attempt_at = $3
FROM claimed, webhook_endpoint w
WHERE d.id = claimed.id AND w.id = d.endpoint_id
RETURNING d.id, d.type, d.shop_id, d.attempts, d.occurred_at, w.url, w.secret, w.previous_secret,
    w.previous_secret_expires_at,
    (SELECT e.payload FROM event e WHERE e.id = d.event_id) AS payload
"""


@shielded
async def _claim(endpoint_id: UUID) -> list[Parcel]:
    at = clock.now()
    until = at + CLAIM
    async with unit_of_work() as work:
        rows = await work.fetch(_CLAIM, endpoint_id, at, until, AT_ONCE)
        reach("webhooks.claimed")
    return [
        Parcel(
            id=row["id"],
            endpoint_id=endpoint_id,
            url=row["url"],
            keys=_keys(row, at),
            type=row["type"],
            body=body_of(
                row["type"],
                row["occurred_at"],
                orjson.loads(row["payload"] or "{}"),
                shop_id=row["shop_id"],
            ),
            attempt=row["attempts"],
            claimed_until=until,
        )
        for row in rows
    ]


def _keys(row: Any, at: datetime) -> list[str]:
    sealed = [row["secret"]]
    if row["previous_secret"] is not None and row["previous_secret_expires_at"] > at:
        sealed.append(row["previous_secret"])
    try:
        return [vault.unseal(SEALED_FOR, secret) for secret in sealed]
    except vault.SealBroken:
        return []


_NOTE = """
WITH noted AS (
    INSERT INTO webhook_attempt (delivery_id, number, at, url, response_code, response_body, error,
        duration_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8))
UPDATE webhook_delivery SET status = $9::text, next_attempt_at = coalesce($10, next_attempt_at),
    finished_at = $11
WHERE id = $1 AND status = 'PENDING'
  AND ($9::text = 'DELIVERED' OR (attempts = $2 AND next_attempt_at = $12))
"""


@shielded
async def _note(parcel: Parcel, at: datetime, reply: Reply) -> None:
    """Write down an attempt and what follows from it.

    That it was taken counts for more than what anybody noted meanwhile; that it was not counts only
    for whoever still has it in hand.
    """
    now = clock.now()
    status, due_at = "DELIVERED", None
    if not reply.is_accepted:
        wait = wait_after(parcel.attempt, chance=random.random(), asked=reply.retry_after)
        status, due_at = ("FAILED", None) if wait is None else ("PENDING", now + wait)
    async with unit_of_work() as work:
        await work.execute(
            _NOTE,
            parcel.id,
            parcel.attempt,
            at,
            parcel.url,
            reply.code,
            reply.body,
            reply.error,
            reply.duration_ms,
            status,
            due_at,
            None if status == "PENDING" else now,
            parcel.claimed_until,
        )
        reach("webhooks.attempt_noted")
        if reply.is_accepted:
            await _note_health(work, parcel.endpoint_id)
        else:
            await _note_trouble(work, parcel, reply, now)
    log.info(
        "webhooks.attempted",
        delivery_id=str(parcel.id),
        endpoint_id=str(parcel.endpoint_id),
        attempt=parcel.attempt,
        status=status,
        response_code=reply.code,
        error=reply.error,
    )


async def _note_health(work: UnitOfWork, endpoint_id: UUID) -> None:
    recovered = await work.execute(
        "UPDATE webhook_endpoint SET failure_count = 0, failing_since = NULL, "
        "paused_until = NULL WHERE id = $1 AND failure_count > 0",
        endpoint_id,
    )
    if recovered:
        reach("webhooks.health_noted")


async def _note_trouble(work: UnitOfWork, parcel: Parcel, reply: Reply, now: datetime) -> None:
    row = await work.fetchrow(
        "UPDATE webhook_endpoint SET failure_count = failure_count + 1, "
        "failing_since = coalesce(failing_since, $2) WHERE id = $1 "
        "RETURNING failure_count, failing_since",
        parcel.endpoint_id,
        now,
    )
    reach("webhooks.trouble_noted")
    if row is None:
        return
    if reply.code == GONE:
        await _turn_off(work, parcel.endpoint_id, DisabledReason.GONE)
    elif now - row["failing_since"] >= DISABLED_AFTER:
        await _turn_off(work, parcel.endpoint_id, DisabledReason.FAILING)
    elif (rest := rest_after(row["failure_count"])) is not None:
        await work.execute(
            "UPDATE webhook_endpoint SET paused_until = $2 WHERE id = $1",
            parcel.endpoint_id,
            now + rest,
        )
        reach("webhooks.rest_given")


async def _turn_off(work: UnitOfWork, endpoint_id: UUID, reason: DisabledReason) -> None:
    """Turn an endpoint off that does not want any more, or never answers; its owners are told."""
    turned_off = await work.execute(
        "UPDATE webhook_endpoint SET disabled_at = $2, disabled_reason = $3, version = version + 1 "
        "WHERE id = $1 AND disabled_at IS NULL AND deleted_at IS NULL",
        endpoint_id,
        clock.now(),
        reason,
    )
    if not turned_off:
        return
    reach("webhooks.turned_off")
    endpoint = await WebhookEndpoint.get(id=endpoint_id)
    await record_endpoint(
        work,
        "webhook_endpoint.disable",
        endpoint,
        {"isEnabled": True},
        {"isEnabled": False, "reason": reason},
    )
    reach("webhooks.turning_off_recorded")
    work.emit(
        WebhookEndpointDisabled(
            endpoint_id=endpoint_id,
            merchant_id=endpoint.merchant_id,
            reason=reason,
            url=endpoint.url,
            version=endpoint.version,
        )
    )
    log.warning("webhooks.endpoint_disabled", endpoint_id=str(endpoint_id), reason=reason)
