"""What we send is verified by the reference libraries, in Python and in JavaScript."""

import json
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from headless_presale.checkout import place_order
from headless_presale.webhooks import deliver_due
from tests.support.drop import open_drop
from tests.support.node import NodeRun, node
from tests.support.receiver import Receiver, subscribe
from tests.support.shop import order_for

__all__ = ["node"]

pytestmark = pytest.mark.usefixtures("database", "redis")


async def test_a_delivery_is_verified_from_python_and_javascript(
    receiver: Receiver,
    database_admin: asyncpg.Connection,
    node: Callable[..., Awaitable[NodeRun]],
) -> None:
    sale = await open_drop(capacity=5)
    made = await subscribe(sale.shop, f"{receiver.url}/hooks")
    other = await subscribe(sale.shop, f"{receiver.url}/other", "campaign.*")
    await place_order(order_for(sale))
    await deliver_due(made.endpoint.id)
    (request,) = receiver.at()

    from_python = request.verified(made.secret)
    arguments = (json.dumps(request.headers), request.body.decode())
    from_javascript = await node("verify_webhook.mjs", made.secret, *arguments)
    by_another = await node("verify_webhook.mjs", other.secret, *arguments)
    altered = await node(
        "verify_webhook.mjs", made.secret, arguments[0], arguments[1].replace("100.00", "1.00")
    )

    assert from_python["type"] == "order.placed"
    assert (from_javascript.code, json.loads(from_javascript.stdout)) == (0, from_python)
    for forged in (by_another, altered):
        assert (forged.code, forged.stderr.strip()) == (1, "No matching signature found")
