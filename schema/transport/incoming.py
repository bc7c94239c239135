"""Reads GraphQL requests off the wire. Whatever cannot be read is refused, never guessed at."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from schema.transport.errors import REQUEST_TOO_LARGE, RequestRefused
from schema.transport.persisted import read_digest
from schema.transport.requests import OperationRequest


async def read_post(request: Request, max_body_bytes: int) -> OperationRequest:
    """The operation in a POST body.

    Raises:
        RequestRefused: 415 for another content type, charset or encoding than JSON in UTF-8,
            413 beyond ``max_body_bytes``, 400 for everything that is no GraphQL request.
    """
    _require_json_content(request)
    return parse_parameters(decode_json(await _read_body(request, max_body_bytes), "body"))


def read_get(request: Request, max_bytes: int) -> OperationRequest:
    """The operation in the query string, ``variables`` and ``extensions`` as JSON in it.

    Raises:
        RequestRefused: 414 beyond ``max_bytes``, 400 for everything that is no GraphQL request.
    """
    if len(request.url.query) > max_bytes:
        raise RequestRefused(414, "The query string is too long.", code=REQUEST_TOO_LARGE)
    parameters: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if name in parameters:
            text = parameters[name]
            parameters[name] = decode_json(text.encode(errors="replace"), name) if text else None
    if parameters.get("operationName") == "":
        parameters["operationName"] = None
    return parse_parameters(parameters)


def asks_for_data(request: Request) -> bool:
    """Tell whether a query string asks for something, and not for the editor."""
    return "query" in request.query_params or "extensions" in request.query_params


def decode_json(raw: bytes, what: str) -> Any:
    """Decode JSON in UTF-8.

    Raises:
        RequestRefused: 400, also for nesting too deep to decode.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RequestRefused(400, f"The {what} is not valid JSON: {error.msg}.") from None


def parse_parameters(parameters: object) -> OperationRequest:
    """Check the types of the four parameters of a GraphQL request.

    Raises:
        RequestRefused: 400, naming the parameter.
    """
    if isinstance(parameters, list):
        raise RequestRefused(400, "Batches are not supported: send one operation per request.")
    if not isinstance(parameters, Mapping):
        raise RequestRefused(400, "A GraphQL request has to be a JSON object.")
    operation_name = parameters.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise RequestRefused(400, "The parameter 'operationName' has to be a string or null.")
    variables, extensions = parameters.get("variables"), parameters.get("extensions")
    for name, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise RequestRefused(400, f"The parameter '{name}' has to be an object or null.")
    digest = read_digest(extensions)
    query = parameters.get("query")
    if digest is not None and query is None:
        query = ""
    elif not isinstance(query, str) or not query:
        raise RequestRefused(400, "The parameter 'query' has to be a non-empty string.")
    return OperationRequest(
        query=query,
        variables=variables,
        operation_name=operation_name,
        extensions=extensions,
        digest=digest,
    )


def _require_json_content(request: Request) -> None:
    media, *parameters = (
        part.strip().lower() for part in request.headers.get("content-type", "").split(";")
    )
    if media != "application/json":
        raise RequestRefused(415, "The content type has to be application/json.")
    charsets = [part[8:].strip('"') for part in parameters if part.startswith("charset=")]
    if any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise RequestRefused(415, "The body has to be encoded in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused(415, "Compressed request bodies are not supported.")


async def _read_body(request: Request, max_body_bytes: int) -> bytes:
    refusal = RequestRefused(
        413,
        f"The body is larger than {max_body_bytes} bytes.",
        code=REQUEST_TOO_LARGE,
        # What is left of the body will not be read, so the connection is of no more use.
        headers={"connection": "close"},
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > max_body_bytes:
        raise refusal
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_body_bytes:
                raise refusal
    except ClientDisconnect:
        raise RequestRefused(400, "The body ended early.") from None
    return bytes(body)
