"""The funnel of a campaign as its merchant reads it: in whole hours, for next to nothing."""

from typing import Any

import pytest

from headless_presale.analytics import FunnelStep, count_step, flush_funnel, funnel
from headless_presale.analytics.funnel import FunnelCounts
from headless_presale.identity import Role
from headless_presale.kernel.clock import ManualClock
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api, Reply
from tests.support.money import place
from tests.support.shop import Sale, open_sale
from tests.support.staff import sign_in

FUNNEL = """
query ($slug: String!, $id: ID!, $from: DateTime!, $until: DateTime!) {
  merchant { shop(slug: $slug) { campaign(id: $id) {
    funnel(from: $from, until: $until) {
      beginsAt endsAt exposures views addsToCart checkouts orders paid } } } }
}
"""


@pytest.fixture
async def sale(api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Sale:
    monkeypatch.setattr(funnel, "_counts", FunnelCounts())
    return await open_sale()


async def ask(api: Api, sale: Sale, begins: str, ends: str) -> Reply:
    analyst = await sign_in(sale.shop, Role.ANALYST)
    variables: dict[str, Any] = {
        "slug": sale.shop.slug,
        "id": seal("Campaign", sale.campaign.id),
        "from": begins,
        "until": ends,
    }
    return await api.ask(FUNNEL, bearer=analyst.token, **variables)


async def test_it_is_of_every_hour_that_the_time_touches(api: Api, sale: Sale) -> None:
    # At noon: two looks and an order.
    for _ in range(2):
        count_step(sale.campaign.id, FunnelStep.VIEW)
    await flush_funnel()
    await place(sale)

    async def read(begins: str, ends: str) -> Any:
        reply = await ask(api, sale, f"2026-03-01T{begins}Z", f"2026-03-01T{ends}Z")
        return reply.data["merchant"]["shop"]["campaign"]["funnel"]

    assert await read("12:59:59", "13:00:01") == {
        "beginsAt": "2026-03-01T12:00:00Z",
        "endsAt": "2026-03-01T14:00:00Z",
        "exposures": 0,
        "views": 2,
        "addsToCart": 0,
        "checkouts": 0,
        "orders": 1,
        "paid": 0,
    }
    assert (await read("11:00:00", "12:00:00"))["views"] == 0
    assert (await read("13:00:00", "14:00:00"))["orders"] == 0


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("2026-03-02T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("9999-12-31T22:00:00Z", "9999-12-31T23:30:00Z"),
    ],
)
async def test_what_is_no_time_is_told(api: Api, sale: Sale, begins: str, ends: str) -> None:
    assert (await ask(api, sale, begins, ends)).error_codes == ["ARGUMENT_INVALID"]
