"""Orders per second: the use case, the API over HTTP, and the floor that the database sets."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import aiohttp
import asyncpg
import orjson

from bench.load import Rate, measure
from bench.sale import open_sale, order_of
from headless_presale.campaigns import CampaignSnapshot
from headless_presale.checkout import place_order
from headless_presale.identity import ALL_SCOPES
from headless_presale.shops import get_shop
from headless_presale.slots import SlotsSoldOut
from headless_presale.webhooks import Asker, EndpointWish, create_endpoint
from resolvers.global_ids import seal

CONCURRENCY = 64

PLACE = """
mutation ($input: OrderPlaceInput!) {
  orderPlace(input: $input) {
    order { id number status lines { slotNumbers } total { minor } }
    orderToken
    userErrors { code message }
  }
}
"""


async def floor(database_url: str, *, count: int) -> Rate:
    """Bare asyncpg: one transaction that takes a slot and writes three small rows."""
    pool = await asyncpg.create_pool(database_url, min_size=20, max_size=20)
    async with pool.acquire() as connection:
        await connection.execute(
            "CREATE TABLE bench_slot (number int PRIMARY KEY, owner uuid);"
            "CREATE TABLE bench_row (id uuid PRIMARY KEY, kind int, body jsonb);"
        )
        await connection.execute("INSERT INTO bench_slot SELECT generate_series(0, $1::int)", count)

    async def buy(number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            for kind in range(3):
                await connection.execute(
                    "INSERT INTO bench_row VALUES ($1, $2, '{}')", uuid4(), kind
                )
            await connection.execute(
                "UPDATE bench_slot SET owner = $1 WHERE number = $2 AND owner IS NULL",
                uuid4(),
                number,
            )

    try:
        return await measure(buy, count=count, concurrency=CONCURRENCY)
    finally:
        await pool.close()


async def use_case(campaign: CampaignSnapshot, *, count: int) -> Rate:
    """``place_order`` in this process: Redis, transaction, everything but HTTP and GraphQL."""
    return await measure(
        lambda number: place_order(order_of(campaign, number)),
        count=count,
        concurrency=CONCURRENCY,
    )


async def listen(count: int) -> None:
    """Let so many webhook endpoints be told of every order; nobody sends, only the rows cost."""
    shop = await get_shop("bench")
    asker = Asker(merchant_id=shop.merchant_id, scopes=ALL_SCOPES)
    for number in range(count):
        url = f"https://erp.example.com/{number}"
        await create_endpoint(asker, EndpointWish(url=url, event_types=["order.*"]))


async def sold_out(campaign: CampaignSnapshot, *, count: int) -> Rate:
    """What a refusal costs once nothing is left."""

    async def refused(number: int) -> None:
        try:
            await place_order(order_of(campaign, 1_000_000 + number))
        except SlotsSoldOut:
            return
        raise AssertionError("the sale was not sold out")

    return await measure(refused, count=count, concurrency=CONCURRENCY)


@contextmanager
def api_process() -> Iterator[str]:
    """Run the API as its users do, one process, on the engines of this environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "headless_presale.cli", "serve", "--port", str(port)],
        env={**os.environ, "PRESALE_LOG_LEVEL": "WARNING"},
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def over_http(campaign: CampaignSnapshot, url: str, *, count: int) -> Rate:
    """``orderPlace`` over HTTP with keep-alive, load generator and server sharing the machine."""
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(url, connector=connector, headers=headers) as client:
        await wait_until_ready(client)

        async def place(number: int) -> None:
            async with client.post("/graphql", data=order_body(campaign, str(number))) as answer:
                result = (await answer.json())["data"]["orderPlace"]
            if result["userErrors"]:
                raise AssertionError(result["userErrors"])

        return await measure(place, count=count, concurrency=CONCURRENCY)


def order_body(campaign: CampaignSnapshot, buyer: str) -> bytes:
    """Return the request that places one buyer's order."""
    assert campaign.terms is not None
    return orjson.dumps(
        {
            "query": PLACE,
            "variables": {
                "input": {
                    "shop": "bench",
                    "lines": [
                        {
                            "campaignItemId": seal("CampaignItem", campaign.items[0].id),
                            "quantity": 1,
                        }
                    ],
                    "buyer": {"email": f"http{buyer}@example.com", "name": "Buyer"},
                    "shippingAddress": {
                        "country": "CN",
                        "city": "Shanghai",
                        "line1": "1 Nanjing Road",
                    },
                    "acceptedTermsVersion": campaign.terms.version,
                    "idempotencyKey": f"http-{buyer}",
                }
            },
        }
    )


async def wait_until_ready(client: aiohttp.ClientSession) -> None:
    """Wait until an API answers that it is ready, two minutes at most."""
    for _ in range(1_200):
        try:
            async with client.get("/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the API did not come up")


def memory_mb() -> float:
    """Return this process's largest memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def sales(capacities: dict[str, int]) -> dict[str, CampaignSnapshot]:
    """Open one sale for each benchmark."""
    return {
        handle: await open_sale(handle, capacity=capacity)
        for handle, capacity in capacities.items()
    }
