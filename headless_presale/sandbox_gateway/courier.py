"""The courier delivers webhooks: at least once, with backoff, and on after a crash.

What is to be delivered are rows, written with the change they report. The courier holds
nothing that it could lose: it reads what is due, posts it, and writes down what came of it.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import structlog

from headless_presale.sandbox_gateway import timestamps
from headless_presale.sandbox_gateway.behaviour import WebhookBehaviour, get_behaviour
from headless_presale.sandbox_gateway.database import Database, Transaction
from headless_presale.sandbox_gateway.errors import conflict, not_found
from headless_presale.sandbox_gateway.settings import GatewaySettings, decode_webhook_secret
from headless_presale.sandbox_gateway.signatures import sign

MAX_CONCURRENT: Final = 16
BATCH: Final = 500
MAX_WAIT_SECONDS: Final = 3_600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event on its way."""

    event_seq: int
    event_id: str
    event_type: str
    payment_intent_id: str
    body: bytes
    copies: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One HTTP request made: its status, or the error that left it without one."""

    event_id: str
    event_type: str
    copy: int
    http_status: int | None
    error: str | None

    @property
    def is_accepted(self) -> bool:
        return self.http_status is not None and 200 <= self.http_status < 300


class Courier:
    """Delivers due events in the background, and on demand.

    Events of one payment intent go out one after another, those of different intents side
    by side, so that a receiver that hangs on one does not hold up the rest. A failed attempt
    does not hold up later events: order is never promised, as with any real gateway.
    """

    def __init__(self, database: Database, settings: GatewaySettings) -> None:
        self._database = database
        self._settings = settings
        self._url = str(settings.webhook_url or "")
        secret = settings.webhook_secret
        self._key = b"" if secret is None else decode_webhook_secret(secret.get_secret_value())
        # The receiver is next door: a proxy named in the environment is not meant for it.
        self._client = httpx.AsyncClient(
            timeout=settings.webhook_timeout_seconds,
            trust_env=False,
            headers={"user-agent": "headless-presale-sandbox-gateway"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=MAX_CONCURRENT),
        )
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._by_hand = asyncio.Lock()

    def wake(self) -> None:
        """Look again: something changed."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver what is due until cancelled."""
        while True:
            self._wake.clear()
            wait_seconds = MAX_WAIT_SECONDS
            try:
                due, next_at = await self._database.run(_find_due)
                self._start(due)
                if next_at is not None:
                    wait_seconds = max((next_at - timestamps.now()).total_seconds(), 0.0)
            except Exception:
                log.exception("webhooks.round_failed")
                wait_seconds = 1.0
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Give requests under way a moment, then leave them to the next start."""
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def flush(self) -> list[dict[str, Any]]:
        """Deliver everything pending now, one after another; returns the requests made.

        Neither a pause nor a time not yet come holds it back. What the background has under
        way is waited for and not part of the answer.
        """
        async with self._holding_the_background():
            if self._under_way:
                await asyncio.wait(list(self._under_way.values()))
            pending = await self._database.run(_list_pending)
            postings: list[Posting] = []
            for event_seq in pending:
                postings += await self._attempt(event_seq, forced=True)
        return [asdict(posting) for posting in postings]

    async def redeliver(self, event_id: str) -> list[dict[str, Any]]:
        """Send an event once more, whatever became of it; returns the requests made.

        Raises:
            GatewayError: ``not_found``; ``no_webhook``: the event has no delivery.
        """
        event_seq = await self._database.run(lambda tx: _get_delivery(tx, event_id))
        async with self._holding_the_background():
            postings = await self._attempt(event_seq, forced=True, again=True)
        return [asdict(posting) for posting in postings]

    @asynccontextmanager
    async def _holding_the_background(self) -> AsyncIterator[None]:
        """Let the background start nothing new; one delivers by hand at a time."""
        try:
            async with self._by_hand:
                yield
        finally:
            self.wake()

    def _start(self, due: Sequence[Parcel]) -> None:
        if self._by_hand.locked():
            return
        by_intent: dict[str, list[int]] = {}
        for parcel in due:
            by_intent.setdefault(parcel.payment_intent_id, []).append(parcel.event_seq)
        for intent_id, event_seqs in by_intent.items():
            if intent_id not in self._under_way:
                task = asyncio.create_task(self._deliver_in_order(event_seqs))
                self._under_way[intent_id] = task
                task.add_done_callback(self._forget(intent_id))

    def _forget(self, intent_id: str) -> Callable[[asyncio.Task[None]], None]:
        def forget(task: asyncio.Task[None]) -> None:
            self._under_way.pop(intent_id, None)
            if task.cancelled():
                return
            if (error := task.exception()) is None:
                self.wake()
            else:
                # What could not be written down is still due: not at once again.
                log.error("webhooks.delivery_failed", error=repr(error))
                task.get_loop().call_later(1.0, self.wake)

        return forget

    async def _deliver_in_order(self, event_seqs: Sequence[int]) -> None:
        async with self._slots:
            for event_seq in event_seqs:
                await self._attempt(event_seq)

    async def _attempt(
        self, event_seq: int, *, forced: bool = False, again: bool = False
    ) -> list[Posting]:
        parcel = await self._database.run(
            lambda tx: _find_parcel(tx, event_seq, forced=forced, again=again)
        )
        if parcel is None:
            return []
        postings = await asyncio.gather(
            *(self._post(parcel, copy) for copy in range(1, parcel.copies + 1))
        )
        await self._database.run(lambda tx: self._record(tx, event_seq, postings))
        return list(postings)

    async def _post(self, parcel: Parcel, copy: int) -> Posting:
        headers = sign(
            self._key, message_id=parcel.event_id, timestamp=int(time.time()), body=parcel.body
        )
        headers["content-type"] = "application/json"
        status, error = None, None
        try:
            response = await self._client.post(self._url, content=parcel.body, headers=headers)
            status = response.status_code
        except httpx.HTTPError as failure:
            error = type(failure).__name__
        return Posting(parcel.event_id, parcel.event_type, copy, status, error)

    def _record(self, tx: Transaction, event_seq: int, postings: Sequence[Posting]) -> None:
        """Write down an attempt: delivered once every copy was accepted."""
        refused = next((posting for posting in postings if not posting.is_accepted), None)
        shown = postings[-1] if refused is None else refused
        row = tx.find("SELECT status, attempts FROM delivery WHERE event_seq = ?", event_seq)
        if row is None:
            return
        attempts = row["attempts"] + 1
        status: str = row["status"]
        if refused is None:
            status = "delivered"
        elif status == "pending" and attempts >= self._settings.retry_attempts:
            status = "failed"
            log.warning("webhooks.given_up", event_id=shown.event_id, attempts=attempts)
        wait = retry_wait_seconds(attempts, base_seconds=self._settings.retry_base_seconds)
        tx.execute(
            "UPDATE delivery SET status = ?, attempts = ?, last_http_status = ?, last_error = ?,"
            " next_attempt_at = ?, delivered_at = CASE WHEN ? THEN ? ELSE delivered_at END"
            " WHERE event_seq = ?",
            status,
            attempts,
            shown.http_status,
            shown.error,
            timestamps.to_text(tx.now + timedelta(seconds=wait)),
            refused is None,
            tx.now_text,
            event_seq,
        )


def retry_wait_seconds(attempts: int, *, base_seconds: float) -> float:
    """Return the wait after ``attempts`` failed ones: base, 2 x base, 4 x base ... +- 20 %."""
    doubled = base_seconds * 2.0 ** min(attempts - 1, 30)
    return min(doubled, MAX_WAIT_SECONDS) * random.uniform(0.8, 1.2)


def _direction(behaviour: WebhookBehaviour) -> str:
    return "DESC" if behaviour.order == "reversed" else "ASC"


def _find_due(tx: Transaction) -> tuple[list[Parcel], datetime | None]:
    """Return what is due, in order, and when the next falls due after that."""
    behaviour = get_behaviour(tx, WebhookBehaviour)
    if behaviour.paused or not tx.sends_webhooks:
        return [], None
    due = tx.list(
        "SELECT delivery.event_seq, event.* FROM delivery JOIN event ON event.seq = event_seq"
        " WHERE delivery.status = 'pending' AND next_attempt_at <= ?"
        f" ORDER BY event_seq {_direction(behaviour)} LIMIT ?",
        tx.now_text,
        BATCH,
    )
    later = tx.find(
        "SELECT min(next_attempt_at) AS at FROM delivery"
        " WHERE status = 'pending' AND next_attempt_at > ?",
        tx.now_text,
    )
    next_at = later["at"] if later is not None else None
    return (
        [_parcel(row, behaviour) for row in due],
        None if next_at is None else timestamps.from_text(next_at),
    )


def _list_pending(tx: Transaction) -> list[int]:
    direction = _direction(get_behaviour(tx, WebhookBehaviour))
    rows = tx.list(
        f"SELECT event_seq FROM delivery WHERE status = 'pending' ORDER BY event_seq {direction}"
    )
    return [row["event_seq"] for row in rows]


def _find_parcel(tx: Transaction, event_seq: int, *, forced: bool, again: bool) -> Parcel | None:
    """Return the event if it is still to be sent; paused only by hand, delivered only again."""
    behaviour = get_behaviour(tx, WebhookBehaviour)
    row = tx.find(
        "SELECT event.*, delivery.event_seq, delivery.status FROM delivery"
        " JOIN event ON event.seq = event_seq WHERE event_seq = ?",
        event_seq,
    )
    if row is None or not tx.sends_webhooks or (behaviour.paused and not forced):
        return None
    if row["status"] != "pending" and not again:
        return None
    return _parcel(row, behaviour)


def _get_delivery(tx: Transaction, event_id: str) -> int:
    row = tx.find(
        "SELECT event.seq, delivery.event_seq FROM event"
        " LEFT JOIN delivery ON delivery.event_seq = event.seq WHERE event.id = ?",
        event_id,
    )
    if row is None:
        raise not_found("event", event_id, field="event_id")
    if row["event_seq"] is None or not tx.sends_webhooks:
        raise conflict("no_webhook", "No webhook_url is set for this event.", field="event_id")
    event_seq: int = row["event_seq"]
    return event_seq


def _parcel(row: sqlite3.Row, behaviour: WebhookBehaviour) -> Parcel:
    return Parcel(
        event_seq=row["event_seq"],
        event_id=row["id"],
        event_type=row["type"],
        payment_intent_id=row["payment_intent_id"],
        body=row["body"].encode(),
        copies=behaviour.copies,
    )
