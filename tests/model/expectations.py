"""What must be true of the shop, in plain Python: no database, no Redis, no clock of its own.

The rules of the product are written here a second time, as a reader of its documents would put
them. The machine tells this model what it does and compares the shop with it after every step.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from headless_presale.campaigns import CancelPolicy, CancelRule, MissedBalance, PlanKind
from headless_presale.kernel.money import BPS
from headless_presale.orders import OrderStatus
from headless_presale.payments import PaymentLeg, PaymentStatus
from tests.model.pools import Pool

S, P = OrderStatus, PaymentStatus
PRICE_MINOR = 10_000
DEPOSIT_BPS = 2_000
HOLD = timedelta(minutes=15)
CAPTURE_GRACE = timedelta(minutes=15)
DAY = timedelta(days=1)
HOLDING = {S.AWAITING_PAYMENT, S.AWAITING_DEPOSIT}
OVER = {S.EXPIRED, S.FORFEITED, S.CANCELLED}
LEG_DUE = {
    S.AWAITING_PAYMENT: PaymentLeg.FULL,
    S.AWAITING_DEPOSIT: PaymentLeg.DEPOSIT,
    S.AWAITING_BALANCE: PaymentLeg.BALANCE,
}
PAID_STATUS = {
    PaymentLeg.FULL: S.PAID,
    PaymentLeg.DEPOSIT: S.DEPOSIT_PAID,
    PaymentLeg.BALANCE: S.PAID,
}
EVERYTHING = CancelRule(is_allowed=True, refund_deposit_bps=BPS, refund_balance_bps=BPS)

Wish = tuple[int, ...]
"""How many of each pool, in the order of the pools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a campaign promises: the part of it that the model goes by."""

    kind: PlanKind
    missed: MissedBalance
    policy: CancelPolicy
    closes_at: datetime
    balance_opens_at: datetime
    balance_remind_at: datetime
    balance_due_at: datetime


@dataclass(slots=True, eq=False)
class Paying:
    """A payment of an order's leg."""

    id: UUID
    order: "Ordered"
    leg: PaymentLeg
    gateway: str
    amount_minor: int
    created_at: datetime
    status: PaymentStatus = P.PENDING
    intent_id: str | None = None
    refunds: dict[str, int] = field(default_factory=dict)
    kept_minor: int = 0

    @property
    def is_captured(self) -> bool:
        """Whether its money has come in, for this leg or as a surplus."""
        return self.status in (P.CAPTURED, P.MISMATCHED)


@dataclass(slots=True, eq=False)
class Ordered:
    """An order that exists. ``numbers`` by pool are those its lines name, owned or not."""

    id: UUID
    customer: str
    wish: Wish
    status: OrderStatus
    numbers: dict[int, tuple[int, ...]]
    promised: dict[int, date]
    hold_expires_at: datetime
    due_at: datetime
    total_minor: int
    deposit_minor: int
    is_reminded: bool = False
    payments: list[Paying] = field(default_factory=list)
    payment_keys: dict[str, tuple[tuple[PaymentLeg, str], Paying]] = field(default_factory=dict)

    @property
    def is_owner(self) -> bool:
        """Whether the numbers are its own: held or claimed."""
        return self.status not in OVER

    def amount_of(self, leg: PaymentLeg) -> int:
        """Return what a leg costs, in minor units."""
        return {
            PaymentLeg.FULL: self.total_minor,
            PaymentLeg.DEPOSIT: self.deposit_minor,
            PaymentLeg.BALANCE: self.total_minor - self.deposit_minor,
        }[leg]

    def open_payment(self, leg: PaymentLeg) -> Paying | None:
        """Return the payment of a leg that is under way."""
        return next((p for p in self.payments if p.leg is leg and p.status is P.PENDING), None)


