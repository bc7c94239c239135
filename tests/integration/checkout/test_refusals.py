"""Every refusal: its code, the field at fault, and that nothing has changed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from headless_presale.campaigns import (
    CampaignSnapshot,
    ShopRef,
    cancel_campaign,
    create_campaign,
    find_snapshot,
    forget_all,
)
from headless_presale.checkout import Address, Buyer, CartLine, PlaceOrder, place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import DomainError
from tests.support.shop import Sale, draft, make_shop, make_variant, open_sale, order_for
from tests.support.state import everything

pytestmark = pytest.mark.usefixtures("database", "redis", "clock")


async def _refused(command: PlaceOrder, admin: asyncpg.Connection, redis: Redis) -> DomainError:
    """Place, be refused, and find both engines as they were."""
    before = await everything(admin, redis)
    with pytest.raises(DomainError) as refused:
        await place_order(command)
    assert await everything(admin, redis) == before
    return refused.value


BAD: dict[str, tuple[dict[str, Any] | Callable[[Sale], dict[str, Any]], str, tuple[str, ...]]] = {
    "quantity 0": (
        lambda sale: {"lines": [CartLine(sale.item_id, 0)]},
        "INVALID_INPUT",
        ("lines", "0", "quantity"),
    ),
    "quantity -1": (
        lambda sale: {"lines": [CartLine(sale.item_id, -1)]},
        "INVALID_INPUT",
        ("lines", "0", "quantity"),
    ),
    "huge quantity": (
        lambda sale: {"lines": [CartLine(sale.item_id, 2**31)]},
        "INVALID_INPUT",
        ("lines", "0", "quantity"),
    ),
    "no lines": ({"lines": []}, "INVALID_INPUT", ("lines",)),
    "too many lines": (
        lambda sale: {"lines": [CartLine(sale.item_id, 1)] * 21},
        "INVALID_INPUT",
        ("lines",),
    ),
    "unknown item": (
        lambda sale: {"lines": [CartLine(sale.item_id, 1), CartLine(UUID(int=1), 1)]},
        "CAMPAIGN_ITEM_NOT_FOUND",
        ("lines", "1", "campaignItemId"),
    ),
    "another shop": (
        {"shop_id": UUID(int=1)},
        "CAMPAIGN_ITEM_NOT_FOUND",
        ("lines", "0", "campaignItemId"),
    ),
    "terms to come": (
        {"accepted_terms_version": 2},
        "TERMS_OUTDATED",
        ("acceptedTermsVersion",),
    ),
    "no terms": ({"accepted_terms_version": 0}, "TERMS_OUTDATED", ("acceptedTermsVersion",)),
    "wrong total": ({"expected_total_minor": 9_999}, "PRICE_CHANGED", ("expectedTotalMinor",)),
    "bad e-mail": (
        {"buyer": Buyer(email="lin", name="Lin")},
        "INVALID_INPUT",
        ("buyer", "email"),
    ),
    "NUL in the name": (
        {"buyer": Buyer(email="lin@example.com", name="Lin\x00")},
        "INVALID_INPUT",
        ("buyer", "name"),
    ),
    "half a surrogate pair": (
        {"buyer": Buyer(email="lin@example.com", name="\ud800")},
        "INVALID_INPUT",
        ("buyer", "name"),
    ),
    "overlong city": (
        {"shipping_address": Address(country="CN", city="x" * 201, line1="1")},
        "INVALID_INPUT",
        ("shippingAddress", "city"),
    ),
    "bad country": (
        {"shipping_address": Address(country="ZZ", city="Shanghai", line1="1")},
        "INVALID_INPUT",
        ("shippingAddress", "country"),
    ),
    "empty key": ({"idempotency_key": " "}, "INVALID_INPUT", ("idempotencyKey",)),
    "overlong key": ({"idempotency_key": "x" * 201}, "INVALID_INPUT", ("idempotencyKey",)),
    "bad language": ({"locale": "zh_CN"}, "INVALID_INPUT", ("locale",)),
    "more than are left": (
        lambda sale: {"lines": [CartLine(sale.item_id, 6)]},
        "SLOTS_SOLD_OUT",
        ("lines", "0", "quantity"),
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_request_is_named_and_changes_nothing(
    name: str, redis: Redis, database_admin: asyncpg.Connection
) -> None:
    changes, code, field = BAD[name]
    sale = await open_sale(capacity=5)
    # Prices are only known once numbers are: look at a pool that gave and took back before.
    await place_order(order_for(sale, email="first@example.com"))
    with pytest.raises(DomainError):
        await place_order(order_for(sale, expected_total_minor=1))
    command = replace(order_for(sale), **(changes(sale) if callable(changes) else changes))

    refused = await _refused(command, database_admin, redis)

    assert (refused.code, refused.field) == (code, field)


async def test_refusals_carry_what_a_client_needs(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5, limit=2)
    await place_order(order_for(sale, quantity=2))

    over = await _refused(order_for(sale), database_admin, redis)
    too_many = await _refused(
        order_for(sale, email="max@example.com", quantity=4), database_admin, redis
    )
    outdated = await _refused(
        order_for(sale, email="max@example.com", accepted_terms_version=7), database_admin, redis
    )

    assert (over.code, over.params) == ("PURCHASE_LIMIT", {"limit": 2, "taken": 2})
    # The limit is told before what is left: more would not be had anyway.
    assert (too_many.code, too_many.params) == ("PURCHASE_LIMIT", {"limit": 2, "taken": 0})
    assert outdated.params == {"accepted": 7, "current": 1}


async def test_another_shops_item_does_not_exist_here(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    other = await open_sale(shop=await make_shop("other"))

    refused = await _refused(
        order_for(sale, lines=[CartLine(sale.item_id, 1), CartLine(other.item_id, 1)]),
        database_admin,
        redis,
    )

    assert (refused.code, refused.field) == (
        "CAMPAIGN_ITEM_NOT_FOUND",
        ("lines", "1", "campaignItemId"),
    )


async def test_one_order_is_under_one_campaigns_terms(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    other = await open_sale(shop=sale.shop, has_variants=True, handle="other")
    lines = [CartLine(sale.item_id, 1), CartLine(other.item_id, 1)]

    refused = await _refused(order_for(sale, lines=lines), database_admin, redis)
    assert (refused.code, refused.field) == ("CAMPAIGN_MISMATCH", ("lines",))

    # The shop changed its currency between the two.
    await database_admin.execute(
        "UPDATE campaign SET currency = 'USD' WHERE id = $1", other.campaign.id
    )
    forget_all()
    refused = await _refused(order_for(sale, lines=lines), database_admin, redis)
    assert (refused.code, refused.field) == ("CURRENCY_MISMATCH", ("lines",))


async def test_a_campaign_sells_between_its_opening_and_its_close_only(
    redis: Redis, database_admin: asyncpg.Connection, clock: ManualClock
) -> None:
    sale = await open_sale(opens_at=clock.now() + timedelta(hours=1))

    refused = await _refused(order_for(sale), database_admin, redis)
    assert (refused.code, refused.params) == ("CAMPAIGN_NOT_OPEN", {"status": "SCHEDULED"})

    clock.move_to(sale.campaign.opens_at - timedelta(microseconds=1))
    assert (await _refused(order_for(sale), database_admin, redis)).code == "CAMPAIGN_NOT_OPEN"

    # The clock opens and closes; no sweep has run.
    clock.move_to(sale.campaign.opens_at)
    assert (await place_order(order_for(sale, email="a@example.com"))).placed_at == clock.now()
    clock.move_to(sale.campaign.closes_at - timedelta(microseconds=1))
    await place_order(order_for(sale, email="b@example.com"))

    clock.move_to(sale.campaign.closes_at)
    refused = await _refused(order_for(sale), database_admin, redis)
    assert (refused.code, refused.params) == ("CAMPAIGN_NOT_OPEN", {"status": "CLOSED"})


async def test_a_cancelled_campaign_sells_nothing(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale()
    await cancel_campaign(sale.campaign.id, reason="no factory")

    refused = await _refused(order_for(sale), database_admin, redis)

    assert (refused.code, refused.params) == ("CAMPAIGN_NOT_OPEN", {"status": "CANCELLED"})


async def test_a_draft_is_nobodys_business(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    shop = await make_shop()
    await make_variant(shop)
    campaign = await create_campaign(ShopRef(shop.id, shop.currency, "en"), draft())
    found = await find_snapshot(campaign.id)
    assert isinstance(found, CampaignSnapshot)
    command = replace(
        order_for(await open_sale(shop=await make_shop("other"))),
        shop_id=shop.id,
        lines=[CartLine(found.items[0].id, 1)],
        idempotency_key=str(uuid4()),
    )

    refused = await _refused(command, database_admin, redis)

    assert (refused.code, refused.field) == (
        "CAMPAIGN_ITEM_NOT_FOUND",
        ("lines", "0", "campaignItemId"),
    )


async def test_a_total_that_no_client_could_read_is_refused(
    redis: Redis, database_admin: asyncpg.Connection
) -> None:
    sale = await open_sale(capacity=5, item={"price": "90071992547409.91"})
    assert (await place_order(order_for(sale))).total.amount_minor == 2**53 - 1
    with pytest.raises(DomainError):
        await place_order(order_for(sale, quantity=3))

    refused = await _refused(order_for(sale, quantity=3), database_admin, redis)

    assert (refused.code, refused.field) == ("INVALID_INPUT", ("lines",))
