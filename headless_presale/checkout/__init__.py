"""Checkout: from a cart to an order with its slots, in one short transaction."""

from headless_presale.carts import CartLine
from headless_presale.checkout.command import PlaceOrder
from headless_presale.checkout.errors import BuyerMismatch, CampaignMismatch, TermsOutdated
from headless_presale.checkout.place import place_order
from headless_presale.checkout.reservation import drain
from headless_presale.checkout.rules import Account, Buyer
from headless_presale.checkout.sold_out import find_sold_out, is_any_sold_out
from headless_presale.kernel.postal import Address

__all__ = [
    "Account",
    "Address",
    "Buyer",
    "BuyerMismatch",
    "CampaignMismatch",
    "CartLine",
    "PlaceOrder",
    "TermsOutdated",
    "drain",
    "find_sold_out",
    "is_any_sold_out",
    "place_order",
]
