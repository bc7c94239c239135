"""What a customer who is signed in sees: nothing of it comes from a cache that others share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from bench import wrk
from bench.answers import Reading, beside_floor
from bench.cases.read import CAMPAIGNS, LIST, STRANGER
from bench.defences import PAGE
from bench.report import Row
from bench.run import Run
from bench.sale import open_sale, order_of
from headless_presale.campaigns import CampaignSnapshot
from headless_presale.checkout import Buyer, place_order
from headless_presale.customers.codes import code_of, make_code, use_code
from headless_presale.customers.models import CustomerCode
from headless_presale.identity.oauth.keys import signing_key
from resolvers.global_ids import seal

CUSTOMERS = 8
"""Each is asked for by turns, so that nothing is warm because the same one has just asked."""
CONNECTIONS = 4
"""A turn has many answers, and little is under way when it ends: its processor time is theirs."""
LIST_CPU_MS, DETAIL_CPU_MS = 3.0, 0.6

OWN_ORDERS = """
query Orders {
  me {
    orders(first: 20) {
      nodes {
        id number status placedAt holdExpiresAt
        total { minor currency amount }
        lines { title quantity slotNumbers }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
OWN_ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    id number status placedAt holdExpiresAt shipsBy
    total { minor currency amount } deposit { minor } balance { minor }
    buyer { name email }
    lines { title quantity slotNumbers unitPrice { minor } }
  }
}
"""


async def run(run: Run) -> list[Row]:
    """Measure the processor time of lists of twenty and of one of them."""
    sales = [await open_sale(f"signed-in-{number}", capacity=1_000) for number in range(CAMPAIGNS)]
    people = [await _customer(number, sales) for number in range(CUSTOMERS)]
    page = {"shop": "bench", "handle": "signed-in-7"}

    def reading(
        name: str, document: str, most: float, variables: Mapping[str, str] | None = None
    ) -> Reading:
        requests = [
            _request(person, document, variables or {"id": person.order_id}) for person in people
        ]
        return Reading(
            name=name,
            requests=requests,
            check=_has_no_errors,
            connections=CONNECTIONS,
            most_cpu_ms=most,
        )

    return await beside_floor(
        run,
        [
            reading("signed-in,-list-of-20-orders", OWN_ORDERS, LIST_CPU_MS),
            reading("signed-in,-list-of-20-campaigns", LIST, LIST_CPU_MS, {"shop": "bench"}),
            reading("signed-in,-an-order", OWN_ORDER, DETAIL_CPU_MS),
            reading("signed-in,-a-campaign", PAGE, DETAIL_CPU_MS, page),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who is signed in, and the id of one of his orders."""

    token: str
    order_id: str


async def _customer(number: int, sales: Sequence[CampaignSnapshot]) -> _Person:
    """Sign somebody in who has ordered once in each sale."""
    address = f"reader{number:04}@example.com"
    buyer = Buyer(email=address, name="Buyer")
    commands = [replace(order_of(sale, 80_000_000 + number), buyer=buyer) for sale in sales]
    order = [await place_order(command) for command in commands][-1]
    await make_code(order.shop_id, address, locale="en")
    code = await CustomerCode.get(email=address, ended_at=None)
    signed_in = await use_code(order.shop_id, address, code_of(code.id), await signing_key())
    assert signed_in is not None
    return _Person(signed_in.access.token, seal("Order", order.id))


def _request(person: _Person, document: str, variables: Mapping[str, str]) -> wrk.Request:
    headers = {**STRANGER, "Authorization": f"Bearer {person.token}"}
    asked = {"query": document, "variables": variables}
    return wrk.Request("POST", "/graphql", headers, orjson.dumps(asked).decode())


def _has_no_errors(body: bytes) -> None:
    answer = orjson.loads(body)
    assert "errors" not in answer, answer["errors"]
    lists = [
        found["nodes"]
        for found in (answer["data"].get("me", {}).get("orders"), _campaigns(answer["data"]))
        if found is not None
    ]
    assert all(len(nodes) == 20 for nodes in lists), lists
    assert answer["data"].get("order", "") is not None


def _campaigns(data: dict[str, Any]) -> dict[str, list[object]] | None:
    found: dict[str, list[object]] | None = data.get("shop", {}).get("campaigns")
    return found
