"""Webhooks: merchants' systems are told of events, by the rules of Standard Webhooks."""

from headless_presale.webhooks.catalogue import EVENT_TYPES, EventType, listening, scopes_for
from headless_presale.webhooks.delivering import deliver_due, message_id_of
from headless_presale.webhooks.endpoints import (
    Asker,
    EndpointWish,
    EndpointWithSecret,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    rotate_secret,
    update_endpoint,
)
from headless_presale.webhooks.errors import WebhookDeliveryNotFound, WebhookEndpointNotFound
from headless_presale.webhooks.events import WebhookEndpointDisabled
from headless_presale.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from headless_presale.webhooks.outlet import Outlet, set_outlet
from headless_presale.webhooks.payloads import body_of
from headless_presale.webhooks.replaying import (
    RETENTION,
    replay,
    replay_delivery,
    request_replay,
    send_test,
)
from headless_presale.webhooks.states import DELIVERY_LIFECYCLE, DeliveryStatus, DisabledReason
from headless_presale.webhooks.sweeping import forget_old_deliveries, sweep_deliveries

__all__ = [
    "DELIVERY_LIFECYCLE",
    "EVENT_TYPES",
    "RETENTION",
    "Asker",
    "DeliveryStatus",
    "DisabledReason",
    "EndpointWish",
    "EndpointWithSecret",
    "EventType",
    "Outlet",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookDeliveryNotFound",
    "WebhookEndpoint",
    "WebhookEndpointDisabled",
    "WebhookEndpointNotFound",
    "body_of",
    "create_endpoint",
    "delete_endpoint",
    "deliver_due",
    "disable_endpoint",
    "enable_endpoint",
    "forget_old_deliveries",
    "listening",
    "message_id_of",
    "replay",
    "replay_delivery",
    "request_replay",
    "rotate_secret",
    "scopes_for",
    "send_test",
    "set_outlet",
    "sweep_deliveries",
    "update_endpoint",
]
