"""Every "no" to an order has its name and its place, and changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.campaigns import ShopRef, cancel_campaign, create_campaign, publish_campaign
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api, footprint
from tests.graphql.ordering import (
    PLACE,
    line,
    order_input,
    place,
)
from tests.support.shop import (
    Sale,
    draft,
    make_shop,
    make_variant,
    open_sale,
)

Change = Callable[[dict[str, Any]], None]


def _set(*path: str | int, to: Any) -> Change:
    def change(body: dict[str, Any]) -> None:
        target: Any = body
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = to

    return change


REFUSED: dict[str, tuple[Change, str, str, list[str] | None]] = {
    "unknown shop": (_set("shop", to="nobody"), "NotFoundError", "SHOP_NOT_FOUND", ["shop"]),
    "hostile shop": (_set("shop", to="\x00'--"), "NotFoundError", "SHOP_NOT_FOUND", ["shop"]),
    "no lines": (_set("lines", to=[]), "InvalidInputError", "INVALID_INPUT", ["lines"]),
    "quantity 0": (
        _set("lines", 0, "quantity", to=0),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "quantity"],
    ),
    "quantity below 0": (
        _set("lines", 0, "quantity", to=-5),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "quantity"],
    ),
    "quantity huge": (
        _set("lines", 0, "quantity", to=2**31 - 1),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "quantity"],
    ),
    "malformed item": (
        _set("lines", 0, "campaignItemId", to="nonsense"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "campaignItemId"],
    ),
    "id of something else": (
        _set("lines", 0, "campaignItemId", to=seal("Product", uuid4())),
        "InvalidInputError",
        "INVALID_INPUT",
        ["lines", "0", "campaignItemId"],
    ),
    "unknown item": (
        _set("lines", 0, "campaignItemId", to=seal("CampaignItem", uuid4())),
        "NotFoundError",
        "CAMPAIGN_ITEM_NOT_FOUND",
        ["lines", "0", "campaignItemId"],
    ),
    "no e-mail address": (
        _set("buyer", "email", to="lin"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["buyer", "email"],
    ),
    "NUL in the name": (
        _set("buyer", "name", to="Lin\x00"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["buyer", "name"],
    ),
    "country by name": (
        _set("shippingAddress", "country", to="China"),
        "InvalidInputError",
        "INVALID_INPUT",
        ["shippingAddress", "country"],
    ),
    "endless post code": (
        _set("shippingAddress", "postalCode", to="1" * 301),
        "InvalidInputError",
        "INVALID_INPUT",
        ["shippingAddress", "postalCode"],
    ),
    "stale terms": (
        _set("acceptedTermsVersion", to=0),
        "TermsOutdatedError",
        "TERMS_OUTDATED",
        ["acceptedTermsVersion"],
    ),
    "no key": (
        _set("idempotencyKey", to=" "),
        "InvalidInputError",
        "INVALID_INPUT",
        ["idempotencyKey"],
    ),
    "no language": (_set("locale", to="!"), "InvalidInputError", "INVALID_INPUT", ["locale"]),
    "another total": (
        _set("expectedTotalMinor", to=9_999),
        "PriceChangedError",
        "PRICE_CHANGED",
        ["expectedTotalMinor"],
    ),
    "more than there are": (
        _set("lines", 0, "quantity", to=51),
        "SlotsSoldOutError",
        "SLOTS_SOLD_OUT",
        ["lines", "0", "quantity"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_order_is_refused_by_name_and_changes_nothing(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection, name: str
) -> None:
    # Given a sale of 50, and an order with one thing wrong
    change, typename, code, field = REFUSED[name]
    sale = await open_sale()
    before = await footprint(database_admin)
    body = order_input(sale)
    change(body)

    # When it is placed
    payload = await place(api, body)

    # Then the answer says what and where, and nothing has changed
    assert (payload["order"], payload["orderToken"]) == (None, None)
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["code"], error["field"]) == (typename, code, field)
    assert await footprint(database_admin) == before

    # And the same buyer can buy all that was there
    rest = await place(api, order_input(sale, idempotencyKey="next", lines=[line(sale, 50)]))
    assert rest["userErrors"] == []


@pytest.mark.parametrize(
    ("moved", "status", "opens_at", "message"),
    [
        (
            timedelta(0),
            "SCHEDULED",
            "2026-03-01T13:00:00Z",
            "The campaign takes no orders now: it has not opened yet.",
        ),
        (
            timedelta(hours=1, days=7),
            "CLOSED",
            None,
            "The campaign takes no orders now: it has ended.",
        ),
    ],
)
async def test_outside_its_window_a_campaign_says_when(
    api: Api,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    moved: timedelta,
    status: str,
    opens_at: str | None,
    message: str,
) -> None:
    # Given a campaign that opens in an hour, for a week
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    made = await create_campaign(ref, draft(opens_at=clock.now() + timedelta(hours=1)))
    await publish_campaign(made.id, default_locale="en")
    item_id = await database_admin.fetchval("SELECT id FROM campaign_item")
    clock.advance(moved)

    # When an order comes too early or too late
    body = {
        "shop": shop.slug,
        "lines": [{"campaignItemId": seal("CampaignItem", item_id), "quantity": 1}],
        "buyer": {"email": "lin@example.com", "name": "Lin"},
        "shippingAddress": {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road"},
        "acceptedTermsVersion": 1,
        "idempotencyKey": "a-wish",
    }
    (error,) = (await place(api, body))["userErrors"]

    # Then it is told so, and when to come back
    assert error["__typename"] == "CampaignNotOpenError"
    assert (error["campaignStatus"], error["opensAt"]) == (status, opens_at)
    assert error["message"] == message
    assert (await footprint(database_admin)).orders == 0


async def test_a_cancelled_campaign_sells_nothing(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    await cancel_campaign(sale.campaign.id, reason="the mould broke")
    (error,) = (await place(api, order_input(sale)))["userErrors"]
    assert (error["__typename"], error["campaignStatus"]) == ("CampaignNotOpenError", "CANCELLED")
    assert (await footprint(database_admin)).orders == 0


async def _second_sale(shop: Shop, currency: str | None = None) -> Sale:
    if currency is not None:
        shop = Shop(
            id=shop.id, slug=shop.slug, currency=currency, default_locale=shop.default_locale
        )
    return await open_sale(shop=shop, handle="second", skus=("OWL-1",))


@pytest.mark.parametrize(
    ("currency", "typename"),
    [(None, "CampaignMismatchError"), ("JPY", "CurrencyMismatchError")],
)
async def test_lines_of_two_campaigns_do_not_mix(
    api: Api,
    clock: ManualClock,
    database_admin: asyncpg.Connection,
    currency: str | None,
    typename: str,
) -> None:
    first = await open_sale()
    second = await _second_sale(first.shop, currency)
    body = order_input(first, lines=[line(first, 1), line(second, 1)])
    (error,) = (await place(api, body))["userErrors"]
    assert (error["__typename"], error["field"]) == (typename, ["lines"])
    assert (await footprint(database_admin)).orders == 0


async def test_another_shops_item_is_not_found(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    await make_shop("other-forge")
    (error,) = (await place(api, order_input(sale, shop="other-forge")))["userErrors"]
    assert error["code"] == "CAMPAIGN_ITEM_NOT_FOUND"
    assert (await footprint(database_admin)).orders == 0


@pytest.mark.parametrize(
    "change",
    [
        _set("lines", 0, "quantity", to=2**31),
        _set("lines", 0, "quantity", to="one"),
        _set("expectedTotalMinor", to=2**53),
        _set("expectedTotalMinor", to=1.5),
        _set("expectedTotalMinor", to=True),
        _set("buyer", to=None),
        _set("surprise", to=1),
    ],
)
async def test_variables_that_do_not_fit_never_reach_a_resolver(
    api: Api, clock: ManualClock, database_admin: asyncpg.Connection, change: Change
) -> None:
    sale = await open_sale()
    body = order_input(sale)
    change(body)
    reply = await api.ask(PLACE, input=body)
    assert reply.error_codes == ["VARIABLES_INVALID"]
    assert (await footprint(database_admin)).orders == 0
