"""Where a delivery stands, and why an endpoint is off."""

from enum import StrEnum

from headless_presale.kernel.lifecycle import Lifecycle


class DeliveryStatus(StrEnum):
    """Where a delivery stands. FAILED ones are the dead letters: nothing tries them any more."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


DELIVERY_LIFECYCLE = Lifecycle(
    "webhook delivery",
    {
        DeliveryStatus.PENDING: {DeliveryStatus.DELIVERED, DeliveryStatus.FAILED},
        # A replay sends either once more, under the same id.
        DeliveryStatus.DELIVERED: {DeliveryStatus.PENDING},
        DeliveryStatus.FAILED: {DeliveryStatus.PENDING},
    },
    initial=DeliveryStatus.PENDING,
)


class DisabledReason(StrEnum):
    """Why an endpoint gets nothing."""

    MERCHANT = "MERCHANT"
    """Somebody turned it off."""
    GONE = "GONE"
    """It answered 410: it does not want any more."""
    FAILING = "FAILING"
    """It took nothing for days."""
