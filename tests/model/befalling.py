"""What befalls a shop: time, a Redis that forgets, a process that starts anew."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headless_presale.campaigns import sweep_openings_and_closings
from headless_presale.checkout import drain
from headless_presale.orders import sweep_orders
from headless_presale.payments import PaymentLeg
from tests.model.example import CUSTOMERS, on_loop, pick, wishes
from tests.model.expectations import CAPTURE_GRACE, HOLD, LEG_DUE, Ordered, Wish
from tests.model.running import RunExample
from tests.model.world import GATEWAYS


class BefallenExample(RunExample):
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

    @precondition(lambda self: self._has("AWAITING_PAYMENT", "AWAITING_DEPOSIT"))
    @rule(which=pick, wish=wishes, is_sold_on=st.booleans())
    @on_loop
    async def pay_too_late(self, which: int, wish: Wish, is_sold_on: bool) -> None:
        """A hold runs out while its buyer pays; somebody else may have the slots by then."""
        order = self._at(which, self._with("AWAITING_PAYMENT", "AWAITING_DEPOSIT"))
        leg = LEG_DUE[order.status]
        await self._start(order, leg, GATEWAYS[0], f"late-{leg}", None, "")
        self._advance(HOLD.total_seconds())
        await self._sweep()
        if is_sold_on:
            await self._buy(CUSTOMERS[-1], wish, "")
        gateway = self.world.gateways[GATEWAYS[0]]
        for intent_id in [p.intent_id for p in order.payments if p.leg is leg]:
            if intent_id in gateway.open_intents():
                gateway.capture(intent_id)
                await self._tell(gateway, -1)

    @precondition(lambda self: self._has("DEPOSIT_PAID", "AWAITING_BALANCE"))
    @rule(moment=st.sampled_from(["opens", "remind", "due"]), is_swept=st.booleans())
    @on_loop
    async def reach_balance(self, moment: str, is_swept: bool) -> None:
        """The balance window opens, its end comes near, or is there."""
        name = "balance_remind_at" if moment == "remind" else f"balance_{moment}_at"
        self._advance_to(getattr(self.model.rules, name))
        if is_swept:
            await self._sweep()

    async def _sweep(self) -> None:
        await sweep_openings_and_closings()
        await sweep_orders()
        self.model.sweep()

    def _advance_to(self, moment: datetime) -> None:
        self._advance(max(0, (moment - self.model.now).total_seconds()))

    def _has(self, *statuses: str) -> bool:
        return bool(self._with(*statuses))

    def _with(self, *statuses: str) -> list[Ordered]:
        return [order for order in self.model.orders.values() if order.status in statuses]

    @precondition(lambda self: self._has("DEPOSIT_PAID", "AWAITING_BALANCE"))
    @rule(
        which=pick,
        then=st.sampled_from(["", "", "started", "paid", "told"]),
        is_reminded=st.sampled_from([True, True, False]),
    )
    @on_loop
    async def miss_balance(self, which: int, then: str, is_reminded: bool) -> None:
        """The balance window opens and ends; one buyer may have tried at the last moment.

        The reminder may come only now that the window should be over: the buyers then have longer.
        """
        self._advance_to(self.model.rules.balance_opens_at)
        await self._sweep()
        if (waiting := self._with("AWAITING_BALANCE")) and then:
            order = self._at(which, waiting)
            await self._start(order, PaymentLeg.BALANCE, GATEWAYS[0], None, None, then)
        if is_reminded:
            self._advance_to(self.model.rules.balance_remind_at)
            await self._sweep()
        self._advance_to(max((o.due_at for o in waiting), default=self.model.rules.balance_due_at))
        await self._sweep()
        self._advance(CAPTURE_GRACE.total_seconds())
        await self._sweep()

    # Failures

    @rule(what=st.sampled_from(["wipe", "save", "bring back", "bring back"]))
    @on_loop
    async def disturb_redis(self, what: str) -> None:
        """Redis comes back empty, writes itself to disk, or comes back as it was then."""
        await drain()
        match what:
            case "wipe":
                await self.world.lose_redis()
                self.unfinished.clear()
                self.is_redis_exact = True
            case "save":
                self.saved = await self.world.save_redis()
            case _:
                await self._bring_redis_back()

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
                await self.world.restart()

    async def _reconcile(self) -> None:
        if self.model.is_cancelled:
            return
        await self.world.quieten_slots(self.sale)
        self.is_redis_exact = True
        self._demand(await self.world.audit_redis_at_rest())
