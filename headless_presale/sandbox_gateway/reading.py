"""Reading requests: whatever cannot be read is refused before anything is done."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from headless_presale.sandbox_gateway.errors import GatewayError
from headless_presale.sandbox_gateway.gateway import get_gateway
from headless_presale.sandbox_gateway.inputs import Query

M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound=Query)


async def read_bytes(request: Request) -> bytes:
    """Raises:
    GatewayError: ``body_too_large``.
    """
    limit = get_gateway(request).settings.max_body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise GatewayError(413, "body_too_large", f"A body has at most {limit} bytes.")
    return bytes(body)


async def read_json(request: Request, model: type[M]) -> M:
    """Read a JSON body; where every field may be left out, so may the body.

    Raises:
        GatewayError: ``body_too_large``, ``unsupported_media_type``, ``invalid_json``,
            ``missing_field``, ``unknown_field``, ``invalid_field``.
    """
    body = await read_bytes(request)
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
