"""Buyers order, ask again, and change their minds."""

from collections.abc import Mapping
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headless_presale.checkout import drain, place_order
from headless_presale.checkout.reservation import Reservation, reserve
from headless_presale.kernel.errors import DomainError
from headless_presale.orders import (
    OrderView,
)
from headless_presale.slots import count_available
from tests.model.example import CUSTOMERS, NEVER_THERE, attempt, code_of, on_loop, pick, wishes
from tests.model.expectations import LEG_DUE, Wish
from tests.model.paying import PayingExample
from tests.model.world import GATEWAYS


class BuyingExample(PayingExample):
    """An example in which orders are placed."""

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        wish=wishes,
        is_cache_old=st.booleans(),
        death=st.sampled_from(["", "", "", "", "", "", "admitted", "committed"]),
        then=st.sampled_from(["", "started", "paid", "told", "told"]),
    )
    @on_loop
    async def place(
        self, customer: str, wish: Wish, is_cache_old: bool, death: str, then: str
    ) -> None:
        """A buyer orders under a new key and perhaps pays; the process may die on the way."""
        self.keys += 1
        if is_cache_old:
            self.world.recall(self.sale)
        if death == "admitted":
            await self._die_admitted(customer, f"key-{self.keys}", wish)
        elif death == "committed":
            self.is_redis_exact = False
            with patch.object(Reservation, "settle_soon", lambda _: None):
                await self._place(customer, f"key-{self.keys}", wish)
        else:
            await self._place(customer, f"key-{self.keys}", wish)
        order = self.model.orders.get((customer, f"key-{self.keys}"))
        if order is not None and then:
            await self._start(order, LEG_DUE[order.status], GATEWAYS[0], None, None, then)

    async def _die_admitted(self, customer: str, key: str, wish: Wish) -> None:
        if not self.model.is_selling:
            return
        quantities = {p: q for p, q in zip(self.pools, wish, strict=True) if q}
        reserved = await attempt(
            reserve(self._order_id(customer, key), self._customer_id(customer), quantities)
        )
        if not isinstance(reserved, DomainError):
            self.is_redis_exact = False
            self.unfinished.append((customer, key, wish))

    @precondition(lambda self: self.unfinished)
    @rule(which=pick)
    @on_loop
    async def finish(self, which: int) -> None:
        """A buyer whose request died asks again."""
        await self._place(*self.unfinished.pop(which % len(self.unfinished)))

    async def _place(self, customer: str, key: str, wish: Wish) -> None:
        outcome = await attempt(place_order(self._command(customer, key, wish)))
        await drain()
        if not self.model.is_selling:
            assert code_of(outcome) == "CAMPAIGN_NOT_OPEN", outcome
            return
        refusal = self.model.refusal_of(customer, wish)
        if self.is_redis_exact:
            assert code_of(outcome) == refusal, (outcome, refusal)
        elif refusal is not None:
            assert code_of(outcome) in NEVER_THERE, outcome
        if isinstance(outcome, DomainError):
            assert outcome.code in NEVER_THERE, outcome
            return
        self._write_down(outcome, customer, key, wish)

    def _write_down(self, view: OrderView, customer: str, key: str, wish: Wish) -> None:
        numbers: dict[int, tuple[int, ...]] = {}
        for line in view.lines:
            pool = self.pools.index(line.pool_id)
            assert pool not in numbers
            numbers[pool] = line.numbers
            free = self.model.free(pool)
            assert set(line.numbers) <= set(free), (line.numbers, free)
            if self.is_redis_exact:
                assert sorted(line.numbers) == free[: wish[pool]], "the lowest come first"
        assert tuple(len(numbers.get(pool, ())) for pool in range(len(wish))) == wish
        order = self.model.place(view.id, customer, key, wish, numbers)
        assert (view.total.amount_minor, view.deposit.amount_minor, view.status) == (
            order.total_minor,
            order.deposit_minor,
            order.status,
        )
        assert view.id == self._order_id(customer, key)
        assert {line.ships_by for line in view.lines} == set(order.promised.values())

    @precondition(lambda self: self.model.orders)
    @rule(which=pick, other=st.sampled_from(["", "", "name", "wish"]), wish=wishes)
    @on_loop
    async def repeat(self, which: int, other: str, wish: Wish) -> None:
        """A buyer's request comes again under its key, with the same body or another."""
        (customer, key), order = self._at(which, list(self.model.orders.items()))
        is_same = not other or (other == "wish" and wish == order.wish)
        command = self._command(
            customer,
            key,
            wish if other == "wish" else order.wish,
            name="Mei" if other == "name" else "Lin",
        )
        outcome = await attempt(place_order(command))
        await drain()
        is_known = self.is_redis_exact and order.is_owner
        if is_same and not is_known and isinstance(outcome, DomainError):
            # A Redis that does not know the key's order asks the pools first.
            assert outcome.code in NEVER_THERE, outcome
        elif is_same:
            assert isinstance(outcome, OrderView), (outcome, order)
            assert (outcome.id, outcome.status) == (order.id, order.status)
            named = {self.pools.index(line.pool_id): line.numbers for line in outcome.lines}
            assert _sorted(named) == _sorted(order.numbers)
        else:
            # Either way a "no": the pools are asked first and may not know the key's order.
            assert code_of(outcome) in {"IDEMPOTENCY_MISMATCH", *NEVER_THERE}, outcome

    async def _look(self) -> None:
        """A storefront asks how many are left."""
        counts = await count_available(self.pools)
        if self.is_redis_exact:
            for pool, pool_id in enumerate(self.pools):
                assert counts[pool_id] == len(self.model.free(pool))


def _sorted(numbers: Mapping[int, tuple[int, ...]]) -> dict[int, list[int]]:
    return {pool: sorted(named) for pool, named in numbers.items()}
