"""The merchant's API under ``/v1``: payment intents, refunds, events."""

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from headless_presale.sandbox_gateway import events, intents, refunds
from headless_presale.sandbox_gateway.errors import GatewayError
from headless_presale.sandbox_gateway.gateway import get_gateway
from headless_presale.sandbox_gateway.inputs import (
    Empty,
    EventQuery,
    PaymentIntentCreate,
    PaymentIntentQuery,
    RefundCreate,
    RefundQuery,
)
from headless_presale.sandbox_gateway.reading import read_json, read_query
from headless_presale.sandbox_gateway.responses import answer_post, json_response, list_response


class RequireApiKey:
    """Lets a request through that carries ``Authorization: Bearer <api_key>``."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, credentials = given.partition(b" ")
        known = hmac.compare_digest(credentials.strip(), self._api_key)
        if scheme.lower() != b"bearer" or not known:
            raise GatewayError(401, "unauthorized", "Send Authorization: Bearer <api key>.")
        await self._app(scope, receive, send)


async def create_payment_intent(request: Request) -> Response:
    body = await read_json(request, PaymentIntentCreate)
    return await answer_post(request, body, lambda tx: intents.create_intent(tx, body), status=201)


async def get_payment_intent(request: Request) -> Response:
    intent_id = request.path_params["id"]
    intent = await get_gateway(request).database.run(
        lambda tx: intents.represent_intent(tx, intents.get_intent(tx, intent_id))
    )
    return json_response(intent)


async def list_payment_intents(request: Request) -> Response:
    query = read_query(request, PaymentIntentQuery)
    items, has_more = await get_gateway(request).database.run(
        lambda tx: intents.list_intents(
            tx,
            reference=query.reference,
            created_after=query.created_after,
            starting_after=query.starting_after,
            limit=query.limit,
        )
    )
    return list_response(items, has_more)


async def cancel_payment_intent(request: Request) -> Response:
    body = await read_json(request, Empty)
    intent_id = request.path_params["id"]
    return await answer_post(request, body, lambda tx: intents.cancel_intent(tx, intent_id))


async def create_refund(request: Request) -> Response:
    body = await read_json(request, RefundCreate)
    return await answer_post(request, body, lambda tx: refunds.create_refund(tx, body), status=201)


async def get_refund(request: Request) -> Response:
    refund_id = request.path_params["id"]
    refund = await get_gateway(request).database.run(
        lambda tx: refunds.represent_refund(refunds.get_refund(tx, refund_id))
    )
    return json_response(refund)


async def list_refunds(request: Request) -> Response:
    query = read_query(request, RefundQuery)
    items, has_more = await get_gateway(request).database.run(
        lambda tx: refunds.list_refunds(
            tx,
            payment_intent=query.payment_intent,
            reference=query.reference,
            starting_after=query.starting_after,
            limit=query.limit,
        )
    )
    return list_response(items, has_more)


async def list_events(request: Request) -> Response:
    query = read_query(request, EventQuery)
    items, has_more = await get_gateway(request).database.run(
        lambda tx: events.list_events(tx, after=query.after, limit=query.limit)
    )
    return list_response(items, has_more)


API_ROUTES = [
    Route("/payment_intents", create_payment_intent, methods=["POST"]),
    Route("/payment_intents", list_payment_intents, methods=["GET"]),
    Route("/payment_intents/{id}", get_payment_intent, methods=["GET"]),
    Route("/payment_intents/{id}/cancel", cancel_payment_intent, methods=["POST"]),
    Route("/refunds", create_refund, methods=["POST"]),
    Route("/refunds", list_refunds, methods=["GET"]),
    Route("/refunds/{id}", get_refund, methods=["GET"]),
    Route("/events", list_events, methods=["GET"]),
]
