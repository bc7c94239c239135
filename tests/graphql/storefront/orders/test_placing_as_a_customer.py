"""A customer who is signed in places an order: as himself, under his own address."""

from typing import Any

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.events import EventRecord
from headless_presale.kernel.ids import customer_id_of
from headless_presale.orders import Order
from tests.graphql.customers import EMAIL, Storefront, codes_of
from tests.graphql.endpoint import Api, footprint
from tests.graphql.ordering import MINE, ORDER, PLACE, line, order_input
from tests.support.shop import Sale, make_shop, open_sale
from tests.support.statements import counted_statements

WITHOUT_ADDRESS = {"name": "Ann"}


@pytest.fixture
async def sale(api: Api, clock: ManualClock) -> Sale:
    return await open_sale(capacity=20, item={"limit_per_customer": 2})


async def placed(api: Api, sale: Sale, bearer: str | None, **changes: Any) -> dict[str, Any]:
    reply = await api.ask(PLACE, bearer=bearer, input=order_input(sale, **changes))
    payload: dict[str, Any] = reply.data["orderPlace"]
    return payload


async def test_without_an_address_it_is_his(storefront: Storefront, sale: Sale, api: Api) -> None:
    token = (await storefront.sign_in())["accessToken"]

    payload = await placed(api, sale, token, buyer=WITHOUT_ADDRESS)

    assert payload["userErrors"] == []
    order = await Order.get()
    assert order.customer_id == customer_id_of(sale.shop.id, EMAIL)
    assert order.buyer == {"email": EMAIL, "name": "Ann", "phone": None}
    # He finds it without its token; whoever holds that, with it.
    mine = (await api.ask(MINE, bearer=token)).data["me"]["orders"]["nodes"]
    assert [found["id"] for found in mine] == [payload["order"]["id"]]
    key = {"id": payload["order"]["id"], "token": payload["orderToken"]}
    (event,) = (await api.ask(ORDER, **key)).data["order"]["history"]["nodes"]
    # A buyer is told that it was the buyer; the merchant's log has who.
    assert event["actor"] == "buyer"
    assert (await EventRecord.get(type="order.placed")).actor == f"customer:{order.customer_id}"


@pytest.mark.parametrize("email", [EMAIL, "Ann@Example.COM"])
async def test_his_own_address_in_any_letters_is_taken(
    storefront: Storefront, sale: Sale, api: Api, email: str
) -> None:
    token = (await storefront.sign_in())["accessToken"]

    payload = await placed(api, sale, token, buyer={**WITHOUT_ADDRESS, "email": email})

    assert payload["userErrors"] == []


async def test_what_he_repeats_as_a_guest_is_the_same_order(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    token = (await storefront.sign_in())["accessToken"]
    first = await placed(api, sale, token, buyer=WITHOUT_ADDRESS)
    again = await placed(api, sale, None, buyer={**WITHOUT_ADDRESS, "email": EMAIL})

    assert again["order"]["id"] == first["order"]["id"]
    assert await Order.all().count() == 1


async def test_another_address_is_refused(
    storefront: Storefront, sale: Sale, api: Api, database_admin: asyncpg.Connection
) -> None:
    token = (await storefront.sign_in())["accessToken"]
    before = await footprint(database_admin)

    refused = await placed(api, sale, token, buyer={**WITHOUT_ADDRESS, "email": "bob@example.com"})

    assert codes_of(refused) == ["BUYER_MISMATCH"]
    assert refused["userErrors"][0]["field"] == ["buyer", "email"]
    assert (refused["order"], refused["orderToken"]) == (None, None)
    assert await footprint(database_admin) == before


async def test_an_account_of_another_shop_is_refused(
    storefront: Storefront, sale: Sale, api: Api, database_admin: asyncpg.Connection
) -> None:
    # Given the same mailbox's account in another shop
    elsewhere = Storefront(api, await make_shop("elsewhere"))
    token = (await elsewhere.sign_in())["accessToken"]
    before = await footprint(database_admin)

    for buyer in (WITHOUT_ADDRESS, {**WITHOUT_ADDRESS, "email": EMAIL}):
        refused = await placed(api, sale, token, buyer=buyer)
        assert codes_of(refused) == ["BUYER_MISMATCH"]
        assert refused["userErrors"][0]["field"] == ["shop"]
    assert await footprint(database_admin) == before


async def test_a_guest_needs_an_address(storefront: Storefront, sale: Sale, api: Api) -> None:
    refused = await placed(api, sale, None, buyer=WITHOUT_ADDRESS)

    assert codes_of(refused) == ["INVALID_INPUT"]
    assert refused["userErrors"][0]["field"] == ["buyer", "email"]


async def test_who_has_signed_out_places_nothing(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    token = (await storefront.sign_in())["accessToken"]
    await storefront.sign_out(token)

    reply = await api.ask(PLACE, bearer=token, input=order_input(sale, buyer=WITHOUT_ADDRESS))

    assert (reply.status, reply.error_codes) == (401, ["UNAUTHENTICATED"])
    assert await Order.all().count() == 0


async def test_limits_count_what_he_bought_as_a_guest(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    # Given one of two bought as a guest
    guest = {**WITHOUT_ADDRESS, "email": EMAIL}
    await placed(api, sale, None, buyer=guest, idempotencyKey="first")
    token = (await storefront.sign_in())["accessToken"]

    refused = await placed(
        api, sale, token, buyer=WITHOUT_ADDRESS, lines=[line(sale, 2)], idempotencyKey="second"
    )
    assert codes_of(refused) == ["PURCHASE_LIMIT"]
    last = await placed(api, sale, token, buyer=WITHOUT_ADDRESS, idempotencyKey="third")
    assert codes_of(last) == []
    as_a_guest = await placed(api, sale, None, buyer=guest, idempotencyKey="fourth")
    assert codes_of(as_a_guest) == ["PURCHASE_LIMIT"]


async def test_an_order_takes_six_statements_and_a_customers_the_look_at_who_he_is(
    storefront: Storefront, sale: Sale, api: Api
) -> None:
    token = (await storefront.sign_in())["accessToken"]
    # What the process remembers: the shop, the campaign
    await placed(api, sale, None, buyer={**WITHOUT_ADDRESS, "email": "bob@example.com"})

    costs = []
    for bearer, email in ((None, "cy@example.com"), (token, EMAIL)):
        async with counted_statements() as sent:
            payload = await placed(api, sale, bearer, buyer={**WITHOUT_ADDRESS, "email": email})
        assert payload["userErrors"] == []
        costs.append(
            [s.split(maxsplit=2)[0] for s in sent if "typeinfo" not in s and "'jit'" not in s]
        )

    # BEGIN, the order, its slots and quota, its event, COMMIT; he is read before, by himself.
    assert len(costs[0]) == 6, costs[0]
    assert costs[1] == ["SELECT", *costs[0]], costs[1]
