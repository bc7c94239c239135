"""How a POST is answered: once per idempotency key."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from headless_presale.sandbox_gateway.database import Transaction
from headless_presale.sandbox_gateway.gateway import get_gateway
from headless_presale.sandbox_gateway.idempotency import (
    Answer,
    answer_once,
    check_key,
    find_answer,
    fingerprint,
)


def json_response(
    body: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")


def list_response(items: list[dict[str, Any]], has_more: bool) -> Response:
    return json_response({"object": "list", "data": items, "has_more": has_more})


async def answer_post(
    request: Request,
    body: BaseModel,
    operation: Callable[[Transaction], dict[str, Any]],
    *,
    status: int = 200,
) -> Response:
    """Run ``operation`` in one transaction with the answer its idempotency key will replay."""
    key, identity = _identify(request, body)
    answer = await get_gateway(request).database.run(
        lambda tx: answer_once(tx, key, identity, lambda tx: Answer(status, operation(tx)))
    )
    return _respond(answer)


async def answer_post_outside(
    request: Request, body: BaseModel, operation: Callable[[], Awaitable[dict[str, Any]]]
) -> Response:
    """Run what reaches outside the data file; only a success is kept under its key."""
    key, identity = _identify(request, body)
    database = get_gateway(request).database
    if key is None:
        return json_response(await operation())
    stored = await database.run(lambda tx: find_answer(tx, key, identity))
    if stored is not None:
        return _respond(stored)
    answer = Answer(200, await operation())
    return _respond(await database.run(lambda tx: answer_once(tx, key, identity, lambda _: answer)))


def _identify(request: Request, body: BaseModel) -> tuple[str | None, str]:
    key = check_key(request.headers.get("idempotency-key"))
    return key, fingerprint(request.method, request.url.path, body.model_dump(mode="json"))


def _respond(answer: Answer) -> Response:
    headers = {"idempotent-replayed": "true"} if answer.replayed else None
    return json_response(answer.body, status=answer.status, headers=headers)
