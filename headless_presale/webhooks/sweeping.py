"""What time makes due: deliveries to be sent, and old ones to be forgotten."""

from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.webhooks.catalogue import listening
from headless_presale.webhooks.replaying import RETENTION, defer_delivering

MOST_ENDPOINTS = 500
FORGET_BATCH = 1_000

_DUE = f"""
SELECT w.id FROM webhook_endpoint w
WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL
  AND (w.paused_until IS NULL OR w.paused_until <= $1)
  AND EXISTS (SELECT 1 FROM webhook_delivery d
              WHERE d.endpoint_id = w.id AND d.status = 'PENDING' AND d.next_attempt_at <= $1
                AND {listening(endpoint="w", delivery="d")})
LIMIT $2
"""


@shielded
async def sweep_deliveries() -> int:
    """Ask for a job for each endpoint that something is due for; return for how many."""
    async with unit_of_work() as work:
        rows = await work.fetch(_DUE, clock.now(), MOST_ENDPOINTS)
        for row in rows:
            await defer_delivering(row["id"])
    return len(rows)


async def forget_old_deliveries() -> int:
    """Delete what is older than the retention, and endpoints that were deleted and have nothing
    left; return how many deliveries went."""
    gone = 0
    while batch := await _forget_batch():
        gone += batch
    await _forget_endpoints()
    return gone


@shielded
async def _forget_batch() -> int:
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT id FROM webhook_delivery WHERE occurred_at < $1 AND status <> 'PENDING' "
            "UNION ALL SELECT d.id FROM webhook_delivery d JOIN webhook_endpoint w "
            "ON w.id = d.endpoint_id WHERE w.deleted_at < $1 OR (w.deleted_at IS NOT NULL "
            "AND d.status = 'PENDING') "
            "UNION ALL SELECT d.id FROM webhook_delivery d JOIN webhook_endpoint w "
            "ON w.id = d.endpoint_id WHERE w.disabled_at < $1 AND d.occurred_at < $1 "
            "AND d.status = 'PENDING' "
            "UNION ALL SELECT d.id FROM webhook_delivery d JOIN webhook_endpoint w "
            "ON w.id = d.endpoint_id WHERE d.occurred_at < $1 AND d.status = 'PENDING' "
            f"AND NOT {listening(endpoint='w', delivery='d')} LIMIT $2",
            clock.now() - RETENTION,
            FORGET_BATCH,
        )
        ids = list({row["id"] for row in rows})
        if ids:
            await work.execute(
                "DELETE FROM webhook_attempt WHERE delivery_id = ANY($1::uuid[])", ids
            )
            await work.execute("DELETE FROM webhook_delivery WHERE id = ANY($1::uuid[])", ids)
    return len(ids)


@shielded
async def _forget_endpoints() -> None:
    async with unit_of_work() as work:
        await work.execute(
            "DELETE FROM webhook_endpoint w WHERE w.deleted_at < $1 AND NOT EXISTS "
            "(SELECT 1 FROM webhook_delivery d WHERE d.endpoint_id = w.id)",
            clock.now() - RETENTION,
        )
