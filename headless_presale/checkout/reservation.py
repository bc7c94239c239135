"""A reservation: numbers that Redis gave out for one order, of one or several pools."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from headless_presale.campaigns import CampaignNotOpen, CampaignStatus
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.failpoints import reach
from headless_presale.payments import IdempotencyMismatch
from headless_presale.slots import (
    Admitted,
    AlreadyPlaced,
    OverLimit,
    PoolClosed,
    PoolUnknown,
    PurchaseLimitReached,
    SlotsSoldOut,
    SoldOut,
    admit,
    end_reservation,
    load_if_unknown,
    resync,
    settle,
)

log = structlog.get_logger(__name__)

_background: set[asyncio.Task[Any]] = set()


@dataclass(slots=True)
class Reservation:
    """The numbers of each pool. Settled or ended here; else the reconciler ends it."""

    id: UUID
    numbers: dict[UUID, tuple[int, ...]]

    def settle_soon(self) -> None:
        """Tell Redis that the order is committed, off the response path."""
        settle_all_soon([self])

    async def settle(self) -> None:
        """Tell Redis that the order is committed. Lost, the reconciler finds the order."""
        await _settle_all([self])

    async def end(self) -> None:
        """Let the database say how each pool's part ends; a twin request may own the order.

        Numbers that no order owns are given back. Lost, the reconciler does it.
        """
        for pool_id, numbers in self.numbers.items():
            try:
                await end_reservation(pool_id, self.id, numbers)
                reach("slots.reservation_ended")
            except Unavailable:
                log.info("checkout.end_postponed", order_id=str(self.id))

    async def exchange(self) -> None:
        """Give up numbers that the database refused, and make Redis learn what it missed."""
        await self.end()
        for pool_id in self.numbers:
            try:
                await resync(pool_id)
            except Unavailable:
                log.info("checkout.resync_postponed", pool_id=str(pool_id))


def settle_all_soon(reservations: Sequence[Reservation]) -> None:
    """Tell Redis that these orders are committed, off the response path."""
    task = asyncio.create_task(_settle_all(reservations), name="settle")
    _background.add(task)
    task.add_done_callback(_background.discard)


async def _settle_all(reservations: Sequence[Reservation]) -> None:
    of_pools: dict[UUID, list[UUID]] = {}
    for reservation in reservations:
        for pool_id in reservation.numbers:
            of_pools.setdefault(pool_id, []).append(reservation.id)
    for pool_id, ids in of_pools.items():
        try:
            await settle(pool_id, *ids)
            reach("slots.settled")
        except Unavailable:
            log.info("checkout.settle_postponed", pool_id=str(pool_id), orders=len(ids))


async def drain() -> None:
    """Wait for what was put off; called at shutdown."""
    if _background:
        await asyncio.wait(set(_background), timeout=2)


async def reserve(
    reservation_id: UUID, customer_id: UUID, quantities: Mapping[UUID, int]
) -> Reservation | None:
    """Reserve numbers of all these pools, or of none. One Redis call per pool.

    Returns:
        The reservation; None if an order of this reservation is in the database already.

    Raises:
        SlotsSoldOut, PurchaseLimitReached, CampaignNotOpen: nothing is reserved.
        IdempotencyMismatch: another request under this key is being placed.
        Unavailable: Redis does not answer.
    """
    reservation = Reservation(reservation_id, {})
    try:
        for pool_id in sorted(quantities):
            numbers = await _admit(pool_id, reservation_id, customer_id, quantities[pool_id])
            if numbers is None:
                await reservation.end()
                return None
            reservation.numbers[pool_id] = numbers
            reach("slots.reserved")
    except BaseException:
        await reservation.end()
        raise
    return reservation


async def _admit(
    pool_id: UUID, reservation_id: UUID, customer_id: UUID, quantity: int
) -> tuple[int, ...] | None:
    admission = await admit(pool_id, reservation_id, customer_id, quantity)
    if isinstance(admission, PoolUnknown):
        await load_if_unknown(pool_id)
        admission = await admit(pool_id, reservation_id, customer_id, quantity)
    match admission:
        case Admitted(numbers=numbers):
            if len(numbers) != quantity:
                # A twin under the same key wants another quantity, and is not finished.
                raise IdempotencyMismatch(field=("idempotencyKey",))
            return numbers
        case AlreadyPlaced():
            return None
        case SoldOut(remaining=remaining):
            raise SlotsSoldOut(pool_id=pool_id, remaining=remaining)
        case OverLimit(taken=taken, limit=limit):
            raise PurchaseLimitReached(pool_id=pool_id, limit=limit, taken=taken)
        case PoolClosed():
            raise CampaignNotOpen(status=str(CampaignStatus.CANCELLED))
        case PoolUnknown():
            raise Unavailable("redis")
