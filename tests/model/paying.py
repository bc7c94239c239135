"""Buyers pay, gateways tell or do not tell, money goes back, workers run what waits."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headless_presale.orders import (
    OrderStatus,
    StartPayment,
    start_payment,
)
from headless_presale.payments import (
    Payment,
    PaymentLeg,
    PaymentStatus,
    reconcile_payments,
    reconcile_refunds,
    record_notice,
)
from headless_presale.payments.gateways import GatewayNotice
from headless_presale.payments.gateways.port import GatewayRefundStatus, IntentStatus
from tests.model.example import Example, code_of, on_loop, pick
from tests.model.expectations import LEG_DUE, Ordered, Paying
from tests.model.world import GATEWAYS
from tests.support.memory_gateway import MemoryGateway, Trouble


class PayingExample(Example):
    """An example in which money moves."""

    @precondition(lambda self: self.model.orders)
    @rule(
        which=pick,
        gateway=st.sampled_from(GATEWAYS),
        key=st.sampled_from([None, None, None, 0, 1]),
        leg=st.sampled_from([None, None, None, None, None, *PaymentLeg]),
        trouble=st.sampled_from([None, None, None, None, None, *Trouble]),
        then=st.sampled_from(["", "paid", "told", "told"]),
    )
    @on_loop
    async def start(
        self,
        which: int,
        gateway: str,
        key: int | None,
        leg: PaymentLeg | None,
        trouble: Trouble | None,
        then: str,
    ) -> None:
        """A buyer starts paying what is due, or something else, and perhaps pays it."""
        orders = list(self.model.orders.values())
        due = [o for o in orders if o.status in LEG_DUE or o.status is OrderStatus.DEPOSIT_PAID]
        order = self._at(which, due if due and leg is None else orders)
        leg = leg or LEG_DUE.get(order.status, PaymentLeg.BALANCE)
        await self._start(order, leg, gateway, None if key is None else f"pay-{key}", trouble, then)

    @precondition(lambda self: self._due())
    @rule(which=pick, is_first_told_first=st.booleans())
    @on_loop
    async def pay_twice(self, which: int, is_first_told_first: bool) -> None:
        """A buyer changes gateways and pays at both."""
        order = self._at(which, self._due())
        leg = LEG_DUE[order.status]
        for name in GATEWAYS:
            await self._start(order, leg, name, f"both-{name}-{leg}", None, "paid")
        mine = [
            (gateway, notice)
            for gateway, notice in self._waiting()
            if notice.intent is not None and self._is_of(notice.intent.reference, order)
        ]
        for gateway, notice in mine if is_first_told_first else reversed(mine):
            await self._tell(gateway, gateway.notices.index(notice))

    def _due(self) -> list[Ordered]:
        return [order for order in self.model.orders.values() if order.status in LEG_DUE]

    def _is_of(self, reference: str, order: Ordered) -> bool:
        payment = self.model.payments.get(UUID(reference))
        return payment is not None and payment.order is order

    async def _start(
        self,
        order: Ordered,
        leg: PaymentLeg,
        gateway: str,
        key: str | None,
        trouble: Trouble | None,
        then: str,
    ) -> None:
        key = key or f"pay-{len(order.payment_keys)}"
        self.world.gateways[gateway].next_trouble = trouble
        outcome = await self._attempt(
            start_payment(
                StartPayment(
                    order_id=order.id,
                    leg=leg,
                    gateway=gateway,
                    return_url=None,
                    idempotency_key=key,
                )
            )
        )
        met, self.world.gateways[gateway].next_trouble = (
            self.world.gateways[gateway].next_trouble is None,
            None,
        )
        expected = await self._expect_start(order, leg, gateway, key, trouble)
        assert code_of(outcome) == expected, (outcome, expected)
        assert met or trouble is None or expected != "GATEWAY_UNAVAILABLE"
        if isinstance(outcome, Payment):
            assert outcome.id == order.payment_keys[key][1].id
            assert outcome.amount_minor == order.amount_of(leg)
            if outcome.intent_id in self.world.gateways[gateway].open_intents() and then in (
                "paid",
                "told",
            ):
                self.world.gateways[gateway].capture(outcome.intent_id)
                if then == "told":
                    await self._tell(self.world.gateways[gateway], -1)

    async def _expect_start(
        self, order: Ordered, leg: PaymentLeg, gateway: str, key: str, trouble: Trouble | None
    ) -> str | None:
        """Tell the model of a start; return the code that it is refused with, if it is."""
        known = order.payment_keys.get(key)
        if known is None:
            if refusal := self.model.refusal_of_start(order, leg):
                return refusal
            rows = await self.world.admin.fetch(
                "SELECT id FROM payment WHERE order_id = $1 AND NOT id = ANY($2::uuid[])",
                order.id,
                list(self.model.payments),
            )
            new_id = rows[0]["id"] if rows else UUID(int=0)
            known = ((leg, gateway), self.model.start(order, leg, gateway, new_id))
            order.payment_keys[key] = known
        elif known[0] != (leg, gateway):
            return "IDEMPOTENCY_MISMATCH"
        payment = known[1]
        if payment.status is PaymentStatus.CANCELLED:
            return "PAYMENT_NOT_DUE"
        if payment.intent_id is not None or payment.status is not PaymentStatus.PENDING:
            return None
        intents = self.world.gateways[gateway].intents.values()
        known_intent = next((i.id for i in intents if i.reference == str(payment.id)), None)
        if trouble is Trouble.REFUSED and known_intent is None:
            payment.status = PaymentStatus.CANCELLED
        if trouble in (Trouble.SILENT, Trouble.LOST_ANSWER) or known_intent is None:
            return "GATEWAY_UNAVAILABLE"
        payment.intent_id = known_intent
        return None

    @precondition(lambda self: self._payable())
    @rule(which=pick, what=st.sampled_from(["capture", "capture", "capture", "decline", "end"]))
    def pay(self, which: int, what: str) -> None:
        """A buyer pays at a gateway, fails to, or leaves the page for so long that it ends."""
        payment = self._at(which, self._payable())
        assert payment.intent_id is not None
        getattr(self.world.gateways[payment.gateway], what)(payment.intent_id)

    def _payable(self) -> list[Paying]:
        open_intents = {i for g in self.world.gateways.values() for i in g.open_intents()}
        return [p for p in self.model.payments.values() if p.intent_id in open_intents]

    # Being told

    @precondition(lambda self: self._waiting())
    @rule(which=pick)
    @on_loop
    async def deliver(self, which: int) -> None:
        """A notice arrives, not always the oldest first."""
        gateway, notice = self._at(which, self._waiting())
        await self._tell(gateway, gateway.notices.index(notice))

    async def _tell(self, gateway: MemoryGateway, index: int) -> None:
        notice = gateway.notices.pop(index)
        self.delivered.append((gateway, notice))
        await self._deliver(gateway, notice)

    @precondition(lambda self: self.delivered)
    @rule(which=pick)
    @on_loop
    async def deliver_again(self, which: int) -> None:
        """A notice that arrived already arrives once more."""
        await self._deliver(*self._at(which, self.delivered))

    @precondition(lambda self: self._waiting())
    @rule(which=pick)
    def lose_notice(self, which: int) -> None:
        """A notice never arrives."""
        gateway, notice = self._at(which, self._waiting())
        gateway.notices.remove(notice)

    def _waiting(self) -> list[tuple[MemoryGateway, GatewayNotice]]:
        return [(g, notice) for g in self.world.gateways.values() for notice in g.notices]

    async def _deliver(self, gateway: MemoryGateway, notice: GatewayNotice) -> None:
        read = gateway.read_notice({}, notice.event_id.encode())
        outcome = await record_notice(gateway.name, read)
        if notice.event_id in self.model.heard:
            assert outcome == "duplicate"
            return
        assert outcome not in ("duplicate", "unknown", "mismatched")
        self.model.heard.add(notice.event_id)
        if notice.intent is not None and not notice.type.endswith("payment_failed"):
            self._hear(self.model.payments[UUID(notice.intent.reference)], notice.intent.status)

    def _hear(self, payment: Paying, status: IntentStatus) -> None:
        if status is IntentStatus.CAPTURED:
            self.model.settle(payment)
        elif status is IntentStatus.CANCELLED and payment.status is PaymentStatus.PENDING:
            payment.status = PaymentStatus.CANCELLED

    @precondition(lambda self: self.model.payments)
    @rule()
    @on_loop
    async def ask_gateways(self) -> None:
        """The shop asks about what it was not told."""
        self._advance(61)
        await self._ask_gateways()

    async def _ask_gateways(self) -> None:
        await reconcile_payments()
        await reconcile_refunds()
        for payment in self.model.payments.values():
            if payment.status is PaymentStatus.PENDING and payment.intent_id is not None:
                age = (self.model.now - payment.created_at).total_seconds()
                if 60 < age < 30 * 86_400:
                    gateway = self.world.gateways[payment.gateway]
                    self._hear(payment, gateway.intents[payment.intent_id].status)

    @precondition(lambda self: self._refunds())
    @rule(which=pick, status=st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED"]))
    def end_refund(self, which: int, status: str) -> None:
        """A gateway gives money back, or cannot."""
        gateway, key = self._at(which, self._refunds())
        gateway.settle_refund(key, GatewayRefundStatus(status))

    def _refunds(self) -> list[tuple[MemoryGateway, str]]:
        return [(g, key) for g in self.world.gateways.values() for key in g.pending_refunds()]

    @precondition(lambda self: self.model.payments or self.model.is_cancelled)
    @rule(
        trouble=st.sampled_from([None, None, None, *Trouble]),
        is_marked=st.sampled_from([True, True, False]),
    )
    @on_loop
    async def work(self, trouble: Trouble | None, is_marked: bool) -> None:
        """Workers run what waits; one may die before it has written down that it is done."""
        for gateway in self.world.gateways.values():
            gateway.next_trouble = trouble
        await self._work(is_marked=is_marked)
        for gateway in self.world.gateways.values():
            gateway.next_trouble = None

    async def _work(self, *, is_marked: bool = True) -> None:
        last = 0
        while job := await self.world.next_job(last):
            last = job["id"]
            if await self.world.run_job(job, is_marked=is_marked):
                self._note_done(job["task_name"], job["args"])

    def _note_done(self, task: str, args: str) -> None:
        if task == "orders:cancel_campaign":
            self.model.cancel_orders()
        elif task == "payments:cancel_intent":
            payment = next(p for p in self.model.payments.values() if str(p.id) in args)
            if payment.status is PaymentStatus.CANCELLED and payment.intent_id is not None:
                gateway = self.world.gateways[payment.gateway]
                self._hear(payment, gateway.intents[payment.intent_id].status)
        else:
            assert task == "payments:submit_refund", task
