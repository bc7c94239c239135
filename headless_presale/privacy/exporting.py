"""A copy of what is known of a customer: asked for by himself, written by a job, fetched by a link.

It lies in pieces, so that neither who writes it nor who sends it ever holds all of it.

Erasing holds the customer while it looks: a copy is either there to be erased, or never finished.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

import asyncpg

from headless_presale.customers import (
    Customer,
    CustomerPrincipal,
    export_link,
    export_token,
    lock_customer,
)
from headless_presale.kernel import clock
from headless_presale.kernel.batches import in_batches
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import hash_secret, new_id
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.locales import read_locale
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.notifications import AccountMailKind
from headless_presale.notifications.formats import one_line
from headless_presale.notifications.writing import write_message
from headless_presale.privacy.document import compose
from headless_presale.privacy.errors import ExportTooSoon
from headless_presale.shops import get_shop_by_id, mail_locale, shop_name

VALID_FOR = timedelta(hours=24)
"""How long a copy can be fetched, and how long a job may take to write it."""
PAUSE = timedelta(hours=1)
"""Between two copies for one customer: each reads all of his orders."""
AT_ONCE = 100
"""How many are forgotten in one transaction: each may be of megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A copy, without what is in it. ``expires_at`` moves on when it is ready."""

    id: UUID
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime

    @property
    def url(self) -> str | None:
        """Where it is fetched; None as long as it is not ready."""
        return None if self.ready_at is None else export_link(self.id)


@shielded
async def request_export(principal: CustomerPrincipal, *, locale: str | None = None) -> Export:
    """Have a copy made of what is known of a customer, and the link mailed when it is ready.

    Args:
        locale: of the mail; None: his own.

    Raises:
        ExportTooSoon: the one before was asked for within the hour.
        InvalidInput: this is no language.
        SessionEnded: see ``lock_customer``.
    """
    customer = principal.customer
    language = customer.locale if locale is None else read_locale(locale, ("locale",))
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        last = await _find_last(customer.id)
        at = clock.now()
        if last is not None and at < last.asked_at + PAUSE:
            wait = last.asked_at + PAUSE - at
            raise ExportTooSoon(
                retry_at=last.asked_at + PAUSE, minutes=ceil(wait / timedelta(minutes=1))
            )
        export = Export(id=new_id(), asked_at=at, ready_at=None, expires_at=at + VALID_FOR)
        await work.execute(
            "INSERT INTO personal_data_export "
            "(id, customer_id, shop_id, locale, token_hash, asked_at, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            export.id,
            customer.id,
            customer.shop_id,
            language,
            hash_secret(export_token(export.id)),
            export.asked_at,
            export.expires_at,
        )
        reach("privacy.export_asked")
        await defer("privacy:write_export", export_id=str(export.id))
    return export


@shielded
async def find_export(customer_id: UUID) -> Export | None:
    """Return the copy that a customer asked for last, as long as it has not expired."""
    last = await _find_last(customer_id)
    return last if last is not None and clock.now() < last.expires_at else None


async def _find_last(customer_id: UUID) -> Export | None:
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT id, asked_at, ready_at, expires_at FROM personal_data_export "
            "WHERE customer_id = $1 ORDER BY asked_at DESC, id DESC LIMIT 1",
            customer_id,
        )
    return None if row is None else Export(**dict(row))


async def write_export(export_id: UUID) -> None:
    """Write a copy that was asked for, and the mail that says so. Safe to repeat and to race.

    Each piece is read and kept in transactions of its own. None can be fetched before the last
    one is kept; that is when the customer is looked for again.
    """
    asked = await _find_unwritten(export_id)
    if asked is None:
        return
    customer = await _read_customer(asked["customer_id"])
    if customer is None:
        return
    attempt, number = new_id(), 0
    async with aclosing(compose(customer)) as pieces:
        async for piece in pieces:
            if not await _keep_piece(export_id, attempt, number, piece):
                break
            number += 1
    await _finish(asked, customer, attempt)


@shielded
async def _find_unwritten(export_id: UUID) -> asyncpg.Record | None:
    async with unit_of_work() as work:
        return await work.fetchrow(
            "SELECT id, customer_id, shop_id, locale, asked_at FROM personal_data_export "
            "WHERE id = $1 AND ready_at IS NULL AND expires_at > $2",
            export_id,
            clock.now(),
        )


@shielded
async def _read_customer(customer_id: UUID) -> Customer | None:
    async with unit_of_work():
        return await Customer.get_or_none(id=customer_id)


# Shared: whoever comes to the end first knows all that others have kept, and takes it away.
_KEEP_PIECE = """
INSERT INTO personal_data_export_piece (export_id, attempt, number, content)
SELECT id, $2, $3, $4 FROM personal_data_export
WHERE id = $1 AND ready_at IS NULL AND expires_at > $5 FOR SHARE
"""
# The link to the one before ends with it: there is one copy of anybody.
_FINISH = """
WITH older AS (
    DELETE FROM personal_data_export WHERE customer_id = $2 AND id <> $1 AND asked_at <= $3)
