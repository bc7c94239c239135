"""Business "no"s as data: one interface, and a type of its own where a client needs more."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypedDict

import strawberry

from resolvers.errors import Refusal, camel
from schema.admin.campaign_previews import CancelPreviewType
from schema.enums import CampaignFaultCode, CampaignStatus, ErrorCode, OrderStatus
from schema.money import Money


@strawberry.interface(description="Why a mutation did nothing. Branch on `code` or on the type.")
class UserError:
    """Every implementation adds what its code can tell."""

    code: ErrorCode = strawberry.field(description="Branch on it; docs/errors.md lists them all.")
    message: str = strawberry.field(description="For people, in the language of Accept-Language.")
    field: list[str] | None = strawberry.field(
        description="Path of the input at fault, such as [lines, 0, quantity]."
    )


@strawberry.type(description="The input cannot be understood, or is out of range.")
class InvalidInputError(UserError):
    pass


@strawberry.type(description="What the input names does not exist, or not for you.")
class NotFoundError(UserError):
    pass


@strawberry.type(description="Fewer slots are left than were asked for.")
class SlotsSoldOutError(UserError):
    remaining: int = strawberry.field(description="How many are left of the item at fault.")


@strawberry.type(description="One customer may own only so many slots of this item.")
class PurchaseLimitError(UserError):
    limit: int = strawberry.field(description="How many one customer may own.")
    taken: int = strawberry.field(description="What this customer owns already.")


@strawberry.type(description="The terms have changed: show and accept the current version.")
class TermsOutdatedError(UserError):
    current_version: int = strawberry.field(description="The version to show and accept.")


@strawberry.type(description="The total is not `expectedTotalMinor`. Nothing was charged.")
class PriceChangedError(UserError):
    total: Money = strawberry.field(description="What the same order would cost now.")


@strawberry.type(description="The campaign takes no orders at this moment.")
class CampaignNotOpenError(UserError):
    campaign_status: CampaignStatus = strawberry.field(description="Where the campaign stands.")
    opens_at: datetime | None = strawberry.field(description="Set where it opens later.")


@strawberry.type(description="The campaign is open already, or over: nobody has to be told.")
class NotifyMeClosedError(UserError):
    campaign_status: CampaignStatus = strawberry.field(description="Where the campaign stands.")


@strawberry.type(description="One order is placed under one campaign's terms.")
class CampaignMismatchError(UserError):
    pass


@strawberry.type(description="The lines are priced in several currencies.")
class CurrencyMismatchError(UserError):
    pass


@strawberry.type(description="The idempotency key was used before, with another request.")
class IdempotencyMismatchError(UserError):
    pass


@strawberry.type(description="There is no payment gateway of this name.")
class GatewayUnknownError(UserError):
    pass


@strawberry.type(description="The gateway does not answer; the order is kept, start again.")
class GatewayUnavailableError(UserError):
    pass


@strawberry.type(description="This leg of the order cannot be paid now.")
class PaymentNotDueError(UserError):
    pass


@strawberry.type(description="The policy of the order does not let it go any more.")
class CancelNotAllowedError(UserError):
    order_status: OrderStatus = strawberry.field(description="Where the order stands.")


@strawberry.type(description="More than is held of the order.")
class RefundTooLargeError(UserError):
    refundable: Money = strawberry.field(description="The most that can be given back now.")


@strawberry.type(description="The order is unpaid or over: nothing can be given back.")
class RefundNotAllowedError(UserError):
    order_status: OrderStatus = strawberry.field(description="Where the order stands.")


@strawberry.type(description="A field that somebody else has changed; both values as JSON.")
class FieldConflict:
    field: str = strawberry.field(description="As the input calls it.")
    yours: str | None = strawberry.field(description="What the request would have set.")
    current: str | None = strawberry.field(description="What is there now.")


@strawberry.type(description="The thing has changed since it was read: read it again and decide.")
class VersionConflictError(UserError):
    current_version: int = strawberry.field(description="The version that is there now.")
    conflicts: list[FieldConflict] = strawberry.field(
        description="Where the request differs from what is there now."
    )


@strawberry.type(description="One thing that hinders publishing; `field` is where it is.")
class CampaignFaultError(UserError):
    fault: CampaignFaultCode = strawberry.field(description="What is wrong, as a code.")


@strawberry.type(description="Orders hold or own more slots than there are to be.")
class CapacityBelowSoldError(UserError):
    sold: int = strawberry.field(description="Sold or held, checkouts under way included.")


@strawberry.type(description="Cancelling would do more than was shown. Nothing was cancelled.")
class CancelPreviewOutdatedError(UserError):
    preview: CancelPreviewType = strawberry.field(description="What it would do now.")


@strawberry.type(description="It was tried too often: wait, then try again.")
class TooManyAttemptsError(UserError):
    retry_after_seconds: int = strawberry.field(description="How long to wait.")


@strawberry.type(description="Orders under way have to know whom they are for. Nothing was erased.")
class ErasureBlockedError(UserError):
    count: int = strawberry.field(description="How many orders.")
    order_numbers: list[str] = strawberry.field(description="Of the first twenty.")


@strawberry.type(description="A copy of one's data was asked for within the hour before.")
class ExportTooSoonError(UserError):
    retry_at: datetime = strawberry.field(description="From when on another one can be.")


@strawberry.type(description="Any other refusal; its code tells which.")
class RefusedError(UserError):
    pass


class _Base(TypedDict):
    code: ErrorCode
    message: str
    field: list[str] | None


_PLAIN: Mapping[ErrorCode, type[UserError]] = {
    ErrorCode.INVALID_INPUT: InvalidInputError,
    ErrorCode.CAMPAIGN_MISMATCH: CampaignMismatchError,
    ErrorCode.CURRENCY_MISMATCH: CurrencyMismatchError,
    ErrorCode.IDEMPOTENCY_MISMATCH: IdempotencyMismatchError,
    ErrorCode.GATEWAY_UNKNOWN: GatewayUnknownError,
    ErrorCode.GATEWAY_UNAVAILABLE: GatewayUnavailableError,
    ErrorCode.PAYMENT_NOT_DUE: PaymentNotDueError,
}


def user_error(refusal: Refusal) -> UserError:
    """Return a refusal in the type of its code."""
    code, given = ErrorCode(refusal.code), refusal.params
    base = _Base(code=code, message=refusal.message, field=list(refusal.field) or None)
    match code:
        case ErrorCode.SLOTS_SOLD_OUT:
            return SlotsSoldOutError(**base, remaining=given["remaining"])
        case ErrorCode.PURCHASE_LIMIT:
            return PurchaseLimitError(**base, limit=given["limit"], taken=given["taken"])
        case ErrorCode.TERMS_OUTDATED:
            return TermsOutdatedError(**base, current_version=given["current"])
        case ErrorCode.PRICE_CHANGED:
            return PriceChangedError(**base, total=Money.of(given["money"]))
        case ErrorCode.CAMPAIGN_NOT_OPEN:
            status = CampaignStatus(given["status"])
            is_ahead = status is CampaignStatus.SCHEDULED
            opens_at = given.get("opens_at") if is_ahead else None
            return CampaignNotOpenError(**base, campaign_status=status, opens_at=opens_at)
        case ErrorCode.NOTIFY_ME_CLOSED:
            return NotifyMeClosedError(**base, campaign_status=CampaignStatus(given["status"]))
        case ErrorCode.CANCEL_NOT_ALLOWED:
            return CancelNotAllowedError(**base, order_status=OrderStatus(given["status"]))
        case ErrorCode.REFUND_TOO_LARGE:
            return RefundTooLargeError(**base, refundable=Money.of(given["money"]))
        case ErrorCode.REFUND_NOT_ALLOWED:
            return RefundNotAllowedError(**base, order_status=OrderStatus(given["status"]))
        case ErrorCode.CAMPAIGN_NOT_PUBLISHABLE:
            return CampaignFaultError(**base, fault=CampaignFaultCode(given["fault"]))
        case ErrorCode.CAPACITY_BELOW_SOLD:
            return CapacityBelowSoldError(**base, sold=given["owned"])
        case ErrorCode.CANCEL_PREVIEW_OUTDATED:
            preview = CancelPreviewType(preview=given["preview"], currency=given["currency"])
            return CancelPreviewOutdatedError(**base, preview=preview)
        case ErrorCode.TOO_MANY_ATTEMPTS:
            return TooManyAttemptsError(**base, retry_after_seconds=given["retry_after_seconds"])
        case ErrorCode.ERASURE_BLOCKED:
            numbers = list(given["numbers"])
            return ErasureBlockedError(**base, count=given["count"], order_numbers=numbers)
        case ErrorCode.EXPORT_TOO_SOON:
            return ExportTooSoonError(**base, retry_at=given["retry_at"])
        case ErrorCode.VERSION_CONFLICT:
            return VersionConflictError(
                **base,
                current_version=given["current_version"],
                conflicts=[
                    FieldConflict(field=camel(c.field), yours=c.yours, current=c.current)
                    for c in given["conflicts"]
                ],
            )
        case _ if refusal.is_not_found:
            return NotFoundError(**base)
        case _:
            return _PLAIN.get(code, RefusedError)(**base)


def user_errors(refusals: Iterable[Refusal]) -> list[UserError]:
    """Return the refusals of an answer as the payload's ``userErrors``."""
    return [user_error(refusal) for refusal in refusals]


USER_ERRORS: list[type[UserError]] = [
    InvalidInputError,
    NotFoundError,
    SlotsSoldOutError,
    PurchaseLimitError,
    TermsOutdatedError,
    PriceChangedError,
    CampaignNotOpenError,
    NotifyMeClosedError,
    CampaignMismatchError,
    CurrencyMismatchError,
    IdempotencyMismatchError,
    GatewayUnknownError,
    GatewayUnavailableError,
    PaymentNotDueError,
    CancelNotAllowedError,
    RefundTooLargeError,
    RefundNotAllowedError,
    CampaignFaultError,
    CapacityBelowSoldError,
    CancelPreviewOutdatedError,
    VersionConflictError,
    TooManyAttemptsError,
    ErasureBlockedError,
    ExportTooSoonError,
    RefusedError,
]
"""Every implementation; the schema has to be told of them."""
