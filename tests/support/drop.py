"""A drop: many buyers on few slots over HTTP, who come back when they are told to or cut off."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from headless_presale.kernel import clock
from resolvers.global_ids import find_uuid, seal
from tests.support.shop import TERMS, Sale, make_shop, open_sale
from tests.support.wire import Wire

PLACE = (
    "mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) {"
    " order { id lines { slotNumbers } } userErrors { __typename code } } }"
)
MOST_ATTEMPTS = 50


async def open_drop(*, capacity: int, **options: Any) -> Sale:
    """Open a campaign by the real clock, as processes of their own see it; a shop of dollars."""
    ships_by = (clock.now() + timedelta(days=90)).date()
    return await open_sale(
        shop=await make_shop("atelier", "USD"),
        terms={**TERMS, "ships_by": ships_by},
        item={"batches": [{"capacity": capacity, "ships_by": ships_by}]},
        **options,
    )


def order_input(sale: Sale, buyer: int, *, quantity: int = 1) -> dict[str, Any]:
    """Return the input of a buyer's one order, the same for each attempt."""
    assert sale.campaign.terms is not None
    return {
        "shop": sale.shop.slug,
        "lines": [
            {"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": quantity},
        ],
        "buyer": {"email": f"buyer{buyer}@example.com", "name": "Buyer"},
        "shippingAddress": {"country": "US", "city": "Portland", "line1": "1 Pine Street"},
        "acceptedTermsVersion": sale.campaign.terms.version,
        "idempotencyKey": f"key-{buyer}",
    }


@dataclass
class Drop:
    """One drop against the servers at ``urls``, and what its buyers were told.

    Attributes:
        orders: what each buyer who got something was told: the order's global id, the numbers.
        refusals: the type of each final "no", by how many buyers got it.
        comebacks: why buyers sent the same request again: an error's code, or a broken connection.
        gone: how many buyers were cut off and did not come back, where ``is_patient`` is false.
        sold_out_after_seconds: when the first buyer heard that nothing is left.
    """

    sale: Sale
    urls: Sequence[str]
    is_patient: bool = True
    orders: dict[int, tuple[str, list[int]]] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    comebacks: Counter[str] = field(default_factory=Counter)
    gone: int = 0
    sold_out_after_seconds: float | None = None
    seconds: float = 0.0
    _began: float = 0.0
    _sold: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, buyers: Sequence[int], *, connections: int) -> None:
        """Let all of them buy, so many at a time; return when each has a final answer."""
        self._began = time.perf_counter()
        line = iter(buyers)
        async with asyncio.TaskGroup() as group:
            for number in range(connections):
                group.create_task(_Session(self, number).serve(line))
        self.seconds = time.perf_counter() - self._began

    async def until_sold(self, count: int) -> None:
        """Wait until so many buyers have been told of their order."""
        async with self._sold:
            await self._sold.wait_for(lambda: len(self.orders) >= count)

    @property
    def numbers(self) -> list[int]:
        """Every number that a buyer was told of, in order."""
        return sorted(n for _, numbers in self.orders.values() for n in numbers)

    def told(self) -> dict[UUID, list[int]]:
        """Return the numbers of each order that a buyer was told of."""
        found = {find_uuid(order, "Order"): numbers for order, numbers in self.orders.values()}
        return {order_id: numbers for order_id, numbers in found.items() if order_id is not None}

    def summary(self) -> str:
        """Say in one line how it went."""
        sold, refused = len(self.orders), self.refusals.total()
        until = self.sold_out_after_seconds or self.seconds
        return (
            f"{sold} sold, the first 'sold out' after {until:.2f} s ({sold / until:.0f} orders/s); "
            f"{sold + refused} buyers answered in {self.seconds:.2f} s "
            f"({(sold + refused) / self.seconds:.0f}/s); "
            f"refusals {dict(self.refusals)}; came back {dict(self.comebacks)}"
        )

    async def note(self, buyer: int, payload: Mapping[str, Any]) -> None:
        """Write down a final answer."""
        order = payload["order"]
        if order is None:
            self.refusals.update(error["__typename"] for error in payload["userErrors"])
            if self.sold_out_after_seconds is None:
                self.sold_out_after_seconds = time.perf_counter() - self._began
            return
        self.orders[buyer] = (order["id"], [n for li in order["lines"] for n in li["slotNumbers"]])
        async with self._sold:
            self._sold.notify_all()


class _Session:
    """One connection at a time, on which one buyer after the other orders."""

    def __init__(self, drop: Drop, number: int) -> None:
        self._drop = drop
        self._which = number % len(drop.urls)
        self._wire: Wire | None = None

    async def serve(self, line: Iterator[int]) -> None:
        for buyer in line:
            body = orjson.dumps(
                {"query": PLACE, "variables": {"input": order_input(self._drop.sale, buyer)}}
            )
            payload = await self._order(body)
            if payload is None:
                self._drop.gone += 1
            else:
                await self._drop.note(buyer, payload)
        if self._wire is not None:
            self._wire.close()

    async def _order(self, body: bytes) -> Mapping[str, Any] | None:
        for _ in range(MOST_ATTEMPTS):
            try:
                if self._wire is None:
                    self._wire = await Wire.open(self._drop.urls[self._which])
                answer = await self._wire.post(body)
            except OSError:
                # Whether it was served is unknown: the same key, at the next server.
                self._drop.comebacks["connection broke"] += 1
                if self._wire is not None:
                    self._wire.abort()
                self._wire = None
                self._which = (self._which + 1) % len(self._drop.urls)
                if not self._drop.is_patient:
                    return None
                await asyncio.sleep(0.01)
                continue
            result = orjson.loads(answer.body)
            if answer.status == 200:
                payload: Mapping[str, Any] = result["data"]["orderPlace"]
                return payload
            code = result["errors"][0]["extensions"]["code"]
            if answer.status != 503 or answer.retry_after_seconds is None:
                raise AssertionError(f"{answer.status} {code} is no reason to come back")
            self._drop.comebacks[code] += 1
            await asyncio.sleep(answer.retry_after_seconds)
        raise AssertionError(f"no final answer in {MOST_ATTEMPTS} attempts")
