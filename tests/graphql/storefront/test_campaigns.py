"""A campaign as a storefront reads it: prices, promises and countdowns by the clock."""

from datetime import date, timedelta
from typing import Any

from headless_presale.campaigns import (
    ShopRef,
    cancel_campaign,
    create_campaign,
    publish_campaign,
)
from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import drain
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import (
    Sale,
    deposit_plan,
    draft,
    make_shop,
    make_variant,
    open_sale,
    order_for,
)

CAMPAIGN = """
query ($slug: String!, $handle: String!) {
  shop(slug: $slug) {
    serverTime
    campaign(handle: $handle) {
      id handle title story status opensAt closesAt secondsUntilOpen secondsLeft serverTime
      holdSeconds capacity slotsLeft soldBps
      paymentPlan {
        kind depositBps depositPerUnit { minor } balanceOpensAt balanceDueAt missedBalance
      }
      cancelPolicy { depositPaid { isAllowed refundDepositBps refundBalanceBps } }
      terms { version shipsBy refundPolicy cancelConditions }
      items {
        id title limitPerCustomer capacity slotsLeft soldBps shipsBy
        listPrice { amount minor currency } presalePrice { minor }
        currentPrice { price { minor } reason tier endsAt endsAfterNumber gift }
        nextPrice { price { minor } startsAt tier }
        depositDue { amount }
        batches { shipsBy capacity firstNumber lastNumber }
        variant { sku } product { handle }
      }
    }
  }
}
"""

TIERED: dict[str, Any] = {
    "price": "90",
    "time_tiers": [{"name": "Early bird", "lasts": "P3D", "price_bps": 9_000}],
    "quantity_tiers": [{"name": "First 2", "up_to": 2, "price_bps": 8_000, "gift": "Postcard"}],
    "batches": [
        {"capacity": 3, "ships_by": date(2026, 5, 31)},
        {"capacity": 7, "ships_by": date(2026, 6, 30)},
    ],
}


async def read_campaign(api: Api, handle: str = "nebula-fox", language: str = "en") -> Any:
    reply = await api.ask(CAMPAIGN, slug="moonlit-forge", handle=handle, language=language)
    return reply.data["shop"]["campaign"]


async def buy(sale: Sale, quantity: int = 1, **options: Any) -> None:
    await place_order(order_for(sale, quantity=quantity, **options))


async def test_a_campaign_in_full(api: Api, clock: ManualClock) -> None:
    # Given a deposit campaign with tiers and two batches, open for a day
    closes_at = clock.now() + timedelta(days=7)
    sale = await open_sale(
        item=TIERED, limit=5, payment_plan=deposit_plan(closes_at), story="Cast by hand."
    )
    clock.advance(timedelta(days=1, seconds=0.5))

    # When it is read
    campaign = await read_campaign(api)

    # Then every part of it is as made, and the clock has run
    assert campaign == {
        "id": seal("Campaign", sale.campaign.id),
        "handle": "nebula-fox",
        "title": "Nebula Fox presale",
        "story": "Cast by hand.",
        "status": "LIVE",
        "opensAt": "2026-03-01T12:00:00Z",
        "closesAt": "2026-03-08T12:00:00Z",
        "secondsUntilOpen": 0,
        # Six days less half a second, rounded up: the countdown ends when the sale does.
        "secondsLeft": 6 * 86_400,
        "serverTime": "2026-03-02T12:00:00.500000Z",
        "holdSeconds": 900,
        "capacity": 10,
        "slotsLeft": 10,
        "soldBps": 0,
        "paymentPlan": {
            "kind": "DEPOSIT",
            "depositBps": 2_000,
            "depositPerUnit": None,
            "balanceOpensAt": "2026-03-09T12:00:00Z",
            "balanceDueAt": "2026-03-16T12:00:00Z",
            "missedBalance": "FORFEIT",
        },
        "cancelPolicy": {
            "depositPaid": {
                "isAllowed": True,
                "refundDepositBps": 10_000,
                "refundBalanceBps": 10_000,
            }
        },
        "terms": {
            "version": 1,
            "shipsBy": "2026-06-30",
            "refundPolicy": "Deposits are refunded until the campaign closes.",
            "cancelConditions": "Cancel any time before the balance opens.",
        },
        "items": [
            {
                "id": seal("CampaignItem", sale.item_id),
                "title": "Nebula Fox",
                "limitPerCustomer": 5,
                "capacity": 10,
                "slotsLeft": 10,
                "soldBps": 0,
                "shipsBy": "2026-05-31",
                "listPrice": {"amount": "100.00", "minor": 10_000, "currency": "CNY"},
                "presalePrice": {"minor": 9_000},
                # 90.00 at 80 %: the quantity tier is the lower one, and it explains the price.
                "currentPrice": {
                    "price": {"minor": 7_200},
                    "reason": "QUANTITY_TIER",
                    "tier": "First 2",
                    "endsAt": None,
                    "endsAfterNumber": 2,
                    "gift": "Postcard",
                },
                "nextPrice": {
                    "price": {"minor": 7_200},
                    "startsAt": "2026-03-04T12:00:00Z",
                    "tier": "First 2",
                },
                "depositDue": {"amount": "14.40"},
                "batches": [
                    {"shipsBy": "2026-05-31", "capacity": 3, "firstNumber": 1, "lastNumber": 3},
                    {"shipsBy": "2026-06-30", "capacity": 7, "firstNumber": 4, "lastNumber": 10},
                ],
                "variant": {"sku": "FOX-1"},
                "product": {"handle": "fox-1"},
            }
        ],
    }


