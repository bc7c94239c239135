"""The rules of an order: which leg is due, what a cancellation gives back. Pure."""

from dataclasses import dataclass
from datetime import datetime

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel.money import BPS, Money
from headless_presale.orders.states import HOLDING, OrderStatus
from headless_presale.payments import PaymentLeg

_LEG_DUE = {
    OrderStatus.AWAITING_PAYMENT: PaymentLeg.FULL,
    OrderStatus.AWAITING_DEPOSIT: PaymentLeg.DEPOSIT,
    OrderStatus.AWAITING_BALANCE: PaymentLeg.BALANCE,
}


def leg_due(status: OrderStatus) -> PaymentLeg | None:
    """Return the leg that can be paid in this state; None if none can."""
    return _LEG_DUE.get(status)


@dataclass(frozen=True, slots=True)
class Due:
    """An amount and until when; ``opens_at`` is None where it can be paid at once."""

    leg: PaymentLeg
    amount: Money
    opens_at: datetime | None
    due_at: datetime | None


def cancel_rule(policy: CancelPolicy, status: OrderStatus) -> CancelRule | None:
    """Return the rule of a stage; None where an order is over already."""
    if status in HOLDING:
        return CancelRule(is_allowed=True)
    return {
        OrderStatus.DEPOSIT_PAID: policy.deposit_paid,
        OrderStatus.AWAITING_BALANCE: policy.awaiting_balance,
        OrderStatus.PAID: policy.paid,
    }.get(status)


def refund_of(rule: CancelRule, leg: PaymentLeg, captured: Money) -> Money:
    """Return what of a captured leg goes back.

    A full payment is no earnest money: it follows the balance's share. The refund rounds down to
    a whole minor unit, the shop keeps the rest: 33.33 at 50 % gives 16.66 back.
    """
    bps = rule.refund_deposit_bps if leg is PaymentLeg.DEPOSIT else rule.refund_balance_bps
    return Money(captured.amount_minor * bps // BPS, captured.currency)
