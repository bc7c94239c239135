"""Ending a reservation whose outcome Redis does not know: the database says how."""

from collections.abc import Sequence
from uuid import UUID

from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.slots import admission


async def end_reservation(pool_id: UUID, reservation_id: UUID, numbers: Sequence[int]) -> bool:
    """Settle a reservation whose order owns slots of the pool, else give its numbers back.

    A number that an order owns, or that was taken away, is never offered again. Safe to repeat.

    Returns:
        Whether there is an order.

    Raises:
        Unavailable: Redis or the database does not answer; the reconciler ends it later.
    """
    found = await _find_slots(pool_id, reservation_id, numbers)
    has_order = reservation_id in found.values()
    unfree = [number for number in numbers if found.get(number, reservation_id) is not None]
    if not has_order or len(unfree) < len(numbers):
        # Without an order, or with one that took other numbers while Redis did not answer.
        await admission.abort(pool_id, reservation_id, unfree=unfree)
        reach("slots.returned_unowned")
    if has_order:
        await admission.settle(pool_id, reservation_id)
    # Whoever owns a number that Redis gave to somebody else is an order that Redis never heard of.
    strangers = {owner for owner in found.values() if owner not in (None, reservation_id)}
    await admission.add_owners(pool_id, filter(None, strangers))
    return has_order


@shielded
async def _find_slots(
    pool_id: UUID, reservation_id: UUID, numbers: Sequence[int]
) -> dict[int, UUID | None]:
    """Return the owners of these numbers and of the reservation's own, by number.

    A free number has none; a number that does not exist is left out.
    """
    async with unit_of_work() as work:
        rows = await work.fetch(
            "SELECT number, order_id FROM slot WHERE pool_id = $1 AND number = ANY($2::int[]) "
            "UNION SELECT number, order_id FROM slot WHERE order_id = $3 AND pool_id = $1",
            pool_id,
            list(numbers),
            reservation_id,
        )
    return {row["number"]: row["order_id"] for row in rows}
