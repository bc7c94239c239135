"""What a message states, as JSON: taken once, when it is written, and never looked up again.

Amounts are minor units of ``currency``, dates and times ISO 8601. How they are written is up to
the templates. Every key is always there; what does not apply is None.
"""

from datetime import datetime
from typing import Any

from headless_presale.campaigns import MissedBalance, PaymentPlan
from headless_presale.notifications.formats import one_line
from headless_presale.orders import (
    LatePaymentRefused,
    LineView,
    OrderCancelled,
    OrderConfirmed,
    OrderRefunded,
    OrderStatus,
    OrderView,
    is_balance_in_time,
)

Facts = dict[str, Any]


def confirmation_facts(order: OrderView, event: OrderConfirmed) -> Facts:
    """Return everything a buyer has agreed to and paid so far."""
    return {
        "is_paid_in_full": event.target is OrderStatus.PAID,
        "is_late": event.is_late,
        "lines": [_line(line) for line in order.lines],
        "total_minor": order.total.amount_minor,
        "deposit_minor": order.deposit.amount_minor,
        "balance_minor": order.balance.amount_minor,
        "balance_opens_at": _iso(order.balance_opens_at),
        "balance_due_at": _iso(order.balance_due_at),
    }


def reminder_facts(order: OrderView, *, due_at: datetime) -> Facts:
    """Return what is due until when, and what becomes of the deposit otherwise."""
    return {
        "total_minor": order.total.amount_minor,
        "deposit_minor": order.deposit.amount_minor,
        "balance_minor": order.balance.amount_minor,
        "balance_due_at": _iso(due_at),
        "missed_balance": str(PaymentPlan.from_json(order.payment_plan).missed_balance),
    }


def cancellation_facts(
    order: OrderView, event: OrderCancelled, *, campaign_reason: str | None, at: datetime
) -> Facts:
    """Return what was paid, what of it goes back, and why the order ended as far as we can tell.

    Args:
        campaign_reason: the merchant's words if the whole campaign was called off, else None.
        at: when the order was cancelled.
    """
    plan = PaymentPlan.from_json(order.payment_plan)
    is_balance_missed = (
        event.source is OrderStatus.AWAITING_BALANCE
        and plan.missed_balance is MissedBalance.REFUND
        and not is_balance_in_time(
            due_at=order.balance_due_at, reminded_at=order.reminded_at, at=at
        )
    )
    is_full = event.source is OrderStatus.PAID
    paid_minor = order.total.amount_minor if is_full else order.deposit.amount_minor
    is_by_shop = event.cancellation_id is not None
    return {
        "is_by_shop": is_by_shop,
        "shop_reason": one_line(event.reason) or None if is_by_shop else None,
        "is_campaign_cancelled": campaign_reason is not None,
        "campaign_reason": one_line(campaign_reason or "") or None,
        "is_balance_missed": is_balance_missed,
        "balance_due_at": _iso(order.balance_due_at),
        "paid_minor": paid_minor,
        "refunded_before_minor": event.refunded_before_minor,
        "refunded_minor": event.refunded_minor,
        "kept_minor": max(paid_minor - event.refunded_before_minor - event.refunded_minor, 0),
    }


def refund_facts(event: OrderRefunded) -> Facts:
    """Return what the shop gives back of an order that goes on, and its reason."""
    return {"amount_minor": event.amount_minor, "shop_reason": one_line(event.reason)}


def forfeit_facts(order: OrderView) -> Facts:
    """Return what was missed and what is kept for it."""
    return {
        "deposit_minor": order.deposit.amount_minor,
        "balance_minor": order.balance.amount_minor,
        "balance_due_at": _iso(order.balance_due_at),
    }


def late_payment_facts(event: LatePaymentRefused) -> Facts:
    """Return what goes back, and where the order stood when the money came."""
    return {"order_status": str(event.status), "amount_minor": event.amount_minor}


def shared_facts(order: OrderView, *, shop_name: str) -> Facts:
    """Return what every message states."""
    return {
        "order_id": str(order.id),
        "order_number": order.number,
        "currency": order.total.currency,
        "terms_version": order.terms_version,
        "buyer_name": one_line(order.buyer["name"]),
        "shop_name": one_line(shop_name),
    }


def _line(line: LineView) -> Facts:
    reason = line.price_reason
    return {
        "title": one_line(line.title),
        "numbers": list(line.numbers),
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price.amount_minor,
        "total_minor": line.total.amount_minor,
        "price_reason": reason["reason"],
        "price_tier": one_line(reason["tier"] or "") or None,
        "price_bps": reason["price_bps"],
        "gift": one_line(reason["gift"] or "") or None,
        "ships_by": line.ships_by.isoformat() if line.ships_by else None,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
