"""Charts over GraphQL: whose time, which campaign, what is refused, what it costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headless_presale.identity import Role, Scope
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import new_id
from headless_presale.shops import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api, Reply
from tests.support.money import place
from tests.support.shop import make_shop, open_sale
from tests.support.staff import sign_in

SALES = """
query ($slug: String!, $from: DateTime!, $until: DateTime!, $by: SalesInterval!, $campaign: ID) {
  merchant { shop(slug: $slug) {
    sales(from: $from, until: $until, by: $by, campaignId: $campaign) {
      timezone
      total { slots { held sold returned returnedSold } money { currency taken { minor } } }
      buckets {
        from until
        slots { held }
        money { captured { amount } refunded { amount } taken { amount }
          legs { leg captured { minor } refunded { minor } taken { minor } } }
      }
    }
  } }
}
"""


async def ask(api: Api, token: str, shop: Shop, **changes: Any) -> Reply:
    variables = {
        "slug": shop.slug,
        "from": "2026-03-01T00:00:00Z",
        "until": "2026-03-02T00:00:00Z",
        "by": "DAY",
        **changes,
    }
    return await api.ask(SALES, bearer=token, **variables)


async def sales(api: Api, token: str, shop: Shop, **changes: Any) -> Any:
    return (await ask(api, token, shop, **changes)).data["merchant"]["shop"]["sales"]


async def test_a_chart_is_in_the_time_of_the_shop(api: Api, clock: ManualClock) -> None:
    # Given two slots held at noon UTC of 1 March, 20:00 in Shanghai
    sale = await open_sale()
    await place(sale, quantity=2)
    await Shop.filter(id=sale.shop.id).update(timezone="Asia/Shanghai")
    analyst = await sign_in(sale.shop, Role.ANALYST)

    chart = await sales(api, analyst.token, sale.shop)

    assert chart["timezone"] == "Asia/Shanghai"
    assert [(b["from"], b["until"], b["slots"]["held"]) for b in chart["buckets"]] == [
        ("2026-02-28T16:00:00Z", "2026-03-01T16:00:00Z", 2),
        ("2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z", 0),
    ]
    assert chart["buckets"][0]["money"] == [
        {
            "captured": {"amount": "0.00"},
            "refunded": {"amount": "0.00"},
            "taken": {"amount": "0.00"},
            "legs": [
                {
                    "leg": leg,
                    "captured": {"minor": 0},
                    "refunded": {"minor": 0},
                    "taken": {"minor": 0},
                }
                for leg in ("DEPOSIT", "BALANCE", "FULL")
            ],
        }
    ]
    assert chart["total"] == {
        "slots": {"held": 2, "sold": 0, "returned": 0, "returnedSold": 0},
        "money": [{"currency": "CNY", "taken": {"minor": 0}}],
    }


async def test_a_campaign_has_a_chart_and_somebody_elses_has_none(
    api: Api, clock: ManualClock
) -> None:
    sale = await open_sale()
    await place(sale)
    other = await open_sale(shop=await make_shop("other-forge"))
    owner = await sign_in(sale.shop)

    own = await sales(api, owner.token, sale.shop, campaign=seal("Campaign", sale.campaign.id))
    assert own["total"]["slots"]["held"] == 1
    for foreign in (other.campaign.id, new_id()):
        assert await sales(api, owner.token, sale.shop, campaign=seal("Campaign", foreign)) is None


async def test_what_cannot_be_charted_is_refused(api: Api, clock: ManualClock) -> None:
    shop = await make_shop()
    owner = await sign_in(shop)
    years = (datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=1000)).isoformat()
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"until": "2026-03-01T00:00:00Z"}, "ARGUMENT_INVALID", "'until' cannot be used: the end"),
        ({"until": years}, "ARGUMENT_INVALID", "'until' cannot be used: this would be more than"),
        ({"campaign": "nonsense"}, "ID_INVALID", "This is no id of the type Campaign."),
        ({"campaign": seal("Shop", shop.id)}, "ID_INVALID", "This is no id of the type Campaign."),
    ]
    for changes, code, message in wrong:
        reply = await ask(api, owner.token, shop, **changes)
        assert reply.error_codes == [code]
        assert reply.body["errors"][0]["message"].startswith(message)


async def test_charts_need_their_own_permission(api: Api, clock: ManualClock) -> None:
    shop = await make_shop()
    for caller in (
        await sign_in(shop, Role.SUPPORT),
        await sign_in(shop, scopes=set(Scope) - {Scope.ANALYTICS_READ}),
    ):
        assert (await ask(api, caller.token, shop)).error_codes == ["FORBIDDEN"]
