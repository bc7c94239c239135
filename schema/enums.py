"""Enums: the domain's own, given to the schema as they are, and the codes of refusals.

Types import them from here, so that they are known to the schema before a field mentions them.
"""

from enum import StrEnum

import strawberry

from headless_presale.campaigns import CampaignStatus, MissedBalance, PlanKind
from headless_presale.carts import PriceChangeReason, Unavailability
from headless_presale.customers import ProviderKind
from headless_presale.orders import OrderStatus
from headless_presale.payments import PaymentLeg, PaymentStatus, RefundStatus
from headless_presale.pricing import PriceReason

strawberry.enum(CampaignStatus, description="Where a campaign stands, by the clock.")
strawberry.enum(PlanKind, name="PaymentPlanKind", description="How an order is paid.")
strawberry.enum(
    MissedBalance, description="What happens to the deposit when the balance is not paid in time."
)
strawberry.enum(PriceReason, description="Why a price is what it is.")
strawberry.enum(PriceChangeReason, description="Why a line no longer costs what it was shown at.")
strawberry.enum(
    Unavailability,
    name="CartLineUnavailability",
    description="Why a line of a cart cannot be ordered now.",
)
strawberry.enum(OrderStatus, description="Where an order stands.")
strawberry.enum(PaymentLeg, description="Which part of an order a payment is for.")
strawberry.enum(PaymentStatus, description="Where a payment stands.")
strawberry.enum(
    ProviderKind,
    name="SignInProviderKind",
    description="How a sign-in provider is asked who a customer is.",
)
strawberry.enum(RefundStatus, description="Where a refund stands.")

__all__ = [
    "CampaignFaultCode",
    "CampaignStatus",
    "ErrorCode",
    "MissedBalance",
    "OrderStatus",
    "PaymentActionType",
    "PaymentLeg",
    "PaymentStatus",
    "PlanKind",
    "PriceChangeReason",
    "PriceReason",
    "ProviderKind",
    "RefundStatus",
    "Unavailability",
]


@strawberry.enum(description="What the buyer's client does next.")
class PaymentActionType(StrEnum):
    """Kinds of actions that gateways of today ask for."""

    REDIRECT = "REDIRECT"


@strawberry.enum(description="What hinders publishing a campaign, or is worth knowing of it.")
class CampaignFaultCode(StrEnum):
    """One member for every fault and every warning; a test compares them."""

    BALANCE_WINDOW_EARLY = "BALANCE_WINDOW_EARLY"
    BALANCE_WINDOW_EMPTY = "BALANCE_WINDOW_EMPTY"
    BALANCE_WINDOW_MISSING = "BALANCE_WINDOW_MISSING"
    BATCHES_MISSING = "BATCHES_MISSING"
    BATCH_EMPTY = "BATCH_EMPTY"
    BATCH_SHIP_DATE_EARLY = "BATCH_SHIP_DATE_EARLY"
    CAPACITY_TOO_LARGE = "CAPACITY_TOO_LARGE"
    DEPOSIT_AMBIGUOUS = "DEPOSIT_AMBIGUOUS"
    DEPOSIT_HIGH = "DEPOSIT_HIGH"
    DEPOSIT_OUT_OF_RANGE = "DEPOSIT_OUT_OF_RANGE"
    ITEMS_MISSING = "ITEMS_MISSING"
    LIMIT_NOT_POSITIVE = "LIMIT_NOT_POSITIVE"
    PRICE_NOT_POSITIVE = "PRICE_NOT_POSITIVE"
    SHIP_DATE_FAR = "SHIP_DATE_FAR"
    TERMS_CANCEL_CONDITIONS_MISSING = "TERMS_CANCEL_CONDITIONS_MISSING"
    TERMS_REFUND_POLICY_MISSING = "TERMS_REFUND_POLICY_MISSING"
    TERMS_SHIP_DATE_EARLY = "TERMS_SHIP_DATE_EARLY"
    TERMS_SHIP_DATE_MISSING = "TERMS_SHIP_DATE_MISSING"
    TIERS_EXCEED_WINDOW = "TIERS_EXCEED_WINDOW"
    TIERS_UNORDERED = "TIERS_UNORDERED"
    TIER_EMPTY = "TIER_EMPTY"
    TIER_PRICE_OUT_OF_RANGE = "TIER_PRICE_OUT_OF_RANGE"
    WINDOW_EMPTY = "WINDOW_EMPTY"
    WINDOW_PAST = "WINDOW_PAST"
    WINDOW_UNUSUAL = "WINDOW_UNUSUAL"


