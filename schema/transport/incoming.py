"""Reads GraphQL requests off the wire. Whatever cannot be read is refused, never guessed at."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.types import Receive

from schema.transport.errors import REQUEST_TOO_LARGE, RequestRefused
from schema.transport.head import Head, remembered
from schema.transport.persisted import read_digest
from schema.transport.requests import OperationRequest


async def read_text(head: Head, receive: Receive, max_bytes: int) -> bytes:
    """What a request says, as it came: the body of a POST, the query string of a GET.

    Raises:
        RequestRefused: 415 for another content type, charset or encoding than JSON in UTF-8,
            413 or 414 beyond ``max_bytes``, 400 for a body that ends early.
    """
    if not head.is_get:
        _require_json_content(head)
        return await _read_body(head, receive, max_bytes)
    return _text_of_address(head, max_bytes)


def text_of(head: Head, body: bytes, max_bytes: int) -> bytes:
    """What a request says whose body is there; raises what ``read_text`` does."""
    if head.is_get:
        return _text_of_address(head, max_bytes)
    _require_json_content(head)
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


def _text_of_address(head: Head, max_bytes: int) -> bytes:
    if len(head.query_string) > max_bytes:
        raise RequestRefused(414, "The query string is too long.", code=REQUEST_TOO_LARGE)
    return head.query_string


def parse_post(body: bytes) -> OperationRequest:
    """The operation in a body.

    Raises:
        RequestRefused: 400 for everything that is no GraphQL request.
    """
    return parse_parameters(decode_json(body, "body"))


def parse_get(query_string: bytes) -> OperationRequest:
    """The operation in a query string, ``variables`` and ``extensions`` as JSON in it.

    Raises:
        RequestRefused: 400 for everything that is no GraphQL request.
    """
    parameters: dict[str, Any] = dict(QueryParams(query_string))
    for name in ("variables", "extensions"):
        if name in parameters:
            text = parameters[name]
            parameters[name] = decode_json(text.encode(errors="replace"), name) if text else None
    if parameters.get("operationName") == "":
        parameters["operationName"] = None
    return parse_parameters(parameters)


def asks_for_data(head: Head) -> bool:
    """Tell whether a query string asks for something, and not for the editor."""
    parameters = QueryParams(head.query_string)
    return "query" in parameters or "extensions" in parameters


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


def _require_json_content(head: Head) -> None:
    fault = _fault_of_content(head.get(b"content-type"))
    if fault is not None:
        raise RequestRefused(415, fault)
    encoding = head.get(b"content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise RequestRefused(415, "Compressed request bodies are not supported.")


@remembered
def _fault_of_content(content_type: str | None) -> str | None:
    media, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    if media != "application/json":
        return "The content type has to be application/json."
    charsets = [part[8:].strip('"') for part in parameters if part.startswith("charset=")]
    if any(charset not in ("utf-8", "utf8") for charset in charsets):
        return "The body has to be encoded in UTF-8."
    return None


async def _read_body(head: Head, receive: Receive, max_bytes: int) -> bytes:
    length = head.get(b"content-length") or ""
    if length.isdecimal() and len(length) < 20 and int(length) > max_bytes:
        raise _too_large(max_bytes)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(400, "The body ended early.")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            # Nearly always the first.
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def _too_large(max_bytes: int) -> RequestRefused:
    return RequestRefused(
        413,
        f"The body is larger than {max_bytes} bytes.",
        code=REQUEST_TOO_LARGE,
        # What is left of the body will not be read, so the connection is of no more use.
        headers={"connection": "close"},
    )
