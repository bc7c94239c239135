"""When somebody can be forgotten. Pure."""

from datetime import date, timedelta
from enum import Enum, auto

from headless_presale.orders import CLAIMING, HOLDING, OrderStatus

DELIVERED_AFTER = timedelta(days=30)
"""So long after the promised date a paid order counts as delivered, where nobody says otherwise.

Nothing here knows of parcels. Until then the shop needs name and address: to ship, to tell of a
delay, to pay back."""


class Standing(Enum):
    """What erasing a person means for one of his orders."""

    OVER = auto()
    UNPAID = auto()
    UNDER_WAY = auto()


def standing_of(
    status: OrderStatus, ships_by: date | None, *, today: date, is_delivered: bool
) -> Standing:
    """Tell whether an order still needs to know whom it is for.

    Args:
        ships_by: the latest promise of any of its lines; None where none was made.
        is_delivered: the merchant says that what is paid in full has been delivered.
    """
    if status in HOLDING:
        return Standing.UNPAID
    if status not in CLAIMING:
        return Standing.OVER
    if status is not OrderStatus.PAID:
        return Standing.UNDER_WAY
    is_long_ago = ships_by is not None and today > ships_by + DELIVERED_AFTER
    return Standing.OVER if is_delivered or is_long_ago else Standing.UNDER_WAY
