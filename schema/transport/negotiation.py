"""Content negotiation of GraphQL over HTTP: which of our media types a client reads."""

from dataclasses import dataclass

from graphql import OperationType

from schema.transport.errors import OPERATION_NOT_ALLOWED, RequestRefused
from schema.transport.head import remembered

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client takes.

    Attributes:
        json: Which of the two JSON types to answer with; None when it takes neither.
        event_stream: Whether it takes an event stream, be it through a wildcard.
        html: Whether it names ``text/html``: only browsers do.
    """

    json: str | None
    event_stream: bool
    html: bool


@remembered
def negotiate(accept: str | None) -> Accepted:
    """Read an ``Accept`` header. None, a missing header, means ``application/json``.

    A wildcard counts as ``application/json``, the type every client understands. Where a client
    names both JSON types with equal weight, the newer one is answered.
    """
    if accept is None or not accept.strip():
        return Accepted(json=JSON, event_stream=True, html=False)
    ranges = _media_ranges(accept)
    weights = {
        JSON: _weight(JSON, ranges),
        GRAPHQL_RESPONSE: _weight(GRAPHQL_RESPONSE, ranges),
    }
    # Sorted by weight, then by whether the type was named, then newest first.
    best = max(
        (GRAPHQL_RESPONSE, JSON),
        key=lambda media: (weights[media], media in ranges, media == JSON and media not in ranges),
    )
    return Accepted(
        json=best if weights[best] > 0 else None,
        event_stream=_weight(EVENT_STREAM, ranges) > 0,
        html=ranges.get(HTML, 0.0) > 0,
    )


def require_json(accepted: Accepted) -> str:
    """The JSON type to answer with, where no event stream can be.

    Raises:
        RequestRefused: 406, the client takes neither.
    """
    if accepted.json is None and accepted.event_stream:
        # What a browser's EventSource sends.
        raise RequestRefused(
            406, "A subscription cannot be sent by GET: open the event stream by POST."
        )
    if accepted.json is None:
        raise RequestRefused(406, f"Accept has to include {GRAPHQL_RESPONSE} or {JSON}.")
    return accepted.json


def require_carrier(kind: OperationType, accepted: Accepted, *, is_get: bool) -> None:
    """Refuse what this method or media type cannot carry."""
    if is_get and kind is not OperationType.QUERY:
        raise RequestRefused(
            405,
            f"A {kind.value} cannot be sent by GET.",
            code=OPERATION_NOT_ALLOWED,
            headers={"allow": "POST"},
        )
    if kind is OperationType.SUBSCRIPTION and not accepted.event_stream:
        raise RequestRefused(
            406,
            "A subscription needs 'Accept: text/event-stream' or a WebSocket "
            "(graphql-transport-ws).",
            code=OPERATION_NOT_ALLOWED,
        )


def _media_ranges(accept: str) -> dict[str, float]:
    """Media ranges with their quality; a quality that cannot be read counts as one."""
    ranges: dict[str, float] = {}
    for part in accept.split(",")[:50]:
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 1.0
        if media:
            ranges[media] = max(ranges.get(media, 0.0), quality)
    return ranges


def _weight(media: str, ranges: dict[str, float]) -> float:
    """Quality by the most specific range that matches."""
    for candidate in (media, media.split("/")[0] + "/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
