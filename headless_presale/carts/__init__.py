"""Carts: what somebody means to buy, kept on the server and priced again at each look."""

from headless_presale.carts.claiming import claim_cart
from headless_presale.carts.errors import (
    CartChanged,
    CartEmpty,
    CartLineNotFound,
    CartNotFound,
    CurrencyMismatch,
    PriceChanged,
)
from headless_presale.carts.merging import move_cart
from headless_presale.carts.models import Cart
from headless_presale.carts.ordering import emptying_args, emptying_sql
from headless_presale.carts.reading import (
    QuotedCart,
    QuotedLine,
    StoredCart,
    find_cart,
    find_cart_of,
    quote_cart,
)
from headless_presale.carts.rules import (
    MAX_LINES,
    MAX_QUANTITY,
    CartLine,
    PriceChange,
    PriceChangeReason,
    PricedUnits,
    Unavailability,
    sum_lines,
)
from headless_presale.carts.service import (
    CartKey,
    accept_prices,
    create_cart,
    put_line,
    remove_line,
)

__all__ = [
    "MAX_LINES",
    "MAX_QUANTITY",
    "Cart",
    "CartChanged",
    "CartEmpty",
    "CartKey",
    "CartLine",
    "CartLineNotFound",
    "CartNotFound",
    "CurrencyMismatch",
    "PriceChange",
    "PriceChangeReason",
    "PriceChanged",
    "PricedUnits",
    "QuotedCart",
    "QuotedLine",
    "StoredCart",
    "Unavailability",
    "accept_prices",
    "claim_cart",
    "create_cart",
    "emptying_args",
    "emptying_sql",
    "find_cart",
    "find_cart_of",
    "move_cart",
    "put_line",
    "quote_cart",
    "remove_line",
    "sum_lines",
]