UPDATE personal_data_export SET attempt = $4, ready_at = $5, expires_at = $6
WHERE id = $1 AND ready_at IS NULL AND expires_at > $5
"""


@shielded
async def _keep_piece(export_id: UUID, attempt: UUID, number: int, content: bytes) -> bool:
    """Keep a piece; False where it is of no use any more: written by another one, or erased."""
    async with unit_of_work() as work:
        kept = await work.execute(_KEEP_PIECE, export_id, attempt, number, content, clock.now())
        reach("privacy.export_piece_kept")
    return kept == 1


@shielded
async def _finish(asked: asyncpg.Record, customer: Customer, attempt: UUID) -> None:
    """Have an attempt count that has kept all of its pieces, unless another one does."""
    shop = await get_shop_by_id(customer.shop_id)
    at = clock.now()
    async with unit_of_work() as work:
        await work.fetch("SELECT 1 FROM customer WHERE id = $1 FOR NO KEY UPDATE", customer.id)
        is_first = await work.execute(
            _FINISH, asked["id"], customer.id, asked["asked_at"], attempt, at, at + VALID_FOR
        )
        reach("privacy.export_written")
        await work.execute(
            "DELETE FROM personal_data_export_piece p USING personal_data_export e "
            "WHERE e.id = $1 AND p.export_id = e.id AND p.attempt <> e.attempt",
            asked["id"],
        )
        reach("privacy.export_tidied")
        if not is_first:
            return
        if customer.email is None:
            # He finds the link where he asked for it.
            return
        locale = mail_locale(shop, asked["locale"])
        await write_message(
            AccountMailKind.PERSONAL_DATA_READY,
            asked["id"],
            recipient=customer.email,
            locale=locale,
            context={
                "shop_id": str(shop.id),
                "shop_name": one_line(shop_name(shop, locale)),
                "recipient_name": one_line(customer.name),
                "expires_at": (at + VALID_FOR).isoformat(),
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A copy that can be fetched, without what is in it."""

    export_id: UUID
    attempt: UUID
    pieces: int
    size_bytes: int


@shielded
async def find_document(export_id: UUID, token: str) -> Document | None:
    """Return a copy by what its link carries; None for a wrong token as for what there is not."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT e.id AS export_id, e.attempt, count(*) AS pieces, "
            "sum(octet_length(p.content))::bigint AS size_bytes FROM personal_data_export e "
            "JOIN personal_data_export_piece p ON p.export_id = e.id AND p.attempt = e.attempt "
            "WHERE e.id = $1 AND e.token_hash = $2 AND e.expires_at > $3 GROUP BY e.id",
            export_id,
            hash_secret(token),
            clock.now(),
        )
    return None if row is None else Document(**dict(row))


async def read_document(document: Document) -> AsyncIterator[bytes]:
    """Yield a copy piece by piece.

    Raises:
        LookupError: it was erased, or a newer one took its place, on the way.
    """
    for number in range(document.pieces):
        yield await _read_piece(document, number)


@shielded
async def _read_piece(document: Document, number: int) -> bytes:
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT content FROM personal_data_export_piece "
            "WHERE export_id = $1 AND attempt = $2 AND number = $3",
            document.export_id,
            document.attempt,
            number,
        )
    if row is None:
        raise LookupError(f"copy {document.export_id} has ended")
    content: bytes = row["content"]
    return content


async def forget_exports() -> int:
    """Delete copies that have expired; return how many.

    In small transactions, so that nobody waits for it.
    """
    return await in_batches(_forget, size=AT_ONCE)


@shielded
async def _forget() -> int:
    async with unit_of_work() as work:
        return await work.execute(
            "WITH expired AS MATERIALIZED (SELECT id FROM personal_data_export "
            "WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) "
            "DELETE FROM personal_data_export AS export USING expired "
            "WHERE export.id = expired.id",
            clock.now(),
            AT_ONCE,
        )
