"""What orders say no with."""

from headless_presale.kernel.errors import DomainError, NotFound


class OrderNotFound(NotFound):
    """No such order, or the token is not its own: the two look the same."""

    code = "ORDER_NOT_FOUND"
    template = "the order was not found"


class OrderTokenEnded(DomainError):
    """A guest repeats the placing of an order whose token was revoked since: the repetition would
    give him the new one."""

    code = "ORDER_TOKEN_REVOKED"
    template = "the order's link was replaced: use the one that was mailed"


class OrderLinkNotConfigured(DomainError):
    """A token that is taken back needs a link to take its place, and none can be made: the
    storefront's address of an order is not set."""

    code = "ORDER_LINK_NOT_CONFIGURED"
    template = "no new link can be mailed: PRESALE_ORDER_URL_TEMPLATE is not set"


class CancelNotAllowed(DomainError):
    """The policy the order was placed under does not let it go any more. ``params``: status."""

    code = "CANCEL_NOT_ALLOWED"
    template = "an order that is {status} cannot be cancelled"


class OrderLineNotFound(NotFound):
    """No such line in this order."""

    code = "ORDER_LINE_NOT_FOUND"
    template = "the order has no such line"


class RefundNotAllowed(DomainError):
    """An order that is unpaid or over has nothing that the merchant can give back. ``params``:
    status.
    """

    code = "REFUND_NOT_ALLOWED"
    template = "nothing of an order that is {status} can be given back"


class RefundTooLarge(DomainError):
    """More than the shop holds of the order. ``params``: refundable (as text), money."""

    code = "REFUND_TOO_LARGE"
    template = "at most {refundable} can be given back"


class CancelPreviewOutdated(DomainError):
    """More would be cancelled or refunded than was shown. ``params``: orders,
    preview, currency."""

    code = "CANCEL_PREVIEW_OUTDATED"
    template = "there are {orders} orders now: look again before the campaign is cancelled"
