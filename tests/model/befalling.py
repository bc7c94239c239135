"""What befalls a shop: time, its merchant, a Redis that forgets, a process that starts anew."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headless_presale.audits import audit_redis
from headless_presale.campaigns import (
    add_batch,
    cancel_campaign,
    forget_all,
    sweep_openings_and_closings,
)
from headless_presale.checkout import drain
from headless_presale.orders import (
    cancel_order,
    sweep_orders,
)
from tests.model.buying import BuyingExample
from tests.model.example import MOST_BATCHES, attempt, code_of, on_loop, pick
from tests.model.expectations import HOLD


class BefallenExample(BuyingExample):
    """An example in which time passes and things fail."""

    # Time

    @rule(seconds=st.sampled_from([60, 5 * 60, 14 * 60, 16 * 60, 86_400]))
    def pass_time(self, seconds: int) -> None:
        """Nothing happens for a while, and no sweep has looked yet."""
        self._advance(seconds)

    @rule()
    @on_loop
    async def sweep(self) -> None:
        """The sweeps run."""
        await self._sweep()

    @precondition(lambda self: self._has("AWAITING_PAYMENT", "AWAITING_DEPOSIT"))
    @rule()
    @on_loop
    async def expire(self) -> None:
        """No hold is paid in time."""
        self._advance(HOLD.total_seconds())
        await self._sweep()

    @precondition(lambda self: self._has("DEPOSIT_PAID", "AWAITING_BALANCE"))
    @rule(moment=st.sampled_from(["opens", "remind", "due"]), is_swept=st.booleans())
    @on_loop
    async def reach_balance(self, moment: str, is_swept: bool) -> None:
        """The balance window opens, its end comes near, or is there."""
        name = "balance_remind_at" if moment == "remind" else f"balance_{moment}_at"
        left = (getattr(self.model.rules, name) - self.model.now).total_seconds()
        self._advance(max(0, left))
        if is_swept:
            await self._sweep()

    async def _sweep(self) -> None:
        await sweep_openings_and_closings()
        await sweep_orders()
        self.model.sweep()

    def _has(self, *statuses: str) -> bool:
        return any(order.status in statuses for order in self.model.orders.values())

    # Changing one's mind

    @precondition(lambda self: self.model.orders)
    @rule(which=pick)
    @on_loop
    async def cancel(self, which: int) -> None:
        """A buyer cancels."""
        order = self._at(which, list(self.model.orders.values()))
        outcome = await attempt(cancel_order(order.id, reason="changed my mind"))
        assert code_of(outcome) == self.model.cancel(order), outcome

    @precondition(lambda self: len(self.model.orders) >= 4)
    @rule(is_meant=st.sampled_from([False, False, True]))
    @on_loop
    async def call_campaign_off(self, is_meant: bool) -> None:
        """The merchant calls the campaign off; the orders follow in a job."""
        if is_meant:
            await cancel_campaign(self.sale.campaign.id, reason="the plant burned down")
            self.model.is_cancelled = True

    @precondition(lambda self: self.batches < MOST_BATCHES)
    @rule(pool=st.integers(0, 1), size=st.integers(1, 2), days=st.integers(0, 30))
    @on_loop
    async def raise_capacity(self, pool: int, size: int, days: int) -> None:
        """The merchant adds a production batch, often with a later date."""
        self.batches += 1
        item_id, _ = self.world.items_of(self.sale)[pool]
        ships_by = self.model.batches[pool][-1][1] + type(HOLD)(days=days)
        outcome = await attempt(add_batch(item_id, capacity=size, ships_by=ships_by))
        if self.model.is_selling:
            assert code_of(outcome) is None, outcome
            self.model.batches[pool].append((size, ships_by))
        else:
            assert code_of(outcome) == "CAMPAIGN_NOT_OPEN", outcome

    # Failures

    @rule(what=st.sampled_from(["wipe", "save", "bring back", "bring back"]))
    @on_loop
    async def disturb_redis(self, what: str) -> None:
        """Redis comes back empty, writes itself to disk, or comes back as it was then."""
        await drain()
        match what:
            case "wipe":
                await self.world.redis.flushdb()
                self.unfinished.clear()
                self.is_redis_exact = True
            case "save":
                self.saved = await self.world.save_redis()
            case _:
                await self.world.restore_redis(self.saved)
                self.is_redis_exact = False

    @rule(what=st.sampled_from(["look", "reconcile once", "reconcile", "restart"]))
    @on_loop
    async def look_after_it(self, what: str) -> None:
        """A storefront looks, the reconciler does, or the process starts anew."""
        match what:
            case "look":
                await self._look()
            case "reconcile once":
                await self.world.reconcile_slots(self.sale)
            case "reconcile":
                await self._reconcile()
            case _:
                forget_all()

    async def _reconcile(self) -> None:
        if self.model.is_cancelled:
            return
        await self.world.quieten_slots(self.sale)
        found = await audit_redis(self.world.admin, self.world.redis)
        assert [finding for finding in found if not finding.holds] == []
        self.is_redis_exact = True
