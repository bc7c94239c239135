"""What every mutation of a storefront, and every private read of it, is asked with.

A new one has to be put here: into one of the tables, or among those that name nobody's thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.graphql.storefront.matrix.world import House

Body = Callable[[House], dict[str, Any]]

CUSTOMER = frozenset({"customer"})
TOKEN = frozenset({"token"})
BOTH = CUSTOMER | TOKEN

HOME = {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road"}


@dataclass(frozen=True, slots=True)
class Example:
    """A complete, acceptable input of a house.

    Attributes:
        body: with the token of what it names, which those who have none leave out.
        opened_by: who gets at what it names: its customer, whoever holds its token.
        says: what is said to those who do, where the world lets it go no further.
    """

    body: Body
    opened_by: frozenset[str] = BOTH
    says: str | None = None


def _line(cart: str) -> Body:
    return lambda house: {
        "cartId": house.ids[cart],
        "campaignItemId": house.ids["item"],
        "token": house.tokens.get(cart),
    }


def _carts(**more: Any) -> tuple[Example, ...]:
    """Return a change of a line, in the cart of a guest and in that of a customer."""
    return (
        Example(lambda house: {**_line("guest cart")(house), **more}, TOKEN),
        Example(lambda house: {**_line("cart")(house), **more}, CUSTOMER),
    )


def _ordering(cart: str) -> Body:
    return lambda house: {
        "shop": house.shop.slug,
        "cartId": house.ids[cart],
        "cartToken": house.tokens.get(cart),
        "buyer": {"name": "A buyer", "email": None if cart == "cart" else "guest@example.com"},
        "shippingAddress": HOME,
        "acceptedTermsVersion": 1,
        "idempotencyKey": "another-order",
    }


MUTATIONS: Mapping[str, tuple[Example, ...]] = {
    "orderPlace": (Example(_ordering("guest cart"), TOKEN), Example(_ordering("cart"), CUSTOMER)),
    "orderCancel": (
        Example(lambda house: {"orderId": house.ids["order"], "token": house.tokens["order"]}),
    ),
    "paymentStart": (
        Example(
            lambda house: {
                "orderId": house.ids["order"],
                "token": house.tokens["order"],
                "leg": "FULL",
                "gateway": "nowhere",
                "idempotencyKey": "a-payment",
            },
            # There is no gateway here; what counts is that one is asked for.
            says="GATEWAY_UNKNOWN",
        ),
    ),
    "orderTokenRevoke": (
        Example(
            lambda house: {"orderId": house.ids["order"], "idempotencyKey": "a-revocation"},
            CUSTOMER,
        ),
    ),
    "cartLineAdd": _carts(quantity=2),
    "cartLineUpdate": _carts(quantity=3),
    "cartLineRemove": _carts(),
    "cartPricesAccept": (
        Example(
            lambda house: {
                "cartId": house.ids["guest cart"],
                "token": house.tokens["guest cart"],
            },
            TOKEN,
        ),
        Example(lambda house: {"cartId": house.ids["cart"]}, CUSTOMER),
    ),
    "profileUpdate": (Example(lambda house: {"version": 2, "name": f"New {house.mark}"}),),
    "addressAdd": (Example(lambda house: {"name": f"New {house.mark}", "address": HOME}),),
    "addressUpdate": (
        Example(
            lambda house: {
                "addressId": house.ids["address"],
                "name": f"New {house.mark}",
                "address": HOME,
                "version": 1,
            },
            CUSTOMER,
        ),
    ),
    "addressRemove": (Example(lambda house: {"addressId": house.ids["address"]}, CUSTOMER),),
    "addressSetDefault": (Example(lambda house: {"addressId": house.ids["address"]}, CUSTOMER),),
    "consentGive": (
        Example(
            lambda house: {"kind": "DATA_SHARING", "textVersion": "2026-03", "source": "ACCOUNT"}
        ),
    ),
    "consentWithdraw": (Example(lambda house: {"kind": "PERSONALISATION", "source": "ACCOUNT"}),),
    "personalDataExport": (Example(lambda house: {"locale": "en"}),),
    "customerErase": (Example(lambda house: {"isConfirmed": True}),),
    "emailProve": (
        # All of them have an address: another one is another account.
        Example(
            lambda house: {"email": "new@example.com", "code": "000000"},
            says="EMAIL_PROVEN_ALREADY",
        ),
    ),
    "notificationChoiceSet": (Example(lambda house: {"kind": "NEWS", "isOn": True}),),
}
"""Those that name something private, and those that are for customers alone."""

OPEN_MUTATIONS = {
    # Nobody's yet: they make something, or let somebody in who shows a secret of his own.
    "campaignNotifyMe",
    "cartCreate",
    "eventsRecord",
    "sessionRefresh",
    "signInCodeRedeem",
    "signInCodeRequest",
    "signInOidcComplete",
    "signInOidcStart",
    "signInWeChat",
    "signOut",
    # Takes over what its token opens: the token is what it is about (test_carts_of_customers.py).
    "cartClaim",
}
"""What names nothing that is somebody's."""

READS: Mapping[str, tuple[Example, ...]] = {
    "me": (Example(lambda house: {}, CUSTOMER),),
    "order": (Example(lambda house: {"id": house.ids["order"], "token": house.tokens["order"]}),),
    "cart": (
        Example(
            lambda house: {"id": house.ids["guest cart"], "token": house.tokens["guest cart"]},
            TOKEN,
        ),
        Example(lambda house: {"id": house.ids["cart"]}, CUSTOMER),
    ),
}
"""Fields of the query that lead to what is private."""

OPEN_READS = {"node", "serverTime", "shop"}
"""Fields of the query that are for everybody; a test walks what they lead to."""

SUBSCRIPTIONS: Mapping[str, tuple[Example, ...]] = {
    "orderTracking": (
        Example(lambda house: {"orderId": house.ids["order"], "token": house.tokens["order"]}),
    ),
}
"""Subscriptions to what is private."""

OPEN_SUBSCRIPTIONS = {"campaignAvailability", "campaignProgress"}
"""Subscriptions for everybody."""

PRIVATE_TYPES = {"Cart", "Customer", "Order", "PersonalDataExport"}
"""What no open field leads to."""
