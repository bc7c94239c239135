"""A list that loads what its rows ask for answers as one whose rows ask for themselves."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from graphql import get_named_type, is_composite_type

from headless_presale.kernel import clock as kernel_clock
from headless_presale.kernel.errors import Unavailable
from resolvers import loaders
from schema import shops
from schema.campaigns import READS_PROGRESS
from schema.contract import schema
from schema.transport.lookahead import fields_below
from tests.graphql.endpoint import Api
from tests.graphql.storefront.test_campaigns import TIERED
from tests.graphql.storefront.test_costs_of_reading import round_trips
from tests.support.shop import deposit_plan, make_shop, open_sale

pytestmark = pytest.mark.usefixtures("clock")

LIST = """
query ($slug: String!, $handle: String!) {
  shop(slug: $slug) {
    campaigns { nodes { ...Live } }
    campaign(handle: $handle) { ...Live }
  }
}
fragment Live on Campaign {
  id slotsLeft soldBps
  items { ... on Node { id } ...Item }
}
fragment Item on CampaignItem {
  slotsLeft soldBps shipsBy currentPrice { price { minor } } nextPrice { startsAt }
  depositDue { minor }
}
"""


async def shop_of_three(api: Api) -> dict[str, Any]:
    shop = await make_shop()
    plan = deposit_plan(kernel_clock.now() + timedelta(days=7))
    for number in range(3):
        skus = (f"F-{number}", f"G-{number}")
        await open_sale(
            shop=shop, handle=f"fox-{number}", skus=skus, item=TIERED, payment_plan=plan
        )
    return {"slug": shop.slug, "handle": "fox-1"}


async def test_prepared_or_not_the_answer_is_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = await shop_of_three(api)
    prepared = await api.ask(LIST, **variables)
    monkeypatch.setattr(shops, "asks_for", lambda *_: False)

    # Another text: the answer to the same one would be the one that is kept.
    assert (await api.ask(f"{LIST} # again", **variables)).body == prepared.body
    assert prepared.data["shop"]["campaign"]["items"][0]["slotsLeft"] > 0


async def test_each_field_says_for_itself_what_could_not_be_loaded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = """query ($slug: String!) { shop(slug: $slug) { campaigns { nodes {
      handle items { currentPrice { tier } } } } } }"""
    slug = (await shop_of_three(api))["slug"]

    async def fail(_: Sequence[UUID]) -> dict[UUID, int]:
        raise Unavailable("redis")

    monkeypatch.setattr(loaders, "count_available", fail)
    prepared = await api.ask(query, slug=slug)
    monkeypatch.setattr(shops, "asks_for", lambda *_: False)
    unprepared = await api.ask(f"{query} # again", slug=slug)

    assert prepared.body["data"] == unprepared.body["data"]
    errors = prepared.body["errors"]
    assert errors == unprepared.body["errors"]
    assert {error["path"][-1] for error in errors} == {"currentPrice"}
    assert len(errors) == 3 * 2


async def test_these_fields_depend_on_how_many_slots_are_left(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = (await shop_of_three(api))["slug"]
    monkeypatch.setattr(shops, "asks_for", lambda *_: False)
    asked = set()
    for name, within in (("Campaign", "{}"), ("CampaignItem", "items {{ {} }}")):
        for field_name, field in schema._schema.get_type(name).fields.items():  # type: ignore[union-attr]
            inner = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
            rows = within.format(field_name + inner)
            query = f'{{ shop(slug: "{slug}") {{ campaigns {{ nodes {{ {rows} }} }} }} }}'
            with round_trips() as told:
                assert (await api.ask(query)).data
            if any(told):
                asked.add(f"{name}.{field_name}")

    assert asked == READS_PROGRESS


async def test_what_is_asked_for_below_a_field_is_known_by_type(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, frozenset[str]] = {}

    def tell(info: Any, _: object) -> bool:
        told[info.field_name] = info._raw_info.fields_below
        assert fields_below(info._raw_info) == told[info.field_name]
        return False

    monkeypatch.setattr(shops, "asks_for", tell)
    assert (await api.ask(LIST, **await shop_of_three(api))).data

    others = {"Campaign.id", "Campaign.items", "Node.id", "Money.minor"}
    others |= {"CurrentPrice.price", "NextPrice.startsAt"}
    assert told["campaign"] == READS_PROGRESS | others
    assert told["campaigns"] == told["campaign"] | {"CampaignConnection.nodes"}
