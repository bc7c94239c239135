"""What every mutation, and every argument of a merchant's field, is asked with.

An example is a complete, acceptable input of the first house. Several examples of one mutation
cover inputs that exclude each other. All ids that an input can hold have to be in one of them; a
test compares.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from headless_presale.identity import ROLE_SCOPES, Role, Scope
from headless_presale.kernel import clock
from tests.graphql.admin.tenancy import catalog, media, sign_in_providers, webhooks
from tests.graphql.admin.tenancy.campaign_examples import CAMPAIGN_MUTATIONS
from tests.graphql.admin.tenancy.world import Example, House

MUTATIONS: Mapping[str, tuple[Example, ...]] = {
    "merchantUpdate": (lambda house: {"name": f"New {house.mark}", "version": 1},),
    "shopCreate": (
        lambda house: {"slug": f"third-{house.mark}", "name": "Third", "currency": "EUR"},
    ),
    "shopUpdate": (
        lambda house: {
            "shopId": house.ids["shop"],
            "version": 1,
            "contactEmail": f"hello@{house.mark}.example.com",
            "trustedDocumentsOnly": True,
            "storefrontOrigins": [f"https://{house.mark}.example.com"],
            "translations": [{"locale": "fr", "name": f"Boutique of {house.mark}"}],
        },
    ),
    "shopPoliciesUpdate": (
        lambda house: {"shopId": house.ids["shop"], "version": 1, "warnShipDays": 45},
    ),
    "staffInvite": (
        lambda house: {
            "email": f"new@{house.mark}.example.com",
            "role": "SUPPORT",
            "shopIds": [house.ids["shop"]],
        },
    ),
    "invitationRevoke": (lambda house: {"invitationId": house.ids["invitation"]},),
    "staffUpdate": (
        lambda house: {
            "memberId": house.ids["member"],
            "role": "ANALYST",
            "shopIds": [house.ids["shop"]],
            "version": 1,
        },
    ),
    "staffDeactivate": (lambda house: {"memberId": house.ids["member"], "version": 1},),
    "staffReactivate": (lambda house: {"memberId": house.ids["member"], "version": 1},),
    "apiClientCreate": (
        lambda house: {
            "name": "WMS",
            "kind": "SERVICE",
            "scopes": ["orders:read"],
            "shopIds": [house.ids["shop"]],
        },
    ),
    "apiClientUpdate": (
        lambda house: {
            "clientId": house.ids["client"],
            "name": "Renamed",
            "scopes": ["catalog:read"],
            "redirectUris": ["https://new.example.com/callback"],
            "shopIds": [house.ids["shop"]],
            "version": 1,
        },
    ),
    "apiClientSecretRotate": (lambda house: {"clientId": house.ids["client"], "version": 1},),
    "apiClientDisable": (lambda house: {"clientId": house.ids["client"], "version": 1},),
    "grantRevoke": (lambda house: {"grantId": house.ids["grant"]},),
    "orderNoteAdd": (
        lambda house: {
            "orderId": house.ids["order"],
            "text": f"Note of {house.mark}",
            "idempotencyKey": "a-note",
        },
    ),
    "orderRefund": (
        lambda house: {
            "orderId": house.ids["order"],
            "amountMinor": 1_000,
            "reason": "scratched",
            "version": 2,
            "idempotencyKey": "a-refund",
        },
        lambda house: {
            "orderId": house.ids["order"],
            "lines": [{"lineId": house.ids["order line"], "quantity": 1}],
            "reason": "scratched",
            "version": 2,
            "idempotencyKey": "a-refund",
        },
    ),
    "orderTokenRevokeByMerchant": (
        lambda house: {
            "orderId": house.ids["order"],
            "version": 2,
            "idempotencyKey": "a-revocation",
        },
    ),
    "orderCancelByMerchant": (
        lambda house: {
            "orderId": house.ids["order"],
            "terms": "FULL_REFUND",
            "reason": "the kiln broke",
            "version": 2,
            "idempotencyKey": "a-cancellation",
        },
    ),
    # Of nobody who is told from anybody else by an id: the shop is what is another's.
    "personalDataErase": (
        lambda house: {
            "shopId": house.ids["shop"],
            "email": f"buyer@{house.mark}.example.com",
            "isDelivered": True,
        },
    ),
    **CAMPAIGN_MUTATIONS,
    **webhooks.MUTATIONS,
    **catalog.MUTATIONS,
    **media.MUTATIONS,
    **sign_in_providers.MUTATIONS,
}

GIVES: Mapping[str, frozenset[Scope]] = {
    "staffInvite": ROLE_SCOPES[Role.SUPPORT],
    "staffUpdate": ROLE_SCOPES[Role.SUPPORT] | ROLE_SCOPES[Role.ANALYST],
    "staffDeactivate": ROLE_SCOPES[Role.SUPPORT],
    "staffReactivate": frozenset(),
    "apiClientCreate": frozenset({Scope.ORDERS_READ}),
    "apiClientUpdate": frozenset({Scope.CATALOG_READ}),
    "apiClientSecretRotate": frozenset({Scope.CATALOG_READ}),
    **webhooks.GIVES,
}
"""Permissions that a mutation's example gives or takes: whoever lacks one is told so, as data."""

ARGUMENTS: Mapping[str, Callable[[House], Any]] = {
    "Merchant.shop(slug)": lambda house: house.shop.slug,
    "Merchant.auditLog(filter)": lambda house: {"subjectId": house.ids["member"]},
    "AdminShop.campaign(id)": lambda house: house.ids["open campaign"],
    "Merchant.orders(shopIds)": lambda house: [house.ids["shop"]],
    "Merchant.orders(filter)": lambda house: {"campaignId": house.ids["campaign"]},
    "AdminShop.auditLog(filter)": lambda house: {"subjectId": house.ids["shop"]},
    "AdminCampaign.funnel(from)": lambda house: (clock.now() - timedelta(days=1)).isoformat(),
    "AdminCampaign.funnel(until)": lambda house: clock.now().isoformat(),
    "AdminShop.sales(from)": lambda house: (clock.now() - timedelta(days=1)).isoformat(),
    "AdminShop.sales(until)": lambda house: clock.now().isoformat(),
    "AdminShop.sales(by)": lambda house: "DAY",
    "AdminShop.sales(campaignId)": lambda house: house.ids["campaign"],
    "Merchant.webhookEndpoint(id)": lambda house: house.ids["endpoint"],
    **catalog.ARGUMENTS,
    "AdminShop.orders(filter)": lambda house: {"campaignId": house.ids["campaign"]},
    # Twenty times all of an order, by edges and by nodes, is more than may be asked at once.
    "AdminShop.orders(first)": lambda house: 5,
    "AdminShop.campaigns(first)": lambda house: 5,
    "AdminShop.order(id)": lambda house: house.ids["order"],
}
"""Values of the arguments of guarded fields; paging needs none where the default will do."""

MAY_BE_EMPTY = frozenset({"AdminShop.auditLog"})
"""Fields whose answer to the owner may hold nothing in this world."""