class Expectations:
    """The shop as it must be."""

    def __init__(self, rules: Rules, pools: Sequence[Pool], now: datetime) -> None:
        self.rules = rules
        self.now = now
        self.pools = pools
        self.closes_at = rules.closes_at
        self.orders: dict[tuple[str, str], Ordered] = {}
        self.payments: dict[UUID, Paying] = {}
        self.is_cancelled = False
        self.heard: set[str] = set()
        self.met: set[str] = set()
        """Kinds of things that have happened."""

    # Slots

    def owned(self, pool: int) -> set[int]:
        """Return the numbers of a pool that orders own."""
        return {n for o in self.orders.values() if o.is_owner for n in o.numbers.get(pool, ())}

    def free(self, pool: int) -> list[int]:
        """Return the numbers of a pool that can be sold, lowest first."""
        return sorted(self.pools[pool].numbers - self.owned(pool))

    def taken(self, pool: int, customer: str) -> int:
        """Return how many slots of a pool a customer owns."""
        mine = [o for o in self.orders.values() if o.is_owner and o.customer == customer]
        return sum(len(order.numbers.get(pool, ())) for order in mine)

    def refusal_of(self, customer: str, wish: Wish) -> str | None:
        """Return the code that the pools refuse a wish with; None if it can be had."""
        for pool, quantity in enumerate(wish):
            limit = self.pools[pool].limit
            if quantity and limit and self.taken(pool, customer) + quantity > limit:
                return "PURCHASE_LIMIT"
            if quantity > len(self.free(pool)):
                return "SLOTS_SOLD_OUT"
        return None

    @property
    def is_selling(self) -> bool:
        """Whether the campaign takes orders."""
        return not self.is_cancelled and self.now < self.closes_at

    def change_capacity(self, pool: int, capacity: int) -> str | None:
        """Set how many slots a pool has; return the code of the refusal, if it is refused."""
        if not self.is_selling:
            return "CAMPAIGN_NOT_OPEN"
        if capacity < 1:
            return "INVALID_INPUT"
        return self.pools[pool].resize(capacity, self.owned(pool))

    def extend(self, closes_at: datetime) -> str | None:
        """Let the campaign sell longer; return the code of the refusal, if it is refused."""
        if not self.is_selling:
            return "CAMPAIGN_NOT_OPEN"
        if closes_at <= self.closes_at:
            return "INVALID_INPUT"
        if self.rules.kind is PlanKind.DEPOSIT and self.rules.balance_opens_at < closes_at:
            return "CAMPAIGN_NOT_PUBLISHABLE"
        self.closes_at = closes_at
        return None

    # Orders

    def place(
        self,
        order_id: UUID,
        customer: str,
        key: str,
        wish: Wish,
        numbers: Mapping[int, Sequence[int]],
    ) -> Ordered:
        """Write down an order that was placed, with the numbers it was given."""
        total = PRICE_MINOR * sum(wish)
        is_deposit = self.rules.kind is PlanKind.DEPOSIT
        order = Ordered(
            id=order_id,
            customer=customer,
            wish=wish,
            status=S.AWAITING_DEPOSIT if is_deposit else S.AWAITING_PAYMENT,
            numbers={pool: tuple(given) for pool, given in numbers.items()},
            promised={p: self.pools[p].promise_of(given) for p, given in numbers.items()},
            hold_expires_at=self.now + HOLD,
            due_at=self.rules.balance_due_at,
            total_minor=total,
            deposit_minor=total * DEPOSIT_BPS // BPS if is_deposit else 0,
        )
        self.orders[customer, key] = order
        return order

    def sweep(self) -> None:
        """Do what time has made due."""
        for order in self.orders.values():
            if order.status in HOLDING and order.hold_expires_at <= self.now:
                self._end(order, S.EXPIRED)
            if order.status is S.DEPOSIT_PAID and self.rules.balance_opens_at <= self.now:
                order.status = S.AWAITING_BALANCE
            if order.status is S.AWAITING_BALANCE and self.rules.balance_remind_at <= self.now:
                self._remind(order)
            if order.status is S.AWAITING_BALANCE and self._is_missed(order):
                if self.rules.missed is MissedBalance.REFUND:
                    self._call_off(order, EVERYTHING)
                else:
                    self._end(order, S.FORFEITED)
                    for payment in order.payments:
                        if payment.status is P.CAPTURED:
                            payment.kept_minor = payment.amount_minor

    def _remind(self, order: Ordered) -> None:
        """A late reminder leaves half the time that was planned after it, a day at most."""
        if order.is_reminded:
            return
        order.is_reminded = True
        notice = min((self.rules.balance_due_at - self.rules.balance_remind_at) / 2, DAY)
        if order.due_at - self.now < notice:
            order.due_at = self.now + notice
            self.met.add("reminded late")

    def _is_missed(self, order: Ordered) -> bool:
        paying = order.open_payment(PaymentLeg.BALANCE)
        grace = CAPTURE_GRACE if paying is not None and paying.intent_id else timedelta(0)
        return order.is_reminded and order.due_at + grace <= self.now

    def cancel_rule(self, order: Ordered) -> CancelRule | None:
        """Return what a buyer who cancels now gets back; None where the order is over."""
        if order.status in HOLDING:
            return CancelRule(is_allowed=True)
        return {
            S.DEPOSIT_PAID: self.rules.policy.deposit_paid,
            S.AWAITING_BALANCE: self.rules.policy.awaiting_balance,
            S.PAID: self.rules.policy.paid,
        }.get(order.status)

    def cancel(self, order: Ordered) -> str | None:
        """Cancel for the buyer; return the code of the refusal, if it is refused."""
        if order.status is S.CANCELLED:
            return None
        rule = self.cancel_rule(order)
        if rule is None or not rule.is_allowed:
            return "CANCEL_NOT_ALLOWED"
        self._call_off(order, rule)
        return None

    def cancel_orders(self) -> None:
        """Cancel and refund every order of the cancelled campaign that is not over."""
        for order in self.orders.values():
            if order.status not in OVER:
                self._call_off(order, EVERYTHING)

    def _call_off(self, order: Ordered, rule: CancelRule) -> None:
        self._end(order, S.CANCELLED)
        for payment in order.payments:
            if payment.status is P.CAPTURED:
                bps = (
                    rule.refund_deposit_bps
                    if payment.leg is PaymentLeg.DEPOSIT
                    else rule.refund_balance_bps
                )
                back = payment.amount_minor * bps // BPS
                if back:
                    payment.refunds["order_cancelled"] = back
                payment.kept_minor = payment.amount_minor - back

    def _end(self, order: Ordered, status: OrderStatus) -> None:
        order.status = status
        for payment in order.payments:
            if payment.status is P.PENDING:
                payment.status = P.CANCELLED

    # Payments

    def refusal_of_start(self, order: Ordered, leg: PaymentLeg) -> str | None:
        """Return the code that starting a leg under a new key is refused with, if it is."""
        status = order.status
        if status is S.DEPOSIT_PAID and self.rules.balance_opens_at <= self.now:
            status = S.AWAITING_BALANCE
        is_late = (status in HOLDING and order.hold_expires_at <= self.now) or (
            leg is PaymentLeg.BALANCE and order.is_reminded and order.due_at <= self.now
        )
        return "PAYMENT_NOT_DUE" if LEG_DUE.get(status) is not leg or is_late else None

    def start(self, order: Ordered, leg: PaymentLeg, gateway: str, payment_id: UUID) -> Paying:
        """Write down the payment that a start opened or joined."""
        if order.status is S.DEPOSIT_PAID:
            order.status = S.AWAITING_BALANCE
        payment = order.open_payment(leg)
        if payment is not None and payment.gateway != gateway:
            payment.status = P.CANCELLED
            payment = None
        if payment is None:
            payment = Paying(
                payment_id, order, leg, gateway, order.amount_of(leg), created_at=self.now
            )
            order.payments.append(payment)
            self.payments[payment_id] = payment
        return payment

    def settle(self, payment: Paying) -> None:
        """Apply that the money of a payment is captured, once."""
        if payment.is_captured:
            return
        order = payment.order
        rivals = [p for p in order.payments if p is not payment and p.leg is payment.leg]
        if any(rival.status is P.CAPTURED for rival in rivals):
            payment.status = P.MISMATCHED
            payment.refunds["paid_twice"] = payment.amount_minor
            return
        for rival in rivals:
            if rival.status is P.PENDING:
                rival.status = P.CANCELLED
        payment.status = P.CAPTURED
        if LEG_DUE.get(order.status) is payment.leg or (
            order.status is S.EXPIRED and self._claim_again(order)
        ):
            order.status = PAID_STATUS[payment.leg]
        else:
            payment.refunds["late_payment"] = payment.amount_minor

    def _claim_again(self, order: Ordered) -> bool:
        if self.is_cancelled or self.refusal_of(order.customer, order.wish) is not None:
            return False
        again = dict(self._numbers_again(order))
        if any(self.pools[p].promise_of(again[p]) > order.promised[p] for p in again):
            return False
        self.met.add("paid late, same numbers" if again == order.numbers else "paid late, others")
        order.numbers = again
        return True

    def _numbers_again(self, order: Ordered) -> Iterator[tuple[int, tuple[int, ...]]]:
        for pool, named in order.numbers.items():
            free = self.free(pool)
            is_whole = all(n in free for n in named)
            yield pool, named if is_whole else tuple(free[: len(named)])
