"""HTTP answers: what an operation came to, or why none was run, with status and headers."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

import orjson
from graphql import GraphQLError, located_error
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from schema.transport.answers import Answer
from schema.transport.caching import CacheHintLike, cache_control, entity_tag, is_unchanged
from schema.transport.errors import INTERNAL, AnswerAs, ErrorPresenter, answer_as
from schema.transport.execution import Operation, Outcome, response_body
from schema.transport.negotiation import GRAPHQL_RESPONSE, JSON

VARY = "Accept, Accept-Language, Origin"


class Replies:
    """Composes answers.

    Args:
        presenter: puts errors as clients read them.
    """

    def __init__(self, presenter: ErrorPresenter) -> None:
        self._presenter = presenter

    def result(
        self,
        request: Request,
        media: str,
        operation: Operation | None,
        outcome: Outcome,
        hint: CacheHintLike | None,
    ) -> Response:
        """The answer to a query or a mutation, with its status and caching headers."""
        body, failed = self.encode(request, operation, outcome)
        decided = answer_as(outcome.errors or ()) if outcome.data is None else AnswerAs()
        status = decided.status
        if status is None:
            status = 400 if not outcome.executed and media == GRAPHQL_RESPONSE else 200
        tag = entity_tag(body) if request.method == "GET" and not failed else None
        return _answer(request, media, body, status, hint, tag, failed, decided.headers)

    def shared(
        self, request: Request, media: str, operation: Operation, answer: Answer
    ) -> Response:
        """The answer to a query that may have been made for somebody else."""
        if answer.body is None:
            return self.result(request, media, operation, answer.outcome, answer.hint)
        tag = answer.tag if request.method == "GET" else None
        return _answer(request, media, answer.body, 200, answer.hint, tag, False, {})

    def failure(
        self, request: Request, media: str | None, failure: Exception, headers: Mapping[str, str]
    ) -> Response:
        """The answer when nothing was run: a refusal, or a failure before the operation began."""
        error = located_error(failure)
        presented = self._present(request, [error])
        decided = answer_as([error])
        status = decided.status
        if status is None:
            status = 500 if presented[0]["extensions"]["code"] == INTERNAL else 400
        content = {"content-type": f"{media or JSON}; charset=utf-8", "cache-control": "no-store"}
        sent = {**content, "vary": VARY, **decided.headers, **headers}
        return Response(orjson.dumps({"errors": presented}), status_code=status, headers=sent)

    def encode(
        self, request: Request, operation: Operation | None, outcome: Outcome
    ) -> tuple[bytes, bool]:
        """The encoded response and whether it reports errors."""
        if outcome.encoded is not None:
            return outcome.encoded, False
        name = operation.name if operation else None
        errors = self._present(request, outcome.errors or (), name)
        try:
            return orjson.dumps(response_body(outcome, errors)), bool(errors)
        except TypeError as failure:
            # A scalar serialised to something that is not JSON.
            masked = self._present(request, [located_error(failure)], name)
            return orjson.dumps({"data": None, "errors": masked}), True

    def _present(
        self, request: Request, errors: Iterable[GraphQLError], name: str | None = None
    ) -> list[dict[str, Any]]:
        return self._presenter.present(
            errors,
            request_id=request_id_of(request),
            operation_name=name,
            language=request.headers.get("accept-language"),
        )


def _answer(
    request: Request,
    media: str,
    body: bytes,
    status: int,
    hint: CacheHintLike | None,
    tag: str | None,
    failed: bool,
    more: Mapping[str, str],
) -> Response:
    headers = {
        "content-type": f"{media}; charset=utf-8",
        "cache-control": cache_control(request, hint, failed=failed),
        "vary": VARY,
        **more,
    }
    if tag is not None:
        headers["etag"] = tag
        if is_unchanged(request, tag):
            return Response(status_code=304, headers=headers)
    return Response(body, status_code=status, headers=headers)


def request_id_of(connection: HTTPConnection) -> str:
    """The id a middleware left in the state, else one that is made up and then kept there."""
    state = connection.scope.setdefault("state", {})
    request_id: str = state.setdefault("request_id", uuid4().hex)
    return request_id
