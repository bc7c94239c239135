"""The money of an order as its merchant counts it: owed, paid, given back, by leg and gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from headless_presale.kernel.money import Money
from headless_presale.orders import (
    HOLDING,
    MerchantRefund,
    OrderStatus,
    OrderView,
    leg_amount,
    refundable,
)
from headless_presale.payments import (
    Account,
    Booking,
    Payment,
    PaymentLeg,
    Refund,
    RefundStatus,
    held_of,
)
from resolvers.context import RequestContext
from resolvers.orders import payments_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneySum:
    """What came and what goes back.

    Attributes:
        paid: captured, also what was paid twice or too late.
        refunded: gone back or on its way.
        pending: the part of it that no gateway has confirmed yet.
    """

    paid: Money
    refunded: Money
    pending: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class LegMoney:
    """One part of the price and what became of it."""

    leg: PaymentLeg
    amount: Money
    sum: MoneySum
    opens_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoney:
    """The money of one order.

    ``due`` is what its price still lacks while it is open, ``refundable`` the most that its
    merchant can give back now.
    """

    due: Money
    sum: MoneySum
    refundable: Money
    legs: Sequence[LegMoney]
    gateways: Mapping[str, MoneySum]


async def money_of(context: RequestContext, order: OrderView) -> OrderMoney:
    """Return what is owed, what came and what goes back."""
    payments = await payments_of(context, order)
    captured = [payment for payment in payments if payment.captured_at is not None]
    currency = order.total.currency
    is_deposit = order.deposit.amount_minor > 0
    legs = (PaymentLeg.DEPOSIT, PaymentLeg.BALANCE) if is_deposit else (PaymentLeg.FULL,)
    return OrderMoney(
        due=_due(order),
        sum=_summed(captured, currency),
        refundable=refundable(order, held_of(payments)),
        legs=[
            LegMoney(
                leg=leg,
                amount=leg_amount(order, leg),
                sum=_summed([p for p in captured if p.leg is leg], currency),
                opens_at=order.balance_opens_at if leg is PaymentLeg.BALANCE else None,
                due_at=order.balance_due_at if leg is PaymentLeg.BALANCE else order.hold_expires_at,
            )
            for leg in legs
        ],
        gateways={
            name: _summed([p for p in captured if p.gateway == name], currency)
            for name in dict.fromkeys(payment.gateway for payment in captured)
        },
    )


def _due(order: OrderView) -> Money:
    if order.status in HOLDING:
        return order.total
    if order.status in (OrderStatus.DEPOSIT_PAID, OrderStatus.AWAITING_BALANCE):
        return order.balance
    return Money.zero(order.total.currency)


def _summed(payments: Sequence[Payment], currency: str) -> MoneySum:
    refunds = [refund for payment in payments for refund in payment.refunds]
    pending = [refund for refund in refunds if refund.status is not RefundStatus.SUCCEEDED]
    return MoneySum(
        paid=Money(sum(payment.amount_minor for payment in payments), currency),
        refunded=_total(refunds, currency),
        pending=_total(pending, currency),
    )


def _total(refunds: Sequence[Refund], currency: str) -> Money:
    return Money(sum(refund.amount_minor for refund in refunds), currency)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was booked on an order, and what each account comes to; debits are positive."""

    bookings: Sequence[Booking]
    balances: Mapping[Account, Money]


async def ledger_of(context: RequestContext, order: OrderView) -> Ledger:
    """Return the books of an order; accounts that come to nothing are left out."""
    bookings = await context.loaders.bookings_of.load(order.id)
    minor = dict.fromkeys(Account, 0)
    for booking in bookings:
        minor[booking.debit] += booking.amount.amount_minor
        minor[booking.credit] -= booking.amount.amount_minor
    currency = order.total.currency
    return Ledger(bookings, {name: Money(sum_, currency) for name, sum_ in minor.items() if sum_})


async def refunds_carrying_out(
    context: RequestContext, order: OrderView, decided: MerchantRefund
) -> list[tuple[Payment, Refund]]:
    """Return the refunds of payments that a merchant's refund consists of."""
    return [
        (payment, refund)
        for payment in await payments_of(context, order)
        for refund in payment.refunds
        if refund.reason == decided.cause
    ]
