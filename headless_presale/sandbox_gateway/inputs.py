"""What clients may send: strict types, no unknown fields, bounded sizes."""

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    HttpUrl,
    StringConstraints,
)

from headless_presale.sandbox_gateway.currencies import EXPONENTS

MAX_AMOUNT_MINOR = 999_999_999_999


def _check_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError("not an ISO 4217 currency code in upper case")
    return code


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


Printable = AfterValidator(_check_printable)
FailureCode = Literal["card_declined", "insufficient_funds", "expired_card"]
AmountMinor = Annotated[int, Field(ge=1, le=MAX_AMOUNT_MINOR)]
CurrencyCode = Annotated[str, AfterValidator(_check_currency)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=200), Printable]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40), Printable]
MetadataValue = Annotated[str, StringConstraints(max_length=500)]


class Body(BaseModel, extra="forbid", strict=True):
    """A JSON body."""


class Empty(Body):
    """No body, or ``{}``."""


class PaymentIntentCreate(Body):
    amount: AmountMinor
    currency: CurrencyCode
    reference: Reference
    description: Annotated[str, StringConstraints(max_length=500), Printable] | None = None
    return_url: HttpUrl | None = None
    expires_at: AwareDatetime | None = None
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=50)] = {}


class RefundCreate(Body):
    payment_intent: Id
    amount: AmountMinor
    reference: Reference


class Decline(Body):
    failure_code: FailureCode = "card_declined"


class Redelivery(Body):
    event_id: Id


class Query(BaseModel, extra="forbid"):
    """A query string: every value is text."""

    limit: int = Field(default=20, ge=1, le=100)


class PaymentIntentQuery(Query):
    reference: Reference | None = None
    created_after: AwareDatetime | None = None
    starting_after: Id | None = None


class RefundQuery(Query):
    payment_intent: Id | None = None
    reference: Reference | None = None
    starting_after: Id | None = None


class EventQuery(Query):
    after: Id | None = None
