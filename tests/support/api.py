"""The whole API on a real port in the test's own loop, and the requests of its buyers."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import httpx

from headless_presale.cli.http import DoorProtocol
from headless_presale.cli.server import Server, server_config
from headless_presale.cli.socket_protocol import SocketProtocol
from headless_presale.settings import Settings
from resolvers.global_ids import seal
from schema.asgi import create
from tests.support.servers import bind_free_port, serving
from tests.support.shop import Sale

PLACE = """
mutation ($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    order { id status lines { slotNumbers } }
    orderToken
    userErrors { __typename code }
  }
}
"""


class QuietServer(Server):
    """The product's server; signals belong to the test run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def api_serving(
    settings: Settings,
    *,
    protocol: type[asyncio.Protocol] | Literal["auto"] = DoorProtocol,
    sockets: type[asyncio.Protocol] = SocketProtocol,
    listener: socket.socket | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the API with its lifespan; yield a client of it.

    Args:
        protocol: the server's HTTP; the product's own, or uvicorn's.
        sockets: the server's sockets; the product's own, or uvicorn's.
        listener: a bound socket, where the settings have to know the address; else any port.
    """
    listener = listener or bind_free_port()
    config = server_config(
        create(settings),
        http=protocol,
        ws=sockets,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=5,
    )
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        serving(QuietServer(config), listener),
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield client


def order_request(sale: Sale, buyer: str) -> dict[str, Any]:
    """Return the body of a request that places one unit's order, the same for the same buyer."""
    assert sale.campaign.terms is not None
    return order_of(
        sale.shop.slug, seal("CampaignItem", sale.item_id), sale.campaign.terms.version, buyer
    )


def order_of(shop: str, item_id: str, terms_version: int, buyer: str) -> dict[str, Any]:
    """Return the same by what a storefront knows of the sale; ``item_id`` is the global id."""
    return {
        "query": PLACE,
        "variables": {
            "input": {
                "shop": shop,
                "lines": [{"campaignItemId": item_id, "quantity": 1}],
                "buyer": {"email": f"{buyer}@example.com", "name": buyer},
                "shippingAddress": {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road"},
                "acceptedTermsVersion": terms_version,
                "idempotencyKey": buyer,
            }
        },
    }


def order_in(answer: httpx.Response) -> dict[str, Any]:
    """Return the order that was placed; a refusal fails the test."""
    assert answer.status_code == 200, answer.text
    placed = answer.json()["data"]["orderPlace"]
    assert placed["userErrors"] == [], answer.text
    order: dict[str, Any] = placed["order"]
    return order


async def metric(client: httpx.AsyncClient, sample: str) -> float:
    """Return one sample of ``/metrics``; 0 where there is none."""
    return metric_in((await client.get("/metrics")).text, sample)


def metric_in(text: str, sample: str) -> float:
    """Return one sample of a text in the Prometheus format; 0 where there is none."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0
