"""What clients may send: strict types, no unknown fields, bounded sizes."""

from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    Field,
    HttpUrl,
    StringConstraints,
    ValidationError,
)
from starlette.requests import Request

from headless_presale.sandbox_gateway.currencies import EXPONENTS
from headless_presale.sandbox_gateway.errors import GatewayError

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


M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound=Query)


async def read_bytes(request: Request, *, limit: int) -> bytes:
    """Raises:
    GatewayError: ``body_too_large``.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise GatewayError(413, "body_too_large", f"A body has at most {limit} bytes.")
    return bytes(body)


async def read_json(request: Request, model: type[M], *, limit: int) -> M:
    """Read a JSON body; where every field may be left out, so may the body.

    Raises:
        GatewayError: ``body_too_large``, ``unsupported_media_type``, ``invalid_json``,
            ``missing_field``, ``unknown_field``, ``invalid_field``.
    """
    body = await read_bytes(request, limit=limit)
    if not body and not any(field.is_required() for field in model.model_fields.values()):
        return model()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise GatewayError(415, "unsupported_media_type", "Send application/json.")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None


def read_query(request: Request, model: type[Q]) -> Q:
    """Raises:
    GatewayError: ``repeated_field``, ``unknown_field``, ``invalid_field``.
    """
    pairs = request.query_params.multi_items()
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise GatewayError(422, "repeated_field", "Given more than once.", field=name)
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> GatewayError:
    first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return GatewayError(400, "invalid_json", first["msg"])
    code = {"missing": "missing_field", "extra_forbidden": "unknown_field"}.get(
        first["type"], "invalid_field"
    )
    field = ".".join(str(part) for part in first["loc"]) or None
    return GatewayError(422, code, first["msg"], field=field)

