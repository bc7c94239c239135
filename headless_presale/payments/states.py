"""The lives of a payment and of a refund."""

from enum import StrEnum

from headless_presale.kernel.lifecycle import Lifecycle


class PaymentLeg(StrEnum):
    """Which part of an order a payment is for."""

    DEPOSIT = "DEPOSIT"
    BALANCE = "BALANCE"
    FULL = "FULL"


class PaymentStatus(StrEnum):
    """Where a payment stands. A declined attempt leaves it PENDING: the buyer may try again."""

    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    CANCELLED = "CANCELLED"
    MISMATCHED = "MISMATCHED"


PAYMENT_LIFECYCLE = Lifecycle(
    "payment",
    {
        PaymentStatus.PENDING: {
            PaymentStatus.CAPTURED,
            PaymentStatus.CANCELLED,
            # Money is there that pays for nothing: another amount or currency than was asked for,
            # or a leg that another payment has paid, in which case it goes back.
            PaymentStatus.MISMATCHED,
        },
        # The gateway may capture what we tried to call off a moment too late.
        PaymentStatus.CANCELLED: {PaymentStatus.CAPTURED, PaymentStatus.MISMATCHED},
        PaymentStatus.CAPTURED: set(),
        PaymentStatus.MISMATCHED: set(),
    },
    initial=PaymentStatus.PENDING,
)


class RefundStatus(StrEnum):
    """Where a refund stands."""

    REQUESTED = "REQUESTED"
    SUBMITTED = "SUBMITTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


REFUND_LIFECYCLE = Lifecycle(
    "refund",
    {
        RefundStatus.REQUESTED: {
            RefundStatus.SUBMITTED,
            RefundStatus.SUCCEEDED,
            RefundStatus.FAILED,
        },
        RefundStatus.SUBMITTED: {RefundStatus.SUCCEEDED, RefundStatus.FAILED},
        # The money is still owed; it is asked for again.
        RefundStatus.FAILED: {RefundStatus.REQUESTED},
        RefundStatus.SUCCEEDED: set(),
    },
    initial=RefundStatus.REQUESTED,
)
