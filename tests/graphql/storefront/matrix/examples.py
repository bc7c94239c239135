"""What every mutation of a storefront, and every private read of it, is asked with.

A new one has to be put here: into one of the tables, or among those that name nobody's thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resolvers.global_ids import seal
from tests.graphql.storefront.matrix.world import House, nowhere

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


def _in_shop(**more: Any) -> Body:
    return lambda house: {"shop": house.shop.slug, **more}


def _mail(**more: Any) -> Body:
    return _in_shop(email="new@example.com", **more)


def _provider(**more: Any) -> Body:
    return lambda house: {
        "shop": house.shop.slug,
        "providerId": nowhere(seal("SignInProvider", house.shop.id)),
        "redirectUri": "https://shop.example.com/back",
        **more,
    }


OPEN_MUTATIONS: Mapping[str, Body] = {
    # Nobody's yet: they make something, or let somebody in who shows a secret of his own.
    "campaignNotifyMe": lambda house: {
        "campaignId": house.ids["campaign"],
        "email": "new@example.com",
        "consent": True,
    },
    "cartCreate": _in_shop(),
    "eventsRecord": lambda house: {
        "events": [{"type": "VIEW", "campaignId": house.ids["campaign"]}]
    },
    "sessionRefresh": lambda house: {"refreshToken": house.tokens["refresh"]},
    "signInCodeRedeem": _mail(code="000000"),
    "signInCodeRequest": _mail(),
    "signInOidcComplete": _provider(code="a", state="b", browserKey="c"),
    "signInOidcStart": _provider(),
    "signInWeChat": _in_shop(code="a"),
    "signOut": lambda house: {"everywhere": False},
    # Takes over what its token opens: the token is what it is about (test_carts_of_customers.py).
    "cartClaim": lambda house: {
        "cartId": house.ids["guest cart"],
        "token": house.tokens["guest cart"],
    },
}
"""What names nothing that is somebody's, with what it is asked with."""

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


def _node(kind: str) -> Body:
    return lambda house: {"id": house.ids[kind]}


OPEN_READS: Mapping[str, Mapping[str, Body]] = {
    "node": {
        "Campaign": _node("campaign"),
        "CampaignItem": _node("item"),
        "Product": _node("product"),
        "ProductVariant": _node("variant"),
        "Shop": lambda house: {"id": seal("Shop", house.shop.id)},
    },
    "serverTime": {"": lambda house: {}},
    "shop": {"": lambda house: {"slug": house.shop.slug}},
}
"""Fields of the query that are for everybody, by the kinds of what they lead to; a test walks what
that leads to."""

SUBSCRIPTIONS: Mapping[str, tuple[Example, ...]] = {
    "orderTracking": (
        Example(lambda house: {"orderId": house.ids["order"], "token": house.tokens["order"]}),
    ),
}
"""Subscriptions to what is private."""

OPEN_SUBSCRIPTIONS: Mapping[str, Body] = {
    "campaignAvailability": lambda house: {"campaignId": house.ids["campaign"]},
    "campaignProgress": lambda house: {"campaignId": house.ids["campaign"]},
}
"""Subscriptions for everybody."""

PRIVATE_TYPES = {"Cart", "Customer", "Order", "PersonalDataExport"}
"""What no open field leads to."""
