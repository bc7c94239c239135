"""What goes back of an order, and from which payment: one arithmetic for preview and deed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.money import BPS, Money
from headless_presale.orders.errors import (
    CancelNotAllowed,
    OrderLineNotFound,
    RefundNotAllowed,
    RefundTooLarge,
)
from headless_presale.orders.rules import cancel_rule, refund_of
from headless_presale.orders.states import CLAIMING, OrderStatus
from headless_presale.orders.view import LineView, OrderView
from headless_presale.payments import HeldPayment

FULL_REFUND = CancelRule(is_allowed=True, refund_deposit_bps=BPS, refund_balance_bps=BPS)
"""What a buyer gets who is not the reason for the cancellation."""


class CancelTerms(StrEnum):
    """What goes back when the merchant cancels.

    ``POLICY``: what the buyer's own cancellation would give. ``FULL_REFUND``: all that is held.
    """

    POLICY = "POLICY"
    FULL_REFUND = "FULL_REFUND"


@dataclass(frozen=True, slots=True)
class CancelPart:
    """What of one payment goes back, and what is kept."""

    payment: HeldPayment
    refund: Money
    kept: Money


@dataclass(frozen=True, slots=True)
class CancelPlan:
    """What a cancellation does with the money; ``refund`` and ``kept`` are all that is held."""

    currency: str
    parts: tuple[CancelPart, ...]

    @property
    def refund(self) -> Money:
        return sum((part.refund for part in self.parts), Money.zero(self.currency))

    @property
    def kept(self) -> Money:
        return sum((part.kept for part in self.parts), Money.zero(self.currency))

    @property
    def refunded_before(self) -> Money:
        before = (part.payment.refunded for part in self.parts)
        return sum(before, Money.zero(self.currency))


def split_cancellation(
    rule: CancelRule, payments: Sequence[HeldPayment], *, currency: str
) -> CancelPlan:
    """Return what a rule gives back of each payment.

    The rule's share is of what is still held: of 100.00 with 30.00 given back earlier, half is
    35.00, and 35.00 are kept.
    """
    parts = []
    for payment in payments:
        back = refund_of(rule, payment.leg, payment.held)
        parts.append(CancelPart(payment, back, payment.held - back))
    return CancelPlan(currency, tuple(parts))


def merchant_cancel_rule(
    policy: CancelPolicy, status: OrderStatus, terms: CancelTerms
) -> CancelRule:
    """Return the rule that a merchant's cancellation follows.

    Raises:
        CancelNotAllowed: the order is over, or its policy does not let it go at this stage.
    """
    rule = cancel_rule(policy, status)
    if rule is None:
        raise CancelNotAllowed(status=str(status))
    if terms is CancelTerms.FULL_REFUND:
        return FULL_REFUND
    if not rule.is_allowed:
        raise CancelNotAllowed(status=str(status))
    return rule


@dataclass(frozen=True, slots=True)
class LineQuantity:
    """So many units of one line."""

    line_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What a merchant wants to give back: an amount in minor units, or units of lines."""

    amount_minor: int | None = None
    lines: Sequence[LineQuantity] | None = None


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What of one payment goes back."""

    payment: HeldPayment
    amount: Money

    @property
    def left(self) -> Money:
        """What is held of the payment after that."""
        return self.payment.held - self.amount


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """What goes back of each payment; ``left`` is held of the order after that."""

    amount: Money
    left: Money
    parts: tuple[RefundPart, ...]


def refundable(order: OrderView, payments: Sequence[HeldPayment]) -> Money:
    """Return the most that a merchant can give back; 0 for an order that is not open and paid."""
    nothing = Money.zero(order.total.currency)
    if order.status not in CLAIMING:
        return nothing
    return sum((payment.held for payment in payments), nothing)


def plan_refund(order: OrderView, payments: Sequence[HeldPayment], wish: RefundWish) -> RefundPlan:
    """Return which payment gives back how much: the latest first.

    With a deposit of 20.00 and a balance of 80.00 a refund of 90.00 takes the 80.00 and 10.00 of
    the deposit: what the buyer pledged with goes back last.

    Raises:
        RefundNotAllowed: the order is unpaid or over.
        RefundTooLarge: more than is held.
        InvalidInput: not one of amount and lines, or nothing in it.
        OrderLineNotFound: a line is not of the order.
    """
    if order.status not in CLAIMING:
        raise RefundNotAllowed(status=str(order.status))
    amount = _wanted(order, payments, wish)
    most = refundable(order, payments)
    if most < amount:
        field = ("amountMinor",) if wish.lines is None else ("lines",)
        raise RefundTooLarge(refundable=str(most), money=most, field=field)
    parts, open_amount = [], amount
    for payment in sorted(payments, key=lambda p: (p.captured_at, p.payment_id), reverse=True):
        taken = min(payment.held, open_amount)
        if taken.amount_minor > 0:
            parts.append(RefundPart(payment, taken))
            open_amount -= taken
    return RefundPlan(amount, most - amount, tuple(parts))


def _wanted(order: OrderView, payments: Sequence[HeldPayment], wish: RefundWish) -> Money:
    if (wish.amount_minor is None) == (wish.lines is None):
        raise InvalidInput(reason="give either an amount or lines", field=("amountMinor",))
    if wish.lines is None:
        assert wish.amount_minor is not None
        amount, field = Money(wish.amount_minor, order.total.currency), ("amountMinor",)
    else:
        amount, field = paid_for(order, payments, wish.lines), ("lines",)
    if amount.amount_minor <= 0:
        raise InvalidInput(reason="a refund is more than nothing", field=field)
    return amount


def paid_for(
    order: OrderView, payments: Sequence[HeldPayment], lines: Sequence[LineQuantity]
) -> Money:
    """Return what was paid for some units: their price, or the share of it that is paid so far.

    Of an order over 100.00 with 20.00 paid, a unit at 50.00 has 10.00 paid. Rounded down.

    Raises:
        InvalidInput: a line named twice, or a quantity it does not have.
        OrderLineNotFound: a line is not of the order.
    """
    known = {line.id: line for line in order.lines}
    price = Money.zero(order.total.currency)
    for position, wanted in enumerate(lines):
        field = ("lines", str(position))
        line = known.pop(wanted.line_id, None)
        if line is None:
            _refuse_line(order, wanted, field)
            raise OrderLineNotFound(field=(*field, "lineId"))
        price += line.unit_price * _quantity(line, wanted, field)
    paid_minor = sum(payment.captured.amount_minor for payment in payments)
    share = price.amount_minor * paid_minor // max(order.total.amount_minor, 1)
    return Money(min(share, price.amount_minor), price.currency)


def _refuse_line(order: OrderView, wanted: LineQuantity, field: tuple[str, ...]) -> None:
    if any(line.id == wanted.line_id for line in order.lines):
        raise InvalidInput(reason="this line is named twice", field=(*field, "lineId"))


def _quantity(line: LineView, wanted: LineQuantity, field: tuple[str, ...]) -> int:
    if not 1 <= wanted.quantity <= line.quantity:
        raise InvalidInput(
            reason="the quantity must be within 1 and {most}",
            most=line.quantity,
            field=(*field, "quantity"),
        )
    return wanted.quantity
