"""Buyers order, ask again, and change their minds."""

from collections.abc import Mapping
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from headless_presale.audits import Acknowledged
from headless_presale.checkout import drain, place_order
from headless_presale.checkout.reservation import Reservation, reserve
from headless_presale.kernel.errors import DomainError
from headless_presale.orders import (
    OrderView,
)
from headless_presale.slots import count_available
from tests.model.example import CUSTOMERS, NEVER_THERE, code_of, on_loop, pick, wishes
from tests.model.expectations import LEG_DUE, Wish
from tests.model.paying import PayingExample
from tests.model.world import GATEWAYS, PLANS


class BuyingExample(PayingExample):
    """An example in which orders are placed."""

    @initialize(
        plan=st.sampled_from(sorted(PLANS)),
        first=st.lists(
            st.tuples(
                st.sampled_from(CUSTOMERS), wishes, st.sampled_from(["", "told", "told", "dies"])
            ),
            max_size=3,
        ),
        is_redis_older=st.sampled_from([False, False, False, True]),
    )
    @on_loop
    async def open(
        self, plan: str, first: list[tuple[str, Wish, str]], is_redis_older: bool
    ) -> None:
        """A sale opens and has its first orders; perhaps Redis forgets them, and one more comes.

        What else takes luck to come by happens here in many examples: money that has come in, a
        process that died between Redis and the database, numbers given out a second time.
        """
        await self._open(plan)
        for customer, wish, then in first:
            if then == "dies":
                await self._buy(customer, wish, "", death="admitted")
            else:
                await self._buy(customer, wish, then)
        if is_redis_older:
            await self._bring_redis_back()
            await self._buy(CUSTOMERS[-1], (1, 1), "")

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
        if is_cache_old and self.model.now < self.sale.campaign.closes_at:
            # A cache is a second old at most: it does not outlast the close that it knows.
            self.world.recall(self.sale)
        await self._buy(customer, wish, then, death=death)

    async def _buy(self, customer: str, wish: Wish, then: str, *, death: str = "") -> None:
        self.keys += 1
        key = f"key-{self.keys}"
        if death == "admitted":
            await self._die_admitted(customer, key, wish)
        elif death == "committed":
            self.is_redis_exact = False
            with patch.object(Reservation, "settle_soon", lambda _: None):
                await self._place(customer, key, wish)
        else:
            await self._place(customer, key, wish)
        order = self.model.orders.get((customer, key))
        if order is not None and then:
            await self._start(order, LEG_DUE[order.status], GATEWAYS[0], None, None, then)

    @rule(customer=st.sampled_from(CUSTOMERS), wish=wishes)
    @on_loop
    async def buy_of_an_older_redis(self, customer: str, wish: Wish) -> None:
        """Redis comes back as it was at the opening, and a buyer orders at once."""
        await self._bring_redis_back()
        await self._buy(customer, wish, "")

    async def _bring_redis_back(self) -> None:
        await self.world.restore_redis(self.saved)
        self.is_redis_exact = False

    async def _die_admitted(self, customer: str, key: str, wish: Wish) -> None:
        if not self.model.is_selling:
            return
        quantities = {p: q for p, q in zip(self.pools, wish, strict=True) if q}
        reserved = await self._attempt(
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
        outcome = await self._attempt(place_order(self._command(customer, key, wish)))
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
        self._acknowledge(view, customer, key)

    def _acknowledge(self, view: OrderView, customer: str, key: str) -> None:
        self.told.append(
            Acknowledged(
                order_id=view.id,
                shop_id=view.shop_id,
                email=customer,
                idempotency_key=key,
                total_minor=view.total.amount_minor,
                numbers={line.item_id: line.numbers for line in view.lines},
            )
        )

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
        outcome = await self._attempt(place_order(command))
        await drain()
        is_known = self.is_redis_exact and order.is_owner
        if is_same and not is_known and isinstance(outcome, DomainError):
            # A Redis that does not know the key's order may find that all are sold, and that is
            # told without a look at the database.
            assert outcome.code == "SLOTS_SOLD_OUT", outcome
        elif is_same:
            assert isinstance(outcome, OrderView), (outcome, order)
            assert (outcome.id, outcome.status) == (order.id, order.status)
            named = {self.pools.index(line.pool_id): line.numbers for line in outcome.lines}
            assert _sorted(named) == _sorted(order.numbers)
            self._acknowledge(outcome, customer, key)
        elif is_known and other == "name":
            assert code_of(outcome) == "IDEMPOTENCY_MISMATCH", outcome
        else:
            # A pool that the order has nothing of does not know it either.
            assert code_of(outcome) in {"IDEMPOTENCY_MISMATCH", "SLOTS_SOLD_OUT"}, outcome

    async def _look(self) -> None:
        """A storefront asks how many are left."""
        counts = await count_available(self.pools)
        if self.is_redis_exact:
            for pool, pool_id in enumerate(self.pools):
                assert counts[pool_id] == len(self.model.free(pool))


def _sorted(numbers: Mapping[int, tuple[int, ...]]) -> dict[int, list[int]]:
    return {pool: sorted(named) for pool, named in numbers.items()}
