"""``/v1/test_helpers``: what no real gateway has, and every rehearsal needs.

People use these in the sandbox too: to pay without a browser, to let refunds fail, to see a
shop cope with webhooks that come late, twice or in the wrong order, and with outages.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headless_presale.sandbox_gateway import intents
from headless_presale.sandbox_gateway.behaviour import (
    RefundBehaviour,
    WebhookBehaviour,
    set_behaviour,
)
from headless_presale.sandbox_gateway.database import Transaction
from headless_presale.sandbox_gateway.gateway import get_gateway
from headless_presale.sandbox_gateway.inputs import Decline, Empty, Redelivery
from headless_presale.sandbox_gateway.outage import Outage
from headless_presale.sandbox_gateway.reading import read_json
from headless_presale.sandbox_gateway.refunds import change_refund_behaviour
from headless_presale.sandbox_gateway.responses import answer_post, answer_post_outside


async def change_webhooks(request: Request) -> Response:
    """Set how webhooks are delivered; what is left out goes back to its default."""
    behaviour = await read_json(request, WebhookBehaviour)

    def change(tx: Transaction) -> dict[str, Any]:
        set_behaviour(tx, behaviour)
        return behaviour.model_dump()

    return await answer_post(request, behaviour, change)


async def flush_webhooks(request: Request) -> Response:
    """Deliver everything pending now; answers with each HTTP request made and its status."""
    body = await read_json(request, Empty)
    courier = get_gateway(request).courier

    async def flush() -> dict[str, Any]:
        return {"object": "list", "data": await courier.flush()}

    return await answer_post_outside(request, body, flush)


async def redeliver_webhook(request: Request) -> Response:
    """Send one event again, delivered or not."""
    body = await read_json(request, Redelivery)
    courier = get_gateway(request).courier

    async def redeliver() -> dict[str, Any]:
        return {"object": "list", "data": await courier.redeliver(body.event_id)}

    return await answer_post_outside(request, body, redeliver)


async def change_refunds(request: Request) -> Response:
    """Set what becomes of refunds; what is left out goes back to its default."""
    behaviour = await read_json(request, RefundBehaviour)

    def change(tx: Transaction) -> dict[str, Any]:
        change_refund_behaviour(tx, behaviour)
        return behaviour.model_dump()

    return await answer_post(request, behaviour, change)


async def pay_payment_intent(request: Request) -> Response:
    """Pay without a browser."""
    body = await read_json(request, Empty)
    intent_id = request.path_params["id"]
    return await answer_post(request, body, lambda tx: intents.pay_intent(tx, intent_id))


async def fail_payment_intent(request: Request) -> Response:
    """Let an attempt to pay be declined."""
    body = await read_json(request, Decline)
    intent_id = request.path_params["id"]
    return await answer_post(
        request, body, lambda tx: intents.decline_intent(tx, intent_id, body.failure_code)
    )


async def change_outage(request: Request) -> Response:
    """Let the next API calls fail. Kept in memory: a restart ends an outage."""
    outage = await read_json(request, Outage)
    board = get_gateway(request).outages

    async def change() -> dict[str, Any]:
        board.current = outage
        return outage.model_dump()

    return await answer_post_outside(request, outage, change)


CONTROL_ROUTES = [
    Route("/webhooks", change_webhooks, methods=["POST"]),
    Route("/webhooks/flush", flush_webhooks, methods=["POST"]),
    Route("/webhooks/redeliver", redeliver_webhook, methods=["POST"]),
    Route("/refunds", change_refunds, methods=["POST"]),
    Route("/payment_intents/{id}/pay", pay_payment_intent, methods=["POST"]),
    Route("/payment_intents/{id}/fail", fail_payment_intent, methods=["POST"]),
    Route("/outage", change_outage, methods=["POST"]),
]
