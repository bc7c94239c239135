"""Checkout: from a cart to an order with its slots, in one short transaction."""

from headless_presale.checkout.errors import (
    CampaignMismatch,
    CurrencyMismatch,
    PriceChanged,
    TermsOutdated,
)
from headless_presale.checkout.place import PlaceOrder, place_order
from headless_presale.checkout.reservation import drain
from headless_presale.checkout.rules import Buyer, CartLine
from headless_presale.kernel.postal import Address

__all__ = [
    "Address",
    "Buyer",
    "CampaignMismatch",
    "CartLine",
    "CurrencyMismatch",
    "PlaceOrder",
    "PriceChanged",
    "TermsOutdated",
    "drain",
    "place_order",
]
