"""Payments: legs of an order, gateways, refunds and the ledger."""

from headless_presale.payments.errors import (
    GatewayUnavailable,
    GatewayUnknown,
    IdempotencyMismatch,
    PaymentNotDue,
)
from headless_presale.payments.events import (
    PaymentCancelled,
    PaymentCaptured,
    PaymentEvent,
    PaymentFailed,
    PaymentMismatched,
    PaymentStarted,
    PaymentSurplus,
    RefundFailed,
    RefundRequested,
    RefundSucceeded,
)
from headless_presale.payments.gateways import list_gateways
from headless_presale.payments.held import HeldPayment, held_of, list_held
from headless_presale.payments.ledger import Account, Booking, balances_of, book, list_bookings
from headless_presale.payments.models import Payment, Refund
from headless_presale.payments.reconciliation import reconcile_payments, reconcile_refunds
from headless_presale.payments.refunds import request_refund
from headless_presale.payments.service import (
    OpenPayment,
    call_off_payments,
    ensure_intent,
    find_started,
    forfeit,
    get_gateway,
    has_pending_payment,
    open_payment,
)
from headless_presale.payments.settlement import record_notice
from headless_presale.payments.states import (
    PAYMENT_LIFECYCLE,
    REFUND_LIFECYCLE,
    PaymentLeg,
    PaymentStatus,
    RefundStatus,
)

__all__ = [
    "PAYMENT_LIFECYCLE",
    "REFUND_LIFECYCLE",
    "Account",
    "Booking",
    "GatewayUnavailable",
    "GatewayUnknown",
    "HeldPayment",
    "IdempotencyMismatch",
    "OpenPayment",
    "Payment",
    "PaymentCancelled",
    "PaymentCaptured",
    "PaymentEvent",
    "PaymentFailed",
    "PaymentLeg",
    "PaymentMismatched",
    "PaymentNotDue",
    "PaymentStarted",
    "PaymentStatus",
    "PaymentSurplus",
    "Refund",
    "RefundFailed",
    "RefundRequested",
    "RefundStatus",
    "RefundSucceeded",
    "balances_of",
    "book",
    "call_off_payments",
    "ensure_intent",
    "find_started",
    "forfeit",
    "get_gateway",
    "has_pending_payment",
    "held_of",
    "list_bookings",
    "list_gateways",
    "list_held",
    "open_payment",
    "reconcile_payments",
    "reconcile_refunds",
    "record_notice",
    "request_refund",
]
