"""A drop over HTTP: 64 buyers at once, 300 attempts, 50 slots."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import httpx

from resolvers.global_ids import seal
from tests.e2e.conftest import Stack
from tests.e2e.storefront import PLACE
from tests.support.shop import make_shop, open_sale

ATTEMPTS = 300
BUYERS = 64
CAP = 50


async def test_fifty_orders_and_every_refusal_typed(
    stack: Stack, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(shop=await make_shop("atelier", "USD"), capacity=CAP)
    item_id = seal("CampaignItem", sale.item_id)
    limits = httpx.Limits(max_connections=BUYERS)
    turnstile = asyncio.Semaphore(BUYERS)

    async with httpx.AsyncClient(
        base_url=stack.url, limits=limits, timeout=30, trust_env=False
    ) as client:

        async def buy(number: int) -> dict[str, Any]:
            order = {
                "shop": "atelier",
                "lines": [{"campaignItemId": item_id, "quantity": 1}],
                "buyer": {"email": f"buyer{number}@example.com", "name": "Buyer"},
                "shippingAddress": {"country": "US", "city": "Portland", "line1": "1 Pine Street"},
                "acceptedTermsVersion": 1,
                "idempotencyKey": f"key-{number}",
            }
            async with turnstile:
                answer = await client.post(
                    "/graphql", json={"query": PLACE, "variables": {"input": order}}
                )
            assert answer.status_code == 200, answer.text
            result: dict[str, Any] = answer.json()["data"]["orderPlace"]
            return result

        results = await asyncio.gather(*map(buy, range(ATTEMPTS)))

    placed = [result["order"] for result in results if result["order"]]
    numbers = [number for order in placed for number in order["lines"][0]["slotNumbers"]]
    assert sorted(numbers) == list(range(1, CAP + 1))
    assert len({order["id"] for order in placed}) == CAP
    refusals = Counter(error["__typename"] for result in results for error in result["userErrors"])
    assert refusals == {"SlotsSoldOutError": ATTEMPTS - CAP}
    owned = await database_admin.fetchval(
        "SELECT count(DISTINCT order_id) FROM slot WHERE order_id IS NOT NULL"
    )
    assert owned == CAP
