"""Carts: made, filled, changed, emptied. The last write of a line counts; nothing has a version."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from headless_presale.campaigns import CampaignNotOpen, ItemNotFound
from headless_presale.carts.errors import (
    CartLineNotFound,
    CartNotFound,
    CurrencyMismatch,
    PriceChanged,
)
from headless_presale.carts.reading import (
    LINES,
    QuotedCart,
    QuotedLine,
    StoredCart,
    StoredLine,
    find_cart,
    quote_cart,
    quote_lines,
    read_cart,
)
from headless_presale.carts.rules import (
    SELLING,
    PricedUnits,
    check_line_count,
    check_quantity,
    keep_shown,
)
from headless_presale.customers import SessionEnded
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

CART_LIFETIME = timedelta(days=30)
"""How long a cart lives that nobody changes."""

_PUT = """
INSERT INTO cart_line (id, cart_id, item_id, quantity, shown) VALUES ($1, $2, $3, $4, $5::jsonb)
ON CONFLICT (cart_id, item_id) DO UPDATE SET quantity = excluded.quantity, shown = excluded.shown
"""
# Not over a line that has been changed since it was priced.
_ACCEPT = """
UPDATE cart_line AS l SET shown = seen.shown::jsonb
FROM unnest($2::uuid[], $3::int[], $4::text[]) AS seen(item_id, quantity, shown)
WHERE l.cart_id = $1 AND l.item_id = seen.item_id AND l.quantity = seen.quantity
"""


@dataclass(frozen=True, slots=True)
class CartKey:
    """A cart and whose it is: a customer's, or nobody's as long as ``customer_id`` is None.

    Whoever asks has shown the cart's token, or is that customer.
    """

    cart_id: UUID
    customer_id: UUID | None = None


@contextmanager
def customer_still_there() -> Iterator[None]:
    """Refuse to give a cart to somebody who has just been forgotten.

    Raises:
        SessionEnded: the customer is no more.
    """
    try:
        yield
    except asyncpg.ForeignKeyViolationError:
        raise SessionEnded() from None


@shielded
async def create_cart(shop_id: UUID, currency: str, *, customer_id: UUID | None) -> StoredCart:
    """Make a guest's cart, or return the one that a customer has, made if there is none.

    Raises:
        SessionEnded: the customer is no more.
    """
    at = clock.now()
    with customer_still_there():
        async with unit_of_work() as work:
            return await _create(work, shop_id, currency, customer_id, at)


async def _create(
    work: UnitOfWork, shop_id: UUID, currency: str, customer_id: UUID | None, at: datetime
) -> StoredCart:
    if customer_id is not None:
        await work.lock("carts-of", customer_id)
        await work.execute(
            "DELETE FROM cart WHERE customer_id = $1 AND expires_at <= $2", customer_id, at
        )
        reach("carts.ended_one_gone")
    row = await work.fetchrow(
        "INSERT INTO cart (id, shop_id, customer_id, currency, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (customer_id) "
        "WHERE customer_id IS NOT NULL DO UPDATE SET expires_at = excluded.expires_at "
        "RETURNING id",
        new_id(),
        shop_id,
        customer_id,
        currency,
        at,
        at + CART_LIFETIME,
    )
    assert row is not None
    reach("carts.made")
    return await read_in(work, row["id"])


async def put_line(key: CartKey, item_id: UUID, quantity: int, *, must_exist: bool) -> StoredCart:
    """Let a cart have so many of an item, however many it had before. Safe to repeat.

    Args:
        must_exist: whether a line that is not there is refused, instead of added.

    Raises:
        CartNotFound: there is none, or it is somebody else's.
        CartLineNotFound: ``must_exist``, and there is none.
        ItemNotFound: the shop offers no such item.
        CampaignNotOpen: its campaign is over.
        CurrencyMismatch: it is not priced in the cart's currency.
        InvalidInput: the quantity, or one line more, is out of range.
    """
    check_quantity(quantity, ("quantity",))
    (quoted,) = await quote_lines([StoredLine(item_id, quantity, ())], at=clock.now())
    return await _put_line(key, quoted, must_exist=must_exist)


@shielded
async def _put_line(key: CartKey, quoted: QuotedLine, *, must_exist: bool) -> StoredCart:
    item_id = quoted.stored.item_id
    async with unit_of_work() as work:
        cart = await touch(work, key)
        before = next((line for line in cart.lines if line.item_id == item_id), None)
        if before is None and must_exist:
            raise CartLineNotFound(field=("campaignItemId",))
        _check_offer(quoted, cart)
        check_line_count(len(cart.lines) + (before is None), ("cartId",))
        known = before.shown if before is not None else ()
        # Of what is sold out there is no price to be shown.
        shown = keep_shown(known, quoted.units) if quoted.units else known
        line = StoredLine(item_id, quoted.stored.quantity, shown)
        await work.execute(_PUT, new_id(), cart.id, item_id, line.quantity, to_json(shown))
        reach("carts.line_written")
    return replace(_with_line(cart, line), added=item_id if before is None else None)


def _check_offer(quoted: QuotedLine, cart: StoredCart) -> None:
    campaign, field = quoted.campaign, ("campaignItemId",)
    if campaign is None or campaign.shop_id != cart.shop_id:
        raise ItemNotFound(field=field)
    status = campaign.status(clock.now())
    if status not in SELLING:
        raise CampaignNotOpen(status=str(status), field=field)
    if campaign.currency != cart.currency:
        raise CurrencyMismatch(field=field)


def _with_line(cart: StoredCart, line: StoredLine) -> StoredCart:
    lines = {known.item_id: known for known in cart.lines} | {line.item_id: line}
    return replace(cart, lines=tuple(lines.values()))


@shielded
async def remove_line(key: CartKey, item_id: UUID) -> StoredCart:
    """Take an item out of a cart. Safe to repeat: what is not there is gone.

    Raises:
        CartNotFound: there is none, or it is somebody else's.
    """
    async with unit_of_work() as work:
        cart = await touch(work, key)
        await work.execute(
            "DELETE FROM cart_line WHERE cart_id = $1 AND item_id = $2", cart.id, item_id
        )
        reach("carts.line_removed")
    return replace(cart, lines=tuple(line for line in cart.lines if line.item_id != item_id))


async def accept_prices(key: CartKey, *, expected_total_minor: int | None) -> StoredCart:
    """Take note that the buyer has seen what his cart costs now. Safe to repeat.

    Args:
        expected_total_minor: the total he has seen, where given; another one is refused.

    Raises:
        CartNotFound: there is none, or it is somebody else's.
        PriceChanged: it costs something else by now.
    """
    stored = await find_cart(key.cart_id, customer_id=key.customer_id)
    if stored is None:
        raise CartNotFound(field=("cartId",))
    quoted = await quote_cart(stored, at=clock.now())
    total = quoted.total
    if expected_total_minor is not None and expected_total_minor != total.amount_minor:
        raise PriceChanged(total=str(total), money=total, field=("expectedTotalMinor",))
    return await _accept(key, quoted)


@shielded
async def _accept(key: CartKey, quoted: QuotedCart) -> StoredCart:
    seen = [line for line in quoted.lines if line.units]
    async with unit_of_work() as work:
        await _touch_row(work, key)
        await work.execute(
            _ACCEPT,
            key.cart_id,
            [line.stored.item_id for line in seen],
            [line.stored.quantity for line in seen],
            [to_json(line.units) for line in seen],
        )
        reach("carts.prices_accepted")
        return await read_in(work, key.cart_id)


async def touch(work: UnitOfWork, key: CartKey) -> StoredCart:
    """Lock a cart until the transaction ends and let it live on; return it as it is then.

    Raises:
        CartNotFound: there is none, or it is somebody else's.
    """
    await _touch_row(work, key)
    return await read_in(work, key.cart_id)


async def _touch_row(work: UnitOfWork, key: CartKey) -> None:
    at = clock.now()
    touched = await work.execute(
        "UPDATE cart SET expires_at = $4 "
        "WHERE id = $1 AND customer_id IS NOT DISTINCT FROM $2 AND expires_at > $3",
        key.cart_id,
        key.customer_id,
        at,
        at + CART_LIFETIME,
    )
    if not touched:
        raise CartNotFound(field=("cartId",))
    reach("carts.touched")


async def read_in(work: UnitOfWork, cart_id: UUID) -> StoredCart:
    """Return a cart that is there, and that this transaction has locked."""
    # A statement of its own, after the lock: what others did while it was waited for is in it.
    row = await work.fetchrow(f"SELECT c.*, {LINES} FROM cart c WHERE c.id = $1", cart_id)
    return read_cart(row)


def to_json(units: Sequence[PricedUnits]) -> str:
    """Return what a line was shown at as it is stored."""
    return to_jsonb([part.to_json() for part in units])