@strawberry.enum(description='Stable codes of every business "no". New ones may be added.')
class ErrorCode(StrEnum):
    """One member for every code of the domain; a test compares them."""

    ADDRESS_NOT_FOUND = "ADDRESS_NOT_FOUND"
    BUYER_MISMATCH = "BUYER_MISMATCH"
    CAMPAIGN_ALREADY_PUBLISHED = "CAMPAIGN_ALREADY_PUBLISHED"
    CAMPAIGN_CONFLICT = "CAMPAIGN_CONFLICT"
    CAMPAIGN_FIXED = "CAMPAIGN_FIXED"
    CAMPAIGN_ITEM_NOT_FOUND = "CAMPAIGN_ITEM_NOT_FOUND"
    CAMPAIGN_MISMATCH = "CAMPAIGN_MISMATCH"
    CAMPAIGN_NOT_FOUND = "CAMPAIGN_NOT_FOUND"
    CAMPAIGN_NOT_OPEN = "CAMPAIGN_NOT_OPEN"
    CAMPAIGN_NOT_PUBLISHABLE = "CAMPAIGN_NOT_PUBLISHABLE"
    CANCEL_NOT_ALLOWED = "CANCEL_NOT_ALLOWED"
    CANCEL_PREVIEW_OUTDATED = "CANCEL_PREVIEW_OUTDATED"
    CAPACITY_BELOW_SOLD = "CAPACITY_BELOW_SOLD"
    CART_CHANGED = "CART_CHANGED"
    CART_EMPTY = "CART_EMPTY"
    CART_LINE_NOT_FOUND = "CART_LINE_NOT_FOUND"
    CART_NOT_FOUND = "CART_NOT_FOUND"
    CLIENT_NOT_FOUND = "CLIENT_NOT_FOUND"
    CODE_REFUSED = "CODE_REFUSED"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    EMAIL_PROVEN_ALREADY = "EMAIL_PROVEN_ALREADY"
    ERASURE_BLOCKED = "ERASURE_BLOCKED"
    EXPORT_TOO_SOON = "EXPORT_TOO_SOON"
    FRESH_SIGN_IN_REQUIRED = "FRESH_SIGN_IN_REQUIRED"
    GATEWAY_UNAVAILABLE = "GATEWAY_UNAVAILABLE"
    GATEWAY_UNKNOWN = "GATEWAY_UNKNOWN"
    GRANT_NOT_FOUND = "GRANT_NOT_FOUND"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    IMPORT_NOT_FOUND = "IMPORT_NOT_FOUND"
    IMPORT_UNDER_WAY = "IMPORT_UNDER_WAY"
    INVALID_INPUT = "INVALID_INPUT"
    INVITATION_NOT_FOUND = "INVITATION_NOT_FOUND"
    LAST_OWNER = "LAST_OWNER"
    LAST_VARIANT = "LAST_VARIANT"
    MEDIA_ANIMATED = "MEDIA_ANIMATED"
    MEDIA_DAMAGED = "MEDIA_DAMAGED"
    MEDIA_IN_USE = "MEDIA_IN_USE"
    MEDIA_NOT_FOUND = "MEDIA_NOT_FOUND"
    MEDIA_NOT_PICTURE = "MEDIA_NOT_PICTURE"
    MEDIA_TOO_MANY_PIXELS = "MEDIA_TOO_MANY_PIXELS"
    MEMBER_NOT_FOUND = "MEMBER_NOT_FOUND"
    NOTIFICATION_MANDATORY = "NOTIFICATION_MANDATORY"
    NOTIFY_ME_CLOSED = "NOTIFY_ME_CLOSED"
    NOT_FOUND = "NOT_FOUND"
    ORDER_LINE_NOT_FOUND = "ORDER_LINE_NOT_FOUND"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    ORDER_TOKEN_REVOKED = "ORDER_TOKEN_REVOKED"
    PAYMENT_NOT_DUE = "PAYMENT_NOT_DUE"
    PERSON_NOT_FOUND = "PERSON_NOT_FOUND"
    PRICE_CHANGED = "PRICE_CHANGED"
    PRODUCT_FILE_NOT_FOUND = "PRODUCT_FILE_NOT_FOUND"
    PRODUCT_HANDLE_TAKEN = "PRODUCT_HANDLE_TAKEN"
    PRODUCT_IN_USE = "PRODUCT_IN_USE"
    PRODUCT_MEDIA_EXISTS = "PRODUCT_MEDIA_EXISTS"
    PRODUCT_MEDIA_NOT_FOUND = "PRODUCT_MEDIA_NOT_FOUND"
    PRODUCT_NOT_FOUND = "PRODUCT_NOT_FOUND"
    PRODUCT_OPTION_NOT_FOUND = "PRODUCT_OPTION_NOT_FOUND"
    PURCHASE_LIMIT = "PURCHASE_LIMIT"
    REFUND_NOT_ALLOWED = "REFUND_NOT_ALLOWED"
    REFUND_TOO_LARGE = "REFUND_TOO_LARGE"
    SCOPES_EXCEEDED = "SCOPES_EXCEEDED"
    SESSION_ENDED = "SESSION_ENDED"
    SHOP_FIXED = "SHOP_FIXED"
    SHOP_NOT_FOUND = "SHOP_NOT_FOUND"
    SHOP_SLUG_TAKEN = "SHOP_SLUG_TAKEN"
    SIGN_IN_BLOCKED = "SIGN_IN_BLOCKED"
    SIGN_IN_PROVIDER_EXISTS = "SIGN_IN_PROVIDER_EXISTS"
    SIGN_IN_PROVIDER_NOT_FOUND = "SIGN_IN_PROVIDER_NOT_FOUND"
    SIGN_IN_PROVIDER_UNAVAILABLE = "SIGN_IN_PROVIDER_UNAVAILABLE"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"
    SKU_TAKEN = "SKU_TAKEN"
    SLOTS_SOLD_OUT = "SLOTS_SOLD_OUT"
    STAFF_MEMBER_EXISTS = "STAFF_MEMBER_EXISTS"
    TERMS_NOT_FOUND = "TERMS_NOT_FOUND"
    TERMS_OUTDATED = "TERMS_OUTDATED"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    TRANSITION_NOT_ALLOWED = "TRANSITION_NOT_ALLOWED"
    UNREADABLE_PRODUCT_FILE = "UNREADABLE_PRODUCT_FILE"
    UPLOAD_TOO_LARGE = "UPLOAD_TOO_LARGE"
    VARIANT_EXISTS = "VARIANT_EXISTS"
    VARIANT_IN_USE = "VARIANT_IN_USE"
    VARIANT_NOT_FOUND = "VARIANT_NOT_FOUND"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    WEBHOOK_DELIVERY_NOT_FOUND = "WEBHOOK_DELIVERY_NOT_FOUND"
    WEBHOOK_ENDPOINT_NOT_FOUND = "WEBHOOK_ENDPOINT_NOT_FOUND"
