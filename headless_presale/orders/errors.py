"""What orders say no with."""

from headless_presale.kernel.errors import DomainError, NotFound


class OrderNotFound(NotFound):
    """No such order, or the token is not its own: the two look the same."""

    code = "ORDER_NOT_FOUND"
    template = "the order was not found"


class CancelNotAllowed(DomainError):
    """The policy the order was placed under does not let it go any more. ``params``: status."""

    code = "CANCEL_NOT_ALLOWED"
    template = "an order that is {status} cannot be cancelled"


class CancelPreviewOutdated(DomainError):
    """More would be cancelled or refunded than was shown. ``params``: orders,
    preview, currency."""

    code = "CANCEL_PREVIEW_OUTDATED"
    template = "there are {orders} orders now: look again before the campaign is cancelled"
