"""An order and its messages' facts, as values: no database behind them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from headless_presale.campaigns import CancelPolicy, MissedBalance, PaymentPlan, PlanKind
from headless_presale.kernel.money import Money
from headless_presale.notifications import MessageKind, facts
from headless_presale.notifications.rendering import RenderedMessage, render
from headless_presale.orders import (
    LatePaymentRefused,
    LineView,
    OrderCancelled,
    OrderConfirmed,
    OrderRefunded,
    OrderStatus,
    OrderView,
)

ORDER_ID = UUID("0195a1c0-0000-7000-8000-000000000001")
ORDER_NUMBER = "AJQ7-CRBS"
OPENS = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
REMINDED = datetime(2026, 3, 15, 18, 0, tzinfo=UTC)
DUE = datetime(2026, 3, 16, 18, 0, tzinfo=UTC)


def line(
    numbers: tuple[int, ...] = (1, 2, 3, 7),
    *,
    title: str = "Nebula Fox",
    unit_minor: int = 9_000,
    reason: str = "TIME_TIER",
    tier: str | None = "Early bird",
    bps: int = 9_000,
    gift: str | None = None,
    currency: str = "CNY",
) -> LineView:
    """Return a line."""
    return LineView(
        id=UUID(int=1),
        item_id=UUID(int=2),
        pool_id=UUID(int=3),
        numbers=numbers,
        unit_price=Money(unit_minor, currency),
        price_reason={"reason": reason, "tier": tier, "price_bps": bps, "gift": gift},
        title=title,
        ships_by=date(2026, 6, 30),
    )


LINES = (
    line(gift="Enamel pin"),
    line((8, 9), unit_minor=9_500, reason="QUANTITY_TIER", tier="First 10", bps=9_500),
    line((11,), unit_minor=10_000, reason="LIST", tier=None, bps=10_000),
)
"""4 x 90.00 + 2 x 95.00 + 1 x 100.00 = 650.00; a deposit of 20 % is 130.00."""


def order(
    *,
    name: str = "Lin",
    lines: tuple[LineView, ...] = LINES,
    total_minor: int = 65_000,
    deposit_minor: int = 13_000,
    currency: str = "CNY",
    missed: MissedBalance = MissedBalance.FORFEIT,
    status: OrderStatus = OrderStatus.DEPOSIT_PAID,
    reminded_at: datetime | None = None,
) -> OrderView:
    """Return an order on a deposit plan, or on the full plan if the deposit is 0."""
    is_deposit = deposit_minor > 0
    plan = PaymentPlan(
        kind=PlanKind.DEPOSIT if is_deposit else PlanKind.FULL,
        deposit_bps=2_000 if is_deposit else None,
        balance_opens_at=OPENS if is_deposit else None,
        balance_due_at=DUE if is_deposit else None,
        missed_balance=missed,
    )
    return OrderView(
        id=ORDER_ID,
        shop_id=UUID(int=4),
        campaign_id=UUID(int=5),
        customer_id=UUID(int=6),
        status=status,
        total=Money(total_minor, currency),
        deposit=Money(deposit_minor, currency),
        balance=Money(total_minor - deposit_minor, currency),
        terms_version=3,
        payment_plan=plan.to_json(),
        cancel_policy=CancelPolicy().to_json(),
        buyer={"email": "lin@example.com", "name": name, "phone": None},
        shipping_address={},
        locale="en",
        request_hash="",
        hold_expires_at=OPENS - timedelta(days=9),
        balance_opens_at=plan.balance_opens_at,
        balance_remind_at=None,
        balance_due_at=plan.balance_due_at,
        reminded_at=reminded_at,
        placed_at=OPENS - timedelta(days=9),
        lines=lines,
    )


def confirmed(
    *, of: OrderView | None = None, is_late: bool = False, shop_name: str = "Moonlit Forge"
) -> dict[str, Any]:
    """Return the facts of a confirmation."""
    of = of or order()
    event = OrderConfirmed(
        order_id=of.id,
        campaign_id=of.campaign_id,
        source=OrderStatus.AWAITING_DEPOSIT,
        target=OrderStatus.DEPOSIT_PAID if of.deposit.amount_minor else OrderStatus.PAID,
        is_late=is_late,
    )
    return {
        **facts.shared_facts(of, shop_name=shop_name),
        **facts.confirmation_facts(of, event),
    }


def cancelled(
    *,
    of: OrderView | None = None,
    source: OrderStatus = OrderStatus.DEPOSIT_PAID,
    refunded_minor: int = 13_000,
    refunded_before_minor: int = 0,
    shop_reason: str | None = None,
    campaign_reason: str | None = None,
    at: datetime = OPENS,
    shop_name: str = "Moonlit Forge",
) -> dict[str, Any]:
    """Return the facts of a cancellation."""
    of = of or order()
    event = OrderCancelled(
        order_id=of.id,
        campaign_id=of.campaign_id,
        source=source,
        target=OrderStatus.CANCELLED,
        reason="changed my mind" if shop_reason is None else shop_reason,
        refunded_minor=refunded_minor,
        currency=of.total.currency,
        refunded_before_minor=refunded_before_minor,
        cancellation_id=None if shop_reason is None else UUID(int=7),
    )
    return {
        **facts.shared_facts(of, shop_name=shop_name),
        **facts.cancellation_facts(of, event, campaign_reason=campaign_reason, at=at),
    }


def refunded(
    reason: str = "A scratch on the box",
    *,
    of: OrderView | None = None,
    shop_name: str = "Moonlit Forge",
) -> dict[str, Any]:
    """Return the facts of money that the shop gives back."""
    of = of or order()
    event = OrderRefunded(
        order_id=of.id,
        campaign_id=of.campaign_id,
        merchant_refund_id=UUID(int=8),
        amount_minor=3_000,
        currency=of.total.currency,
        reason=reason,
    )
    return {**facts.shared_facts(of, shop_name=shop_name), **facts.refund_facts(event)}


def reminded(*, of: OrderView | None = None, shop_name: str = "Moonlit Forge") -> dict[str, Any]:
    """Return the facts of a reminder."""
    of = of or order()
    return {
        **facts.shared_facts(of, shop_name=shop_name),
        **facts.reminder_facts(of, due_at=DUE),
    }


def forfeited(*, of: OrderView | None = None, shop_name: str = "Moonlit Forge") -> dict[str, Any]:
    """Return the facts of a forfeited order."""
    of = of or order()
    return {**facts.shared_facts(of, shop_name=shop_name), **facts.forfeit_facts(of)}


def late(
    status: OrderStatus = OrderStatus.EXPIRED,
    *,
    of: OrderView | None = None,
    shop_name: str = "Moonlit Forge",
) -> dict[str, Any]:
    """Return the facts of a refused late payment."""
    of = of or order()
    event = LatePaymentRefused(
        order_id=of.id,
        campaign_id=of.campaign_id,
        status=status,
        amount_minor=13_000,
        currency=of.total.currency,
    )
    return {
        **facts.shared_facts(of, shop_name=shop_name),
        **facts.late_payment_facts(event),
    }


def every_message(*, of: OrderView, shop_name: str) -> dict[MessageKind, dict[str, Any]]:
    """Return facts for one message of each kind, all of one order."""
    return {
        MessageKind.ORDER_CONFIRMED: confirmed(of=of, is_late=True, shop_name=shop_name),
        MessageKind.BALANCE_REMINDER: reminded(of=of, shop_name=shop_name),
        MessageKind.ORDER_CANCELLED: cancelled(
            of=of, campaign_reason=shop_name, shop_name=shop_name
        ),
        MessageKind.ORDER_FORFEITED: forfeited(of=of, shop_name=shop_name),
        MessageKind.ORDER_REFUNDED: refunded(shop_name, of=of, shop_name=shop_name),
        MessageKind.LATE_PAYMENT_REFUSED: late(of=of, shop_name=shop_name),
        MessageKind.ORDER_LINK_RENEWED: facts.shared_facts(of, shop_name=shop_name),
    }


def say(
    kind: MessageKind, locale: str, context: dict[str, Any], link: str | None = None
) -> RenderedMessage:
    """Write a message; without a link it leads nowhere."""
    return render(kind, locale, context, order_link=link)