async def test_the_price_follows_the_number_sold_and_the_clock(
    api: Api, clock: ManualClock
) -> None:
    # Given three of ten sold: the quantity tier is used up, and so is the first batch
    sale = await open_sale(item=TIERED)
    await buy(sale, 3)
    assert await drain(5) == 0

    # When it is read in the early bird's time
    (item,) = (await read_campaign(api))["items"]

    # Then number 4 is quoted: 90.00 at 90 %, then 90.00; it ships with the second batch
    assert (item["slotsLeft"], item["soldBps"]) == (10 - 3, 3_000)
    assert item["currentPrice"] == {
        "price": {"minor": 8_100},
        "reason": "TIME_TIER",
        "tier": "Early bird",
        "endsAt": "2026-03-04T12:00:00Z",
        "endsAfterNumber": None,
        "gift": None,
    }
    assert item["nextPrice"] == {
        "price": {"minor": 9_000},
        "startsAt": "2026-03-04T12:00:00Z",
        "tier": None,
    }
    assert item["shipsBy"] == "2026-06-30"
    assert item["depositDue"] is None

    # And at the very instant the tier ends, the next price is the current one
    clock.move_to(sale.campaign.opens_at + timedelta(days=3))
    (item,) = (await read_campaign(api))["items"]
    assert item["currentPrice"]["price"] == {"minor": 9_000}
    assert item["currentPrice"]["reason"] == "LIST"
    assert item["nextPrice"] is None


async def test_sold_out_keeps_the_last_number_s_price_and_promise(
    api: Api, clock: ManualClock
) -> None:
    sale = await open_sale(item=TIERED)
    await buy(sale, 10)
    (item,) = (await read_campaign(api))["items"]
    assert (item["slotsLeft"], item["soldBps"]) == (0, 10_000)
    assert item["currentPrice"]["price"] == {"minor": 8_100}
    assert item["shipsBy"] == "2026-06-30"


async def test_status_and_countdowns_follow_the_clock_and_no_sweep(
    api: Api, clock: ManualClock
) -> None:
    # Given a campaign that opens in an hour, and no worker that records it
    shop = await make_shop()
    await make_variant(shop)
    opens_at = clock.now() + timedelta(hours=1)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    made = await create_campaign(ref, draft(opens_at=opens_at, item=TIERED))
    await publish_campaign(made.id, default_locale="en")

    # When it is read before, within and after its window, then the clock alone decides
    seen = []
    for at in (clock.now(), opens_at, opens_at + timedelta(days=7)):
        clock.move_to(at)
        campaign = await read_campaign(api)
        (item,) = campaign["items"]
        price = item["currentPrice"] and item["currentPrice"]["price"]["minor"]
        seen.append(
            (campaign["status"], campaign["secondsUntilOpen"], campaign["secondsLeft"], price)
        )
    week = 7 * 86_400
    assert seen == [
        # Before it opens the price of the first tier is shown: what the first buyer will pay.
        ("SCHEDULED", 3_600, 3_600 + week, 7_200),
        ("LIVE", 0, week, 7_200),
        ("CLOSED", 0, 0, None),
    ]


async def test_drafts_and_cancelled_drafts_are_nobodys_business(
    api: Api, clock: ManualClock
) -> None:
    # Given a draft, a draft that was cancelled, and a published campaign that was cancelled
    shop = await make_shop()
    await make_variant(shop)
    ref = ShopRef(shop.id, shop.currency, shop.default_locale)
    hidden = await create_campaign(ref, draft(handle="a-draft"))
    dropped = await create_campaign(ref, draft(handle="a-dropped-draft"))
    await cancel_campaign(dropped.id, reason="a better idea")
    called_off = await open_sale(shop=shop, has_variants=True)
    await cancel_campaign(called_off.campaign.id, reason="the mould broke")

    # When a storefront looks for them
    listed = await api.ask(
        '{ shop(slug: "moonlit-forge") { campaigns { totalCount nodes { handle status } } } }'
    )
    nodes = [
        (await api.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_)).data["node"]
        for id_ in (seal("Campaign", hidden.id), seal("Campaign", dropped.id))
    ]

    # Then it finds only what had been published
    assert listed.data["shop"]["campaigns"] == {
        "totalCount": 1,
        "nodes": [{"handle": "nebula-fox", "status": "CANCELLED"}],
    }
    assert await read_campaign(api, "a-draft") is None
    assert await read_campaign(api, "a-dropped-draft") is None
    assert nodes == [None, None]
