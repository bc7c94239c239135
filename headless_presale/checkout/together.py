"""Group commit: orders that are ready at about the same time share one transaction.

A transaction is six round trips to the database and one wait for its disk, however many orders it
writes. Who finds one free commits by himself, at once. While all are under way, who comes waits,
and those who wait are shared out to the next.

Each order still stands for itself. What the database refuses of one undoes the transaction, nothing
of anybody is kept, and each is then tried by itself, which tells everybody his own answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil
from weakref import WeakKeyDictionary

import structlog

from headless_presale.checkout.reservation import Reservation, settle_all_soon
from headless_presale.kernel import metrics
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.orders import NewOrder, Rider, write_orders
from headless_presale.slots import PoolOrder, claim_all, take_quotas

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""Transactions under way before others wait: the database works for one, we for another."""
FEW, MOST = 8, 64
"""Orders of one transaction: no more than are shared out, unless they are few, and never more."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An order that is priced, with the numbers reserved for it.

    Attributes:
        rider: what is changed with it; such an order goes alone.
    """

    new: NewOrder
    pools: tuple[PoolOrder, ...]
    rider: Rider | None = None

    @property
    def reservation(self) -> Reservation:
        """The numbers, as Redis is told of them."""
        return Reservation(self.new.order.id, {pool.pool_id: pool.numbers for pool in self.pools})

    @property
    def marks(self) -> frozenset[object]:
        """What no two orders of one transaction may share: each row is written once."""
        order = self.new.order
        return frozenset((order.id, *((order.customer_id, pool.pool_id) for pool in self.pools)))


async def write(work: UnitOfWork, *ready: Ready) -> bool:
    """Write these orders, in four statements; see ``write_orders`` for what it tells.

    Raises:
        PurchaseLimitReached, SlotConflict: of one of them; nothing may be kept.
    """
    rider = ready[0].rider if len(ready) == 1 else None
    if not await write_orders(work, [each.new for each in ready], rider=rider):
        return False
    await take_quotas(
        work, [(each.new.order.customer_id, pool) for each in ready for pool in each.pools]
    )
    await claim_all(work, [(each.new.order.id, pool) for each in ready for pool in each.pools])
    return True


async def write_in_company(ready: Ready, alone: Callable[[], Awaitable[bool]]) -> bool:
    """Write an order in a transaction of its own, or in one with others; return whether it is.

    Args:
        alone: writes it in a transaction of its own; what that returns or raises is the answer,
            unless it was written with others.

    Raises:
        Unavailable: nobody knows whether it is written.
    """
    loop = asyncio.get_running_loop()
    line = _lines.get(loop)
    if line is None:
        line = _lines[loop] = _Line()
    return await line.write(ready, alone)


_Waiting = tuple[Ready, "asyncio.Future[bool]"]


class _Line:
    """Who waits, and how many transactions are under way."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, ready: Ready, alone: Callable[[], Awaitable[bool]]) -> bool:
        if ready.rider is None and self._under_way >= AT_ONCE:
            turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._waiting.append((ready, turn))
            if await turn:
                return True
        self._under_way += 1
        try:
            return await alone()
        finally:
            self._under_way -= 1
            self._let_go()

    def _let_go(self) -> None:
        while self._waiting and self._under_way < AT_ONCE:
            self._under_way += 1
            task = asyncio.create_task(self._write_together(self._take()), name="group-commit")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take(self) -> list[_Waiting]:
        # All at once would leave the next transaction none, and us nothing to do meanwhile: buyers
        # who are answered together come back together.
        most = min(max(ceil(len(self._waiting) / AT_ONCE), FEW), MOST)
        taken: list[_Waiting] = []
        left: list[_Waiting] = []
        marks: set[object] = set()
        for each in self._waiting:
            own = each[0].marks
            if len(taken) < most and marks.isdisjoint(own):
                marks |= own
                taken.append(each)
            else:
                left.append(each)
        self._waiting = left
        return taken

    async def _write_together(self, group: list[_Waiting]) -> None:
        metrics.ORDERS_TOGETHER.observe(len(group))
        answer: bool | Unavailable = False
        try:
            answer = await _commit([ready for ready, _ in group])
        except Unavailable as error:
            answer = error
        except Exception as error:
            # Whose it is shows when each is tried by itself.
            log.info("checkout.group_undone", orders=len(group), error=repr(error))
        except BaseException:
            for _, turn in group:
                turn.cancel()
            raise
        finally:
            self._under_way -= 1
            self._let_go()
        for _, turn in group:
            if turn.done():
                continue
            if isinstance(answer, Unavailable):
                turn.set_exception(Unavailable(answer.part))
            else:
                turn.set_result(answer)


class _NotAll(Exception):
    """One of them is not written: all of it is to be undone."""


@shielded
async def _commit(group: list[Ready]) -> bool:
    async with unit_of_work() as work:
        if not await write(work, *group):
            raise _NotAll
    settle_all_soon([ready.reservation for ready in group])
    return True


_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()
