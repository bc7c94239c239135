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
from schema.described import register_enum

register_enum(
    CampaignStatus,
    description="Where a campaign stands, by the clock.",
    values={
        "DRAFT": "Not published: storefronts never see it.",
        "SCHEDULED": "Published, and opens later.",
        "LIVE": "Takes orders.",
        "CLOSED": "Takes no orders any more; those that were placed go on.",
        "CANCELLED": "Called off by the merchant; what was paid goes back.",
    },
)
register_enum(
    PlanKind,
    name="PaymentPlanKind",
    description="How an order is paid.",
    values={
        "FULL": "All of it at once.",
        "DEPOSIT": "A deposit at once, the balance in a window of its own.",
    },
)
register_enum(
    MissedBalance,
    description="What happens to the deposit when the balance is not paid in time.",
    values={"FORFEIT": "The merchant keeps it.", "REFUND": "It goes back."},
)
register_enum(
    PriceReason,
    description="Why a price is what it is.",
    values={
        "LIST": "The campaign's own price: no tier holds.",
        "TIME_TIER": "A tier that holds for a time, such as early birds'.",
        "QUANTITY_TIER": "A tier that holds up to a slot number, such as the first hundred.",
    },
)
register_enum(
    PriceChangeReason,
    description="Why a line no longer costs what it was shown at.",
    values={
        "TIER_BY_TIME_ENDED": "The time of the tier is over.",
        "TIER_BY_TIME_BEGAN": "The time of another tier has begun.",
        "TIER_BY_QUANTITY_SOLD": "Others took the numbers of the cheaper tier.",
        "TIER_BY_QUANTITY_RETURNED": "Numbers of a cheaper tier are free again.",
        "CAMPAIGN_CHANGED": "The merchant has changed the price or its tiers.",
    },
)
register_enum(
    Unavailability,
    name="CartLineUnavailability",
    description="Why a line of a cart cannot be ordered now.",
    values={
        "NOT_OPEN": "Its campaign opens later.",
        "CLOSED": "Its campaign is over.",
        "CANCELLED": "Its campaign was called off.",
        "SOLD_OUT": "No slot is left.",
        "OVER_LIMIT": "The line has more units than one customer may have.",
        "TOO_FEW_LEFT": "Some slots are left, fewer than the line has units.",
        "WITHDRAWN": "The merchant has taken it back.",
    },
)
register_enum(
    OrderStatus,
    description="Where an order stands. docs/lifecycles.md draws what follows what.",
    values={
        "AWAITING_PAYMENT": "Placed; its slots are held until `holdExpiresAt` for all of it.",
        "AWAITING_DEPOSIT": "Placed; its slots are held until `holdExpiresAt` for the deposit.",
        "DEPOSIT_PAID": "The deposit is paid; the balance cannot be paid yet.",
        "AWAITING_BALANCE": "The balance can be paid until it is due: see `dueNow`.",
        "PAID": "All of it is paid.",
        "EXPIRED": "Not paid in time; the slots went back. Money that comes late takes them again, "
        "while there are some.",
        "FORFEITED": "The balance was missed; the deposit went by the campaign's policy.",
        "CANCELLED": "Cancelled by the buyer or the shop; see `closedReason` and refunds.",
    },
)
register_enum(
    PaymentLeg,
    description="Which part of an order a payment is for.",
    values={
        "DEPOSIT": "The first part, due at once.",
        "BALANCE": "The rest, once its window has opened.",
        "FULL": "All of it, where there is no deposit.",
    },
)
register_enum(
    PaymentStatus,
    description="Where a payment stands.",
    values={
        "PENDING": "Started; the buyer can pay, again after an attempt that was declined.",
        "CAPTURED": "The money is here.",
        "CANCELLED": "Called off before any money came.",
        "MISMATCHED": "Another amount or currency came than was asked for: it counts as not paid, "
        "and goes back.",
    },
)
register_enum(
    ProviderKind,
    name="SignInProviderKind",
    description="How a sign-in provider is asked who a customer is.",
    values={
        "WECHAT": "A WeChat mini-program: `signInWeChat`.",
        "OIDC": "OpenID Connect: `signInOidcStart`, `signInOidcComplete`.",
    },
)
register_enum(
    RefundStatus,
    description="Where a refund stands.",
    values={
        "REQUESTED": "Decided, and about to be sent to the gateway.",
        "SUBMITTED": "The gateway has it.",
        "SUCCEEDED": "The money is back.",
        "FAILED": "The gateway refused it; the shop takes it up.",
    },
)

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


class PaymentActionType(StrEnum):
    """Kinds of actions that gateways of today ask for."""

    REDIRECT = "REDIRECT"


register_enum(
    PaymentActionType,
    description="What the buyer's client does next.",
    values={"REDIRECT": "Send the buyer to `url`, a page of the gateway."},
)


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


register_enum(
    CampaignFaultCode,
    description="What hinders publishing a campaign, or is worth knowing of it.",
    values={
        "BALANCE_WINDOW_EARLY": "The balance could be paid before the campaign closes.",
        "BALANCE_WINDOW_EMPTY": "The balance would be due before its window opens.",
        "BALANCE_WINDOW_MISSING": "A deposit needs a window in which the balance is paid.",
        "BATCHES_MISSING": "An item has no batch, and so no slots.",
        "BATCH_EMPTY": "A batch has no capacity.",
        "BATCH_SHIP_DATE_EARLY": "A batch would ship before the campaign opens.",
        "CAPACITY_TOO_LARGE": "An item has more slots than one may have.",
        "DEPOSIT_AMBIGUOUS": "The deposit is a share or an amount per unit, one of the two.",
        "DEPOSIT_HIGH": "A warning: the deposit is higher than the shop's own bound.",
        "DEPOSIT_OUT_OF_RANGE": "The deposit is nothing, or leaves no balance.",
        "ITEMS_MISSING": "The campaign sells nothing.",
        "LIMIT_NOT_POSITIVE": "The limit per customer is below one.",
        "PRICE_NOT_POSITIVE": "The price is not above nothing.",
        "SHIP_DATE_FAR": "A warning: it ships later after the close than the shop's own bound.",
        "TERMS_CANCEL_CONDITIONS_MISSING": "The terms say nothing of cancelling.",
        "TERMS_REFUND_POLICY_MISSING": "The terms say nothing of refunds.",
        "TERMS_SHIP_DATE_EARLY": "The promised day lies before the close.",
        "TERMS_SHIP_DATE_MISSING": "The terms promise no day.",
        "TIERS_EXCEED_WINDOW": "The time tiers last longer than the campaign.",
        "TIERS_UNORDERED": "The bounds of the quantity tiers do not rise.",
        "TIER_EMPTY": "A time tier lasts no time.",
        "TIER_PRICE_OUT_OF_RANGE": "A tier's price is out of range, or rounds to nothing.",
        "WINDOW_EMPTY": "The campaign would close before it opens.",
        "WINDOW_PAST": "The campaign would be over already.",
        "WINDOW_UNUSUAL": "A warning: it is shorter or longer than the shop recommends.",
    },
)


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
    ORDER_LINK_NOT_CONFIGURED = "ORDER_LINK_NOT_CONFIGURED"
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
