"""What reading costs a process for whoever is signed in, in statements and calls of Redis."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from headless_presale.campaigns import forget_all, snapshot
from headless_presale.checkout import drain, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.redis_batches import Batches, Command
from resolvers import shop_directory
from resolvers.global_ids import seal
from tests.graphql.customers import EMAIL, Storefront
from tests.graphql.endpoint import Api
from tests.graphql.storefront.test_campaigns import CAMPAIGN
from tests.support.shop import make_shop, open_sale, order_for
from tests.support.statements import counted_statements

LIST = """
query ($slug: String!) {
  shop(slug: $slug) { campaigns(first: 20) { nodes {
    id title status slotsLeft soldBps items { id title currentPrice { price { minor } } slotsLeft }
  } } }
}
"""
ORDERS = """
{ me { orders(first: 20) {
  nodes { id number status total { minor } lines { title slotNumbers } }
} } }
"""
ORDER = "query ($id: ID!) { order(id: $id) { id number status lines { title slotNumbers } } }"


@pytest.fixture(autouse=True)
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers stays so however long a test takes."""
    monkeypatch.setattr(snapshot, "CACHE_SECONDS", 60.0)
    monkeypatch.setattr(shop_directory, "REMEMBER_SECONDS", 60.0)


@contextmanager
def round_trips() -> Iterator[list[int]]:
    """Record how many scripts each batch has that this process sends to Redis."""
    told: list[int] = []
    send: Any = Batches._send

    async def noting(self: Batches, commands: Sequence[Command]) -> Any:
        told.append(sum(command[0] == "EVALSHA" for command in commands))
        return await send(self, commands)

    with patch.object(Batches, "_send", noting):
        yield told


async def test_reading_takes_these_statements(api: Api, clock: ManualClock) -> None:
    # Given a customer who has ordered in each of three campaigns
    shop = await make_shop()
    sales = [await open_sale(shop=shop, handle=f"fox-{n}", skus=(f"FOX-{n}",)) for n in range(3)]
    orders = [await place_order(order_for(sale, email=EMAIL)) for sale in sales]
    await drain()
    bearer = (await Storefront(api, shop).sign_in())["accessToken"]
    page = {"slug": shop.slug, "handle": "fox-1"}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "page": (CAMPAIGN, page),
        "list": (LIST, {"slug": shop.slug}),
        "orders": (ORDERS, {}),
        "order": (ORDER, {"id": seal("Order", orders[0].id)}),
    }
    for query, variables in asked.values():
        await api.ask(query, bearer=bearer, **variables)

    async def cost(name: str) -> int:
        query, variables = asked[name]
        async with counted_statements() as sent:
            assert (await api.ask(query, bearer=bearer, **variables)).data
        return len(sent.asked)

    # When it is read by a process that knows nothing, and by one that has just read it
    cold = {}
    for name in asked:
        forget_all()
        cold[name] = await cost(name)
    await cost("list")
    warm = {name: await cost(name) for name in asked}

    # Then: the campaign and what is known of its variant; the list's versions, then its campaigns;
    # who he is, and his orders; who he is and the order in one
    assert cold == {"page": 2, "list": 2, "orders": 2, "order": 1}
    assert warm == {"page": 1, "list": 1, "orders": 2, "order": 1}

    # And what is left of all pools is asked for in one round trip, once for each pool
    for name, pools in (("page", 1), ("list", 3)):
        query, variables = asked[name]
        with round_trips() as told:
            await api.ask(query, bearer=bearer, **variables)
        assert told == [pools]
