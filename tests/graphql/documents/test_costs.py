"""How much one operation may cost, by who sends it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from headless_presale.customers import CustomerClaims
from headless_presale.identity import AccessClaims
from headless_presale.settings import Settings
from schema.contract import schema
from schema.transport.costs import field_weights
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.staff import sign_in

QUERY = "{ shop(slug: %s) { name campaigns(first: 10) { nodes { title } totalCount } } }"


@pytest.mark.parametrize(
    ("field", "weight"),
    [
        (("Query", "shop"), None),
        (("Mutation", "orderPlace"), 30),
        (("Mutation", "paymentStart"), 50),
        (("Mutation", "shopUpdate"), 10),
        (("CampaignConnection", "totalCount"), 10),
        (("AdminShop", "sales"), 50),
    ],
)
def test_what_is_dearer_than_a_row_says_so(field: tuple[str, str], weight: int | None) -> None:
    assert field_weights(schema._schema).get(field) == weight


async def test_a_storefront_is_told_what_its_query_took(api: Api) -> None:
    by_get = await api.read('query { shop(slug: "nowhere") { name } }')
    body = {"query": QUERY % '"nowhere"'}
    by_post = await api.client.post("/graphql", json=body)

    # There is no such shop: nothing below it took anything.
    assert by_get.body["extensions"] == {"cost": {"requested": 2, "limit": 5_000, "actual": 1}}
    # shop, name, campaigns; ten rows of nodes and title; totalCount once.
    assert by_post.json()["extensions"]["cost"]["requested"] == 3 + 10 * 2 + 10


async def test_each_class_of_callers_has_its_limit(api: Api) -> None:
    settings = Settings(
        cost_limit_anonymous=1_000, cost_limit_customer=2_000, cost_limit_merchant=3_000
    )
    anybody = replace(await api.context(), settings=settings)
    ends_at = anybody.at + timedelta(minutes=10)
    merchant = replace(
        anybody,
        claims=AccessClaims(
            subject="somebody",
            client_id="admin",
            grant_id=uuid4(),
            merchant_id=uuid4(),
            scopes=frozenset(),
            issued_at=anybody.at,
            expires_at=ends_at,
            token_id="1",
        ),
    )
    customer = replace(
        anybody,
        claims=CustomerClaims(
            customer_id=uuid4(), shop_id=uuid4(), grant_id=uuid4(), expires_at=ends_at
        ),
    )

    assert [who.cost_limit for who in (anybody, customer, merchant)] == [1_000, 2_000, 3_000]
    assert settings.highest_cost_limit == 3_000


async def test_a_merchant_may_ask_what_a_stranger_may_not(api: Api) -> None:
    page = " ".join(
        f"{name}: items {{ id title batches {{ capacity }} product {{ id }} }}" for name in "abcd"
    )
    dear = {"query": QUERY.replace("first: 10", "first: 100").replace("title", page) % '"nowhere"'}
    shop = await make_shop()
    owner = await sign_in(shop)

    stranger = await api.client.post("/graphql", json=dear)
    known = await api.client.post(
        "/graphql", json=dear, headers={"authorization": f"Bearer {owner.token}"}
    )

    cost = stranger.json()["extensions"]["cost"]
    assert stranger.json()["errors"][0]["extensions"] == {"code": "DOCUMENT_TOO_COMPLEX"}
    assert cost["limit"] == 5_000 < cost["requested"] <= 20_000
    assert known.json() == {
        "data": {"shop": None},
        "extensions": {"cost": {"requested": cost["requested"], "limit": 20_000, "actual": 1}},
    }
