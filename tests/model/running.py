"""Buyers cancel; the merchant changes the campaign while it sells, or calls it off."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headless_presale.campaigns import (
    add_batch,
    cancel_campaign,
    change_capacity,
    extend_campaign,
)
from headless_presale.orders import cancel_order
from tests.model.buying import BuyingExample
from tests.model.example import code_of, on_loop, pick

MOST_BATCHES = 3
MOST_SLOTS = 8


class RunExample(BuyingExample):
    """An example whose campaign changes under way."""

    @precondition(lambda self: self.model.orders)
    @rule(which=pick)
    @on_loop
    async def cancel(self, which: int) -> None:
        """A buyer cancels."""
        order = self._at(which, list(self.model.orders.values()))
        outcome = await self._attempt(cancel_order(order.id, reason="changed my mind"))
        assert code_of(outcome) == self.model.cancel(order), outcome

    @precondition(lambda self: len(self.model.orders) >= 4)
    @rule(is_meant=st.sampled_from([False, False, True]))
    @on_loop
    async def call_campaign_off(self, is_meant: bool) -> None:
        """The merchant calls the campaign off; the orders follow in a job."""
        if is_meant:
            await cancel_campaign(self.sale.campaign.id, reason="the plant burned down")
            self.model.is_cancelled = True
            self.model.met.add("campaign cancelled")

    @precondition(lambda self: any(len(p.batches) < MOST_BATCHES for p in self.model.pools))
    @rule(pool=st.integers(0, 1), size=st.integers(1, 2), days=st.integers(0, 30))
    @on_loop
    async def add_batch(self, pool: int, size: int, days: int) -> None:
        """The merchant adds a production batch, often with a later date."""
        item_id, _ = self.world.items_of(self.sale)[pool]
        ships_by = self.model.pools[pool].batches[-1][1] + timedelta(days=days)
        outcome = await self._attempt(add_batch(item_id, capacity=size, ships_by=ships_by))
        if self.model.is_selling:
            assert code_of(outcome) is None, outcome
            self.model.pools[pool].append(size, ships_by)
        else:
            assert code_of(outcome) == "CAMPAIGN_NOT_OPEN", outcome

    @rule(pool=st.integers(0, 1), capacity=st.integers(0, MOST_SLOTS))
    @on_loop
    async def change_capacity(self, pool: int, capacity: int) -> None:
        """The merchant sells fewer or more."""
        item_id, _ = self.world.items_of(self.sale)[pool]
        before = len(self.model.pools[pool].numbers)
        outcome = await self._attempt(change_capacity(item_id, capacity=capacity))
        assert code_of(outcome) == self.model.change_capacity(pool, capacity), outcome
        if outcome == capacity != before:
            self.model.met.add("capacity raised" if capacity > before else "capacity lowered")

    @rule(hours=st.sampled_from([-1, 0, 6, 12, 24, 48]))
    @on_loop
    async def extend(self, hours: int) -> None:
        """The merchant lets the campaign sell longer."""
        closes_at = self.model.closes_at + timedelta(hours=hours)
        outcome = await self._attempt(
            extend_campaign(
                self.sale.campaign.id,
                closes_at=closes_at,
                reason="there are more to come",
                default_locale="en",
            )
        )
        assert code_of(outcome) == self.model.extend(closes_at), outcome
        if code_of(outcome) is None:
            self.model.met.add("campaign extended")
