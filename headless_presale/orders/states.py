"""The life of an order."""

from enum import StrEnum

from headless_presale.kernel.lifecycle import Lifecycle


class OrderStatus(StrEnum):
    """Where an order stands."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    AWAITING_DEPOSIT = "AWAITING_DEPOSIT"
    DEPOSIT_PAID = "DEPOSIT_PAID"
    AWAITING_BALANCE = "AWAITING_BALANCE"
    PAID = "PAID"
    EXPIRED = "EXPIRED"
    FORFEITED = "FORFEITED"
    CANCELLED = "CANCELLED"


ORDER_LIFECYCLE = Lifecycle(
    "order",
    {
        OrderStatus.AWAITING_PAYMENT: {
            OrderStatus.PAID,
            OrderStatus.EXPIRED,
            OrderStatus.CANCELLED,
        },
        OrderStatus.AWAITING_DEPOSIT: {
            OrderStatus.DEPOSIT_PAID,
            OrderStatus.EXPIRED,
            OrderStatus.CANCELLED,
        },
        OrderStatus.DEPOSIT_PAID: {OrderStatus.AWAITING_BALANCE, OrderStatus.CANCELLED},
        # A balance missed past its due date forfeits or refunds by policy; it never cancels
        # silently.
        OrderStatus.AWAITING_BALANCE: {
            OrderStatus.PAID,
            OrderStatus.FORFEITED,
            OrderStatus.CANCELLED,
        },
        OrderStatus.PAID: {OrderStatus.CANCELLED},
        # Money that arrives after the hold ran out takes its slots again while there are some.
        OrderStatus.EXPIRED: {OrderStatus.DEPOSIT_PAID, OrderStatus.PAID},
        OrderStatus.FORFEITED: set(),
        OrderStatus.CANCELLED: set(),
    },
    # By the campaign's payment plan: all at once, or a deposit first.
    initial=(OrderStatus.AWAITING_PAYMENT, OrderStatus.AWAITING_DEPOSIT),
)

HOLDING = frozenset({OrderStatus.AWAITING_PAYMENT, OrderStatus.AWAITING_DEPOSIT})
"""The slots are held: they return by themselves when the hold expires."""

CLAIMING = frozenset({OrderStatus.DEPOSIT_PAID, OrderStatus.AWAITING_BALANCE, OrderStatus.PAID})
"""The slots are claimed: somebody paid for them."""

RELEASED = frozenset({OrderStatus.EXPIRED, OrderStatus.FORFEITED, OrderStatus.CANCELLED})
"""The slots went back to the pool."""
