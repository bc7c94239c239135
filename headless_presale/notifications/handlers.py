"""Which events a buyer hears of. Each handler is part of the transaction that emits the event.

They only note the facts and ask for a job. Nothing is rendered or sent here: a mail that cannot be
written must never undo the payment it reports.

Unpaid baskets get no mail. A hold that ran out (``OrderExpired``), or an order called off before
anything was paid, ends something the buyer never got a confirmation of; the storefront showed the
countdown, and a mail to an address that nobody has paid from would be one that anybody can have
sent to a stranger. Should money come after all, ``LatePaymentRefused`` speaks of it.
"""

from uuid import UUID

from headless_presale.campaigns import Campaign, CampaignStatus
from headless_presale.kernel import clock
from headless_presale.notifications import facts
from headless_presale.notifications.facts import Facts
from headless_presale.notifications.models import MessageKind
from headless_presale.notifications.writing import write_message
from headless_presale.orders import (
    HOLDING,
    BalanceReminded,
    LatePaymentRefused,
    OrderCancelled,
    OrderConfirmed,
    OrderForfeited,
    OrderNotFound,
    OrderRefunded,
    OrderTokenRevoked,
    OrderView,
    find_order,
    is_new_link_mailed,
)
from headless_presale.payments import Refund
from headless_presale.shops import get_shop_by_id, mail_locale, shop_name


async def on_order_confirmed(event: OrderConfirmed) -> None:
    """Confirm the order with all its details."""
    order = await _get_order(event.order_id)
    await _write(
        MessageKind.ORDER_CONFIRMED, order.id, order, facts.confirmation_facts(order, event)
    )


async def on_balance_reminded(event: BalanceReminded) -> None:
    """Remind of the balance."""
    order = await _get_order(event.order_id)
    await _write(
        MessageKind.BALANCE_REMINDER,
        order.id,
        order,
        facts.reminder_facts(order, due_at=event.due_at),
    )


async def on_order_cancelled(event: OrderCancelled) -> None:
    """Tell of the end of a paid order and of its refund."""
    if event.source in HOLDING:
        return
    order = await _get_order(event.order_id)
    campaign = await Campaign.get(id=event.campaign_id)
    is_campaign_cancelled = campaign.status is CampaignStatus.CANCELLED
    await _write(
        MessageKind.ORDER_CANCELLED,
        order.id,
        order,
        facts.cancellation_facts(
            order,
            event,
            campaign_reason=campaign.cancel_reason if is_campaign_cancelled else None,
            at=clock.now(),
        ),
    )


async def on_order_forfeited(event: OrderForfeited) -> None:
    """Tell that the balance was missed and the deposit is kept."""
    order = await _get_order(event.order_id)
    await _write(MessageKind.ORDER_FORFEITED, order.id, order, facts.forfeit_facts(order))


async def on_order_refunded(event: OrderRefunded) -> None:
    """Tell of money that the shop gives back though the order goes on."""
    order = await _get_order(event.order_id)
    await _write(
        MessageKind.ORDER_REFUNDED, event.merchant_refund_id, order, facts.refund_facts(event)
    )


async def on_late_payment_refused(event: LatePaymentRefused) -> None:
    """Tell that money came too late and goes back."""
    # An order can be paid too late more than once, and each payment deserves its answer: the
    # refund, one per payment, is what the message is about. Its order is locked, so the newest
    # refund is the one that this event tells of.
    refund = (
        await Refund.filter(payment__order_id=event.order_id, reason="late_payment")
        .order_by("-created_at", "-id")
        .first()
    )
    order = await _get_order(event.order_id)
    await _write(
        MessageKind.LATE_PAYMENT_REFUSED,
        refund.id if refund else order.id,
        order,
        facts.late_payment_facts(event),
    )


async def on_order_token_revoked(event: OrderTokenRevoked) -> None:
    """Send the link that counts now; it is made when the mail is sent."""
    order = await _get_order(event.order_id)
    if is_new_link_mailed(order):
        await _write(MessageKind.ORDER_LINK_RENEWED, event.revocation_id, order, {})


async def _get_order(order_id: UUID) -> OrderView:
    order = await find_order(order_id)
    if order is None:
        raise OrderNotFound()
    return order


async def _write(kind: MessageKind, subject_id: UUID, order: OrderView, stated: Facts) -> None:
    """Write a message and ask for it to be sent; once per kind and subject."""
    if order.is_erased:
        # He has been forgotten, and what still happens to his order has nobody to be told.
        return
    shop = await get_shop_by_id(order.shop_id)
    locale = mail_locale(shop, order.locale)
    context = {**facts.shared_facts(order, shop_name=shop_name(shop, locale)), **stated}
    await write_message(
        kind, subject_id, recipient=order.buyer["email"], locale=locale, context=context
    )
