"""What the mutations of webhooks are asked with."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from headless_presale.identity import Scope
from headless_presale.kernel import clock
from tests.graphql.admin.tenancy.world import House

MUTATIONS: Mapping[str, tuple[Callable[[House], dict[str, Any]], ...]] = {
    "webhookEndpointCreate": (
        lambda house: {
            "url": "https://new.example.com/hooks",
            "eventTypes": ["order.*"],
            "shopIds": [house.ids["shop"]],
        },
    ),
    "webhookEndpointUpdate": (
        lambda house: {
            "endpointId": house.ids["endpoint"],
            "url": "https://new.example.com/hooks",
            "eventTypes": ["order.placed"],
            "shopIds": [house.ids["shop"]],
            "version": 1,
        },
    ),
    "webhookEndpointSecretRotate": (
        lambda house: {"endpointId": house.ids["endpoint"], "version": 1},
    ),
    "webhookEndpointDisable": (lambda house: {"endpointId": house.ids["endpoint"], "version": 1},),
    "webhookEndpointEnable": (lambda house: {"endpointId": house.ids["endpoint"], "version": 1},),
    "webhookEndpointDelete": (lambda house: {"endpointId": house.ids["endpoint"], "version": 1},),
    "webhookTestSend": (lambda house: {"endpointId": house.ids["endpoint"]},),
    "webhookDeliveryReplay": (lambda house: {"deliveryId": house.ids["delivery"]},),
    "webhookEndpointReplay": (
        lambda house: {
            "endpointId": house.ids["endpoint"],
            "since": (clock.now() - timedelta(hours=1)).isoformat(),
        },
    ),
}

GIVES: Mapping[str, frozenset[Scope]] = {
    "webhookEndpointCreate": frozenset({Scope.ORDERS_READ}),
    "webhookEndpointUpdate": frozenset({Scope.ORDERS_READ}),
}
