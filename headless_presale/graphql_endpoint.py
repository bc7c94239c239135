"""The GraphQL endpoint as what stands before it sees it: its path, and refusals in its own shape.

What is refused at a door never reaches the schema. Clients read it all the same, so it has the
media type, the language and the form of what the endpoint answers itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import orjson
from starlette.datastructures import Headers
from starlette.types import Scope, Send

from headless_presale.refusal_texts import tell

GRAPHQL_PATH = "/graphql"
GRAPHQL_RESPONSE = b"application/graphql-response+json"
JSON = b"application/json"
VARY = b"Accept, Accept-Language, Origin"

RawHeaders = Sequence[tuple[bytes, bytes]]


class Refusal(Protocol):
    """Why a request is refused before it is read: an error for a client's eyes.

    It may have ``retry_after_seconds``, an int: when to send the same request again.
    """

    code: ClassVar[str]
    http_status: ClassVar[int]


@dataclass(frozen=True, slots=True)
class RefusalAnswer:
    """An answer that refuses, composed."""

    status: int
    headers: RawHeaders
    body: bytes

    async def send(self, send: Send, *, kind: str = "http.response") -> None:
        """Send it.

        Args:
            kind: ``websocket.http.response`` where a handshake is refused.
        """
        await send({"type": f"{kind}.start", "status": self.status, "headers": [*self.headers]})
        await send({"type": f"{kind}.body", "body": self.body})

    @property
    def lines(self) -> bytes:
        """Its headers as HTTP/1.1 writes them."""
        return lines_of(self.headers)


def lines_of(headers: RawHeaders) -> bytes:
    """Return headers as HTTP/1.1 writes them.

    Raises:
        ValueError: one of them would end its line, and begin another.
    """
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not lines.count(b"\n") == lines.count(b"\r") == len(headers):
        raise ValueError("a header that is more than a line")
    return lines


def is_graphql(scope: Scope) -> bool:
    """Tell whether a request or a socket is for the GraphQL endpoint."""
    if scope["type"] not in ("http", "websocket"):
        return False
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path == GRAPHQL_PATH


def accepted_media(scope: Scope) -> bytes:
    """Return the media type of an answer: the newer one where the client names it.

    Weights are not worth their reading.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    is_named = any(name == b"accept" and GRAPHQL_RESPONSE in value for name, value in headers)
    return GRAPHQL_RESPONSE if is_named else JSON


def compose_refusal(
    refusal: Refusal, *, media: bytes, language: str | None, more_headers: RawHeaders = ()
) -> RefusalAnswer:
    """Return the answer that tells a client of a refusal.

    Args:
        language: an ``Accept-Language`` header, or a locale.
    """
    seconds: int | None = getattr(refusal, "retry_after_seconds", None)
    extensions: dict[str, Any] = {"code": refusal.code}
    if seconds is not None:
        extensions["retryAfterSeconds"] = seconds
    message = tell(refusal.code, str(refusal), language)
    body = orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})
    headers = [
        (b"content-type", media + b"; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *([(b"retry-after", str(seconds).encode())] if seconds is not None else ()),
        (b"cache-control", b"no-store"),
        (b"vary", VARY),
        *more_headers,
    ]
    return RefusalAnswer(refusal.http_status, headers, body)


async def refuse(
    scope: Scope, refusal: Refusal, send: Send, *, kind: str = "http.response"
) -> None:
    """Answer a request with a refusal, in its media type and language; ``kind`` as for ``send``."""
    await refusal_of(scope, refusal).send(send, kind=kind)


def refusal_of(scope: Scope, refusal: Refusal) -> RefusalAnswer:
    """Return the answer that refuses a request, in its media type and language."""
    language = Headers(scope=scope).get("accept-language")
    return compose_refusal(refusal, media=accepted_media(scope), language=language)
