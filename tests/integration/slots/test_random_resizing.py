"""Any history of orders and changed caps: what Redis is told is what the database has free."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from headless_presale.kernel.ids import new_id
from headless_presale.slots import (
    Admitted,
    CapacityBelowSold,
    SoldOut,
    admit,
    count_available,
    end_reservation,
    load_if_unknown,
    reconcile_pool,
    resync,
    settle,
)
from tests.integration.slots.pools import (
    disown,
    extend,
    make_pool,
    offered_by,
    own,
    refill,
    shrink,
    slots_of,
)

pytestmark = pytest.mark.usefixtures("database", "redis")

CUSTOMER = UUID(int=1)
FIRST_CAPACITY = 5

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["buy", "buy", "reserve", "give up", "release", "lower", "raise", "add batch", "wipe"]
        ),
        st.integers(1, 5),
    ),
    min_size=4,
    max_size=25,
)


@dataclass
class History:
    """One pool, what it should be, and what was done to it."""

    redis: Redis
    admin: asyncpg.Connection
    pool_id: UUID
    slots: dict[int, UUID | None] = field(
        default_factory=lambda: dict.fromkeys(range(1, FIRST_CAPACITY + 1))
    )
    last: int = FIRST_CAPACITY
    pending: dict[UUID, tuple[int, ...]] = field(default_factory=dict)

    @property
    def free(self) -> list[int]:
        return sorted(number for number, owner in self.slots.items() if owner is None)

    @property
    def offered(self) -> list[int]:
        held = {number for numbers in self.pending.values() for number in numbers}
        return [number for number in self.free if number not in held]

    async def buy(self, quantity: int) -> None:
        order = await self._reserve(quantity)
        if order is not None:
            await own(self.pool_id, self.pending[order], order_id=order, customer=CUSTOMER)
            await settle(self.pool_id, order)
            self.slots |= dict.fromkeys(self.pending.pop(order), order)

    async def reserve(self, quantity: int) -> None:
        await self._reserve(quantity)

    async def _reserve(self, quantity: int) -> UUID | None:
        order, wanted = new_id(), self.offered[:quantity]
        answer = await admit(self.pool_id, order, CUSTOMER, quantity)
        if len(wanted) < quantity:
            assert answer == SoldOut(remaining=len(wanted))
            return None
        assert answer == Admitted(tuple(wanted), is_repeat=False)
        self.pending[order] = tuple(wanted)
        return order

    async def give_up(self, which: int) -> None:
        if self.pending:
            order = list(self.pending)[which % len(self.pending)]
            assert not await end_reservation(self.pool_id, order, self.pending.pop(order))

    async def release(self, which: int) -> None:
        owners = sorted({owner for owner in self.slots.values() if owner is not None})
        if owners:
            order = owners[which % len(owners)]
            await disown(order, CUSTOMER)
            self.slots |= {n: None for n, owner in self.slots.items() if owner == order}

    async def lower(self, by: int) -> None:
        to = len(self.slots) - by
        spare = self.free[-by:]
        if len(spare) < by:
            with pytest.raises(CapacityBelowSold):
                await shrink(self.pool_id, to=to)
        else:
            await shrink(self.pool_id, to=to)
            for number in spare:
                del self.slots[number]

    async def raise_(self, by: int) -> None:
        missing = [n for n in range(1, self.last + 1) if n not in self.slots][:by]
        assert await refill(self.pool_id, by=by, up_to=self.last) == len(missing)
        self.slots |= dict.fromkeys(missing)
        if rest := by - len(missing):
            await self.add_batch(rest)

    async def add_batch(self, size: int) -> None:
        self.last = await extend(self.pool_id, by=size, behind=self.last)
        self.slots |= dict.fromkeys(range(self.last - size + 1, self.last + 1))

    async def wipe(self, _: int) -> None:
        await self.redis.flushdb()
        self.pending.clear()
        await load_if_unknown(self.pool_id)

    async def play(self, steps: list[tuple[str, int]]) -> None:
        for step, size in steps:
            await getattr(self, "raise_" if step == "raise" else step.replace(" ", "_"))(size)
            await self.check()
        before = await offered_by(self.redis, self.pool_id)
        await resync(self.pool_id)
        assert await offered_by(self.redis, self.pool_id) == before
        assert (await reconcile_pool(self.pool_id)).total == 0

    async def check(self) -> None:
        found = await slots_of(self.admin, self.pool_id)
        assert found == dict(sorted(self.slots.items()))
        assert await offered_by(self.redis, self.pool_id) == self.offered
        assert await count_available([self.pool_id]) == {self.pool_id: len(self.offered)}


async def test_redis_offers_what_is_free_whatever_is_done_to_a_pool(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    loop = asyncio.get_running_loop()
    played = 0

    def within_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), loop).result(30)

    @seed(11)
    @settings(max_examples=60, deadline=None, database=None)
    @given(steps=STEPS)
    def histories(steps: list[tuple[str, int]]) -> None:
        async def play() -> None:
            nonlocal played
            await redis.flushdb()
            await History(redis, database_admin, await make_pool(FIRST_CAPACITY)).play(steps)
            played += 1

        within_loop(play)

    # Hypothesis waits in a thread of its own while the loop works.
    await asyncio.to_thread(histories)

    assert played >= 60
