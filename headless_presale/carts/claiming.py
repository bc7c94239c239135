"""A guest's cart becomes a customer's."""

from uuid import UUID

from headless_presale.carts.errors import CartNotFound, CurrencyMismatch
from headless_presale.carts.reading import StoredCart, StoredLine
from headless_presale.carts.rules import check_line_count
from headless_presale.carts.service import CartKey, customer_still_there, read_in, to_json, touch
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

_MOVE_IN = """
INSERT INTO cart_line (id, cart_id, item_id, quantity, shown)
SELECT l.id, $1, l.item_id, l.quantity, l.shown::jsonb
FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[]) AS l(id, item_id, quantity, shown)
ON CONFLICT (cart_id, item_id) DO UPDATE SET quantity = excluded.quantity, shown = excluded.shown
"""


@shielded
async def claim_cart(cart_id: UUID, customer_id: UUID, shop_id: UUID) -> StoredCart:
    """Give a guest's cart to a customer; what his own has is moved into it, and that one goes.

    Of an item in both the larger quantity counts, with what that was shown at. So it is safe to
    repeat: the cart that was claimed is his, whatever he had before. Whoever asks has shown its
    token, which opens it no longer.

    Raises:
        CartNotFound: there is none in this shop, or it is another customer's.
        CurrencyMismatch: his own is priced in another currency.
        SessionEnded: the customer is no more.
        InvalidInput: together they have more lines than a cart may have.
    """
    with customer_still_there():
        async with unit_of_work() as work:
            return await _claim(work, cart_id, customer_id, shop_id)


async def _claim(work: UnitOfWork, cart_id: UUID, customer_id: UUID, shop_id: UUID) -> StoredCart:
    await work.lock("carts-of", customer_id)
    row = await work.fetchrow(
        "SELECT customer_id FROM cart WHERE id = $1 AND shop_id = $2 "
        "AND (customer_id IS NULL OR customer_id = $3)",
        cart_id,
        shop_id,
        customer_id,
    )
    if row is None:
        raise CartNotFound(field=("cartId",))
    claimed = await touch(work, CartKey(cart_id, row["customer_id"]))
    if row["customer_id"] is not None:
        return claimed
    own = await work.fetchrow("SELECT id FROM cart WHERE customer_id = $1 FOR UPDATE", customer_id)
    moved: list[StoredLine] = []
    if own is not None:
        moved = _to_move(claimed, await read_in(work, own["id"]))
        await work.execute("DELETE FROM cart WHERE id = $1", own["id"])
        reach("carts.own_one_gone")
    await work.execute("UPDATE cart SET customer_id = $2 WHERE id = $1", cart_id, customer_id)
    reach("carts.claimed")
    if moved:
        await work.execute(
            _MOVE_IN,
            cart_id,
            [new_id() for _ in moved],
            [line.item_id for line in moved],
            [line.quantity for line in moved],
            [to_json(line.shown) for line in moved],
        )
        reach("carts.lines_moved")
    return await read_in(work, cart_id)


def _to_move(claimed: StoredCart, own: StoredCart) -> list[StoredLine]:
    """Return the lines of a customer's own cart that the claimed one is to have."""
    if own.expires_at <= clock.now() or not own.lines:
        return []
    if own.currency != claimed.currency:
        raise CurrencyMismatch(field=("cartId",))
    there = {line.item_id: line.quantity for line in claimed.lines}
    check_line_count(len({*there, *(line.item_id for line in own.lines)}), ("id",))
    return [line for line in own.lines if line.quantity > there.get(line.item_id, 0)]
