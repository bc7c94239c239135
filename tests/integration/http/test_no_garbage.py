"""What a request has made is gone when it is answered, without garbage being looked for.

An object that holds itself stays until a collection finds it, with all that hangs on it: of a
hundred objects for each order, collecting cost a fifth of what the order did.
"""

import gc
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from schema.asgi import create
from tests.conftest import SECRET_KEY
from tests.support.api import order_request
from tests.support.shop import make_shop, open_sale

TIMES = 20
PAGE = """
query ($slug: String!) { shop(slug: $slug) { name campaigns(first: 2) { nodes { title } } } }
"""


async def ask(app: Starlette, state: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Send a request without a server, which would make objects of its own."""
    sent = orjson.dumps(body)
    said: list[Any] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"shop.test"), (b"content-type", b"application/json")],
        "client": ("203.0.113.7", 4_000),
        "server": ("127.0.0.1", 80),
        "state": dict(state),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    answer: dict[str, Any] = orjson.loads(said[1]["body"])
    return answer


@pytest.mark.parametrize("what", ["an order", "sold out", "a page"])
async def test_nothing_is_left(
    database: str, redis: Redis, redis_url: str, tmp_path: Path, clock: ManualClock, what: str
) -> None:
    settings = Settings.model_validate(
        {
            "database_url": database,
            "redis_url": redis_url,
            "data_dir": tmp_path,
            "secret_key": SECRET_KEY,
            "answer_memory_bytes": 0,
        }
    )
    app = create(settings)
    async with app.router.lifespan_context(app) as state:
        assert state is not None
        shop = await make_shop()
        sale = await open_sale(shop=shop, capacity=1 if what == "sold out" else 100)

        async def once(number: int) -> None:
            if what == "a page":
                body = {"query": PAGE, "variables": {"slug": shop.slug}}
                assert (await ask(app, dict(state), body))["data"]["shop"]
                return
            body = order_request(sale, f"buyer-{number}")
            placed = (await ask(app, dict(state), body))["data"]["orderPlace"]
            assert bool(placed["order"]) is (what == "an order" or number == 0)

        for number in range(3):
            await once(number)
        gc.collect()
        gc.disable()
        try:
            for number in range(TIMES):
                await once(3 + number)
            found = gc.collect()
        finally:
            gc.enable()

    # Less than one for each: what else is going on in the process may leave some.
    assert found < TIMES, found
