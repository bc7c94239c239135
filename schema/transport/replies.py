"""HTTP answers: what an operation came to, or why none was run, with status and headers."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from graphql import GraphQLError, located_error
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from schema.transport.answers import Answer
from schema.transport.caching import CacheHintLike, cache_control, entity_tag, is_unchanged
from schema.transport.errors import INTERNAL, AnswerAs, ErrorPresenter, answer_as
from schema.transport.execution import Operation, Outcome, response_body
from schema.transport.head import Head, request_id_in
from schema.transport.negotiation import GRAPHQL_RESPONSE, JSON

VARY = "Accept, Accept-Language, Origin"
_NO_BODY = frozenset({204, 304})


class Reply:
    """An answer that is composed, and can be sent any number of times.

    Attributes:
        headers: those that belong to the answer, the length of its body among them.
    """

    __slots__ = ("_lines", "body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.body = body
        self.headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        if status not in _NO_BODY:
            self.headers.append((b"content-length", b"%d" % len(body)))
        self._lines: bytes | None = None

    @property
    def lines(self) -> bytes:
        """The headers as HTTP/1.1 writes them; written once.

        Raises:
            ValueError: one of them would end its line, and begin another.
        """
        if self._lines is None:
            lines = b"".join([b"%b: %b\r\n" % header for header in self.headers])
            if not lines.count(b"\n") == lines.count(b"\r") == len(self.headers):
                raise ValueError("a header that is more than a line")
            self._lines = lines
        return self._lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Middleware adds to the list: each sending has its own.
        start = {"type": "http.response.start", "status": self.status, "headers": [*self.headers]}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})


class Replies:
    """Composes answers.

    Args:
        presenter: puts errors as clients read them.
    """

    def __init__(self, presenter: ErrorPresenter) -> None:
        self._presenter = presenter

    def result(
        self,
        head: Head,
        media: str,
        operation: Operation | None,
        outcome: Outcome,
        hint: CacheHintLike | None,
    ) -> Reply:
        """The answer to a query or a mutation, with its status and caching headers."""
        body, failed = self.encode(head, operation, outcome)
        decided = answer_as(outcome.errors or ()) if outcome.data is None else AnswerAs()
        status = decided.status
        if status is None:
            status = 400 if not outcome.executed and media == GRAPHQL_RESPONSE else 200
        headers = _headers(media, cache_control(head, hint, failed=failed), decided.headers)
        if head.is_get and not failed:
            headers["etag"] = tag = entity_tag(body)
            if is_unchanged(head, tag):
                return Reply(304, headers, b"")
        return Reply(status, headers, body)

    def shared(self, head: Head, media: str, operation: Operation | None, answer: Answer) -> Reply:
        """The answer to a query that may have been made for somebody else.

        One without errors is composed once for all who ask in the same manner.
        """
        body = answer.body
        if body is None:
            return self.result(head, media, operation, answer.outcome, answer.hint)
        is_known = head.is_get and is_unchanged(head, answer.tag)
        manner = media, head.is_get, head.identifies, is_known
        reply: Reply | None = answer.composed.get(manner)
        if reply is None:
            headers = _headers(media, cache_control(head, answer.hint, failed=False))
            if head.is_get:
                headers["etag"] = answer.tag
            reply = Reply(304, headers, b"") if is_known else Reply(200, headers, body)
            answer.composed[manner] = reply
        return reply

    def failure(
        self, head: Head, media: str | None, failure: Exception, headers: Mapping[str, str]
    ) -> Reply:
        """The answer when nothing was run: a refusal, or a failure before the operation began."""
        error = located_error(failure)
        presented = self._present(head, [error])
        decided = answer_as([error])
        status = decided.status
        if status is None:
            status = 500 if presented[0]["extensions"]["code"] == INTERNAL else 400
        sent = _headers(media or JSON, "no-store", {**decided.headers, **headers})
        return Reply(status, sent, orjson.dumps({"errors": presented}))

    def encode(
        self, head: Head, operation: Operation | None, outcome: Outcome
    ) -> tuple[bytes, bool]:
        """The encoded response and whether it reports errors."""
        if outcome.encoded is not None:
            return outcome.encoded, False
        name = operation.name if operation else None
        errors = self._present(head, outcome.errors, name) if outcome.errors else []
        try:
            return orjson.dumps(response_body(outcome, errors)), bool(errors)
        except TypeError as failure:
            # A scalar serialised to something that is not JSON.
            masked = self._present(head, [located_error(failure)], name)
            return orjson.dumps({"data": None, "errors": masked}), True

    def _present(
        self, head: Head, errors: Iterable[GraphQLError], name: str | None = None
    ) -> list[dict[str, Any]]:
        return self._presenter.present(
            errors,
            request_id=head.request_id,
            operation_name=name,
            language=head.get(b"accept-language"),
        )


def _headers(media: str, control: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    content = {"content-type": f"{media}; charset=utf-8", "cache-control": control, "vary": VARY}
    return {**content, **more} if more else content


def request_id_of(connection: HTTPConnection) -> str:
    """The id a middleware left in the state, else one that is made up and then kept there."""
    return request_id_in(connection.scope)
