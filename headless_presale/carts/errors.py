"""What carts say no with."""

from headless_presale.kernel.errors import DomainError, NotFound


class CartNotFound(NotFound):
    """No such cart, or not for this caller, or it has ended: all look alike."""

    code = "CART_NOT_FOUND"
    template = "the cart was not found"


class CartLineNotFound(NotFound):
    """The cart has no line of this item."""

    code = "CART_LINE_NOT_FOUND"
    template = "the cart has no such line"


class CartEmpty(DomainError):
    """There is nothing in the cart to order."""

    code = "CART_EMPTY"
    template = "the cart is empty"


class CartChanged(DomainError):
    """The cart was changed, or ordered, while its order was being placed."""

    code = "CART_CHANGED"
    template = "the cart has changed while it was being ordered"


class CurrencyMismatch(DomainError):
    """The lines are priced in several currencies."""

    code = "CURRENCY_MISMATCH"
    template = "the lines are priced in several currencies"


class PriceChanged(DomainError):
    """The total is not what the buyer was shown. ``params``: total (as text), money."""

    code = "PRICE_CHANGED"
    template = "the total is {total} now"
