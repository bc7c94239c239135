"""The rules of an order: which leg is due, what a cancellation gives back. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headless_presale.campaigns import CancelPolicy, CancelRule
from headless_presale.kernel.money import BPS, Money
from headless_presale.orders.states import HOLDING, OrderStatus
from headless_presale.payments import PaymentLeg

LONGEST_NOTICE = timedelta(hours=24)
"""The longest notice that a late reminder has to leave the buyer."""

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


def due_after_reminder(*, due_at: datetime, remind_at: datetime, reminded_at: datetime) -> datetime:
    """Return when a balance is due whose reminder went out at ``reminded_at``.

    Between the reminder and the end lies at least the notice: half of what was planned between
    them, at most 24 hours. Only where less is left, the end moves. Planned for the 13th with the
    end on the 16th, the notice is 24 hours: a reminder at noon on the 15th moves nothing, one an
    hour later moves the end from noon on the 16th to 13:00. A plan that reminds at the end
    promises no notice, and its end stays.

    Args:
        due_at: the end as planned.
        remind_at: when the reminder was planned.
        reminded_at: when it went out.
    """
    notice = min((due_at - remind_at) / 2, LONGEST_NOTICE)
    return max(due_at, reminded_at + notice) if notice > timedelta(0) else due_at


def is_balance_in_time(
    *, due_at: datetime | None, reminded_at: datetime | None, at: datetime
) -> bool:
    """Tell whether an open balance can still be paid at a moment.

    Its window ends at ``due_at``, and never before the buyer has been reminded.
    """
    return due_at is None or reminded_at is None or at < due_at


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
