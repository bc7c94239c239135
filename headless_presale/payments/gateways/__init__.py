"""Gateways: the port every provider implements, and the providers."""

from headless_presale.payments.gateways.port import (
    GatewayError,
    GatewayIntent,
    GatewayNotice,
    GatewayRefund,
    IntentRequest,
    NoticeRejected,
    PaymentGateway,
    RefundRequest,
    close_gateways,
    find_gateway,
    list_gateways,
    set_gateways,
)

__all__ = [
    "GatewayError",
    "GatewayIntent",
    "GatewayNotice",
    "GatewayRefund",
    "IntentRequest",
    "NoticeRejected",
    "PaymentGateway",
    "RefundRequest",
    "close_gateways",
    "find_gateway",
    "list_gateways",
    "set_gateways",
]
