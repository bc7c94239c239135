"""What happens by itself when its time comes: refunds settle, unpaid intents expire."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from headless_presale.sandbox_gateway import timestamps
from headless_presale.sandbox_gateway.database import Database, Transaction
from headless_presale.sandbox_gateway.idempotency import forget_old_answers
from headless_presale.sandbox_gateway.intents import expire_due_intents
from headless_presale.sandbox_gateway.refunds import settle_due_refunds

MAX_WAIT: Final = timedelta(hours=1)

log = structlog.get_logger(__name__)


class Clockwork:
    """Does what is due, then sleeps until the next thing is, or until something changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look again: something changed."""
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            self._wake.clear()
            try:
                next_at = await self._database.run(_do_what_is_due)
            except Exception:
                log.exception("clockwork.round_failed")
                next_at = timestamps.now() + timedelta(seconds=1)
            try:
                async with asyncio.timeout(max((next_at - timestamps.now()).total_seconds(), 0.0)):
                    await self._wake.wait()
            except TimeoutError:
                continue


def _do_what_is_due(tx: Transaction) -> datetime:
    """Return when to look again."""
    expire_due_intents(tx)
    settle_due_refunds(tx)
    forget_old_answers(tx)
    soonest = tx.find(
        "SELECT min(at) AS at FROM ("
        " SELECT min(expires_at) AS at FROM payment_intent"
        " WHERE expires_at IS NOT NULL AND status IN ('requires_payment', 'failed')"
        " UNION ALL SELECT min(settles_at) FROM refund WHERE status = 'pending')"
    )
    latest = tx.now + MAX_WAIT
    if soonest is None or soonest["at"] is None:
        return latest
    return min(timestamps.from_text(soonest["at"]), latest)
