"""What visitors do is counted by campaign and hour, for next to nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from headless_presale.analytics import FunnelStep, count_step, flush_funnel, funnel, read_funnel
from headless_presale.analytics.funnel import FunnelCounts, writing_funnel
from headless_presale.campaigns import Campaign
from headless_presale.checkout import place_order
from headless_presale.kernel import metrics
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import Unavailable
from resolvers.global_ids import seal
from tests.graphql.carts import create
from tests.graphql.customers import codes_of
from tests.graphql.endpoint import Api
from tests.support.shop import Sale, open_sale, order_for
from tests.support.statements import counted_statements

RECORD = """
mutation ($input: EventsRecordInput!) {
  eventsRecord(input: $input) { recorded userErrors { code field } } }
"""


@pytest.fixture
async def sale(api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Sale:
    # What another test has counted is not this one's.
    monkeypatch.setattr(funnel, "_counts", FunnelCounts())
    return await open_sale(skus=("FOX-1", "FOX-2"))


def dropped() -> float:
    return float(metrics.FUNNEL_STEPS_DROPPED._value.get())


def event(type_: str, campaign_id: UUID) -> dict[str, str]:
    return {"type": type_, "campaignId": seal("Campaign", campaign_id)}


async def record(api: Api, *events: dict[str, str]) -> Any:
    return (await api.ask(RECORD, input={"events": list(events)})).data["eventsRecord"]


async def read(sale: Sale, clock: ManualClock) -> tuple[int, ...]:
    """Return the funnel of the hour, step by step."""
    now = clock.now()
    found = await read_funnel(sale.campaign.id, begins_at=now, ends_at=now + timedelta(minutes=1))
    seen = (found.exposures, found.views, found.adds_to_cart, found.checkouts)
    return (*seen, found.orders, found.paid)


async def test_what_is_told_is_counted_and_orders_are_from_the_books(
    api: Api, sale: Sale, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    campaign = sale.campaign.id
    told = await record(
        api,
        *[event("EXPOSURE", campaign)] * 3,
        *[event("VIEW", campaign)] * 2,
        event("CHECKOUT", campaign),
    )
    assert told == {"recorded": 6, "userErrors": []}
    order = await place_order(order_for(sale))
    await place_order(order_for(sale))
    await database_admin.execute(
        "UPDATE sales_order SET sold_at = placed_at WHERE id = $1", order.id
    )

    assert await flush_funnel() == 6
    assert await read(sale, clock) == (3, 2, 0, 1, 2, 1)

    # A second write is added to the hour, the next hour is another row.
    await record(api, event("VIEW", campaign))
    await flush_funnel()
    assert await read(sale, clock) == (3, 3, 0, 1, 2, 1)
    clock.advance(timedelta(hours=1))
    assert await read(sale, clock) == (0, 0, 0, 0, 0, 0)


async def test_what_comes_into_a_cart_counts_once(api: Api, sale: Sale, clock: ManualClock) -> None:
    cart = await create(api, sale)
    for quantity in (1, 1, 5):
        await cart.put(quantity)
    await cart.do("cartLineUpdate", **cart.line(2))
    await cart.put(1, item=1)
    await cart.put(0)

    await flush_funnel()

    assert (await read(sale, clock))[2] == 2


async def test_a_thousand_events_are_one_statement(sale: Sale) -> None:
    async with counted_statements() as sent:
        # A new connection asks first what types there are.
        count_step(sale.campaign.id, FunnelStep.VIEW)
        await flush_funnel()
        del sent[:]
        for _ in range(250):
            for step in FunnelStep:
                count_step(sale.campaign.id, step)
        assert sent == []

        assert await flush_funnel() == 1_000
        assert await flush_funnel() == 0

    firsts = [statement.split()[0].rstrip(";") for statement in sent]
    assert firsts == ["BEGIN", "INSERT", "COMMIT"]


async def test_what_nobody_may_see_counts_nowhere(
    api: Api, sale: Sale, database_admin: asyncpg.Connection
) -> None:
    await record(api, event("VIEW", uuid4()), event("VIEW", sale.campaign.id))
    await Campaign.filter(id=sale.campaign.id).update(published_at=None)

    await flush_funnel()

    assert await database_admin.fetchval("SELECT count(*) FROM funnel_hour") == 0


@pytest.mark.parametrize(
    ("events", "field"),
    [
        ([{"type": "VIEW", "campaignId": "nonsense"}], ["events", "1", "campaignId"]),
        ([event("VIEW", uuid4())] * 50, ["events"]),
    ],
)
async def test_of_events_that_cannot_be_read_none_is_counted(
    api: Api, sale: Sale, events: list[dict[str, str]], field: list[str]
) -> None:
    refused = await record(api, event("VIEW", sale.campaign.id), *events)

    assert codes_of(refused) == ["INVALID_INPUT"]
    assert refused["userErrors"][0]["field"] == field
    assert refused["recorded"] is None
    assert await flush_funnel() == 0


async def test_while_the_database_is_away_they_are_dropped_and_counted(
    api: Api, sale: Sale, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*args: Any) -> None:
        raise Unavailable("database")

    before = dropped()
    with monkeypatch.context() as down:
        down.setattr(funnel, "_write", away)
        told = await record(api, *[event("VIEW", sale.campaign.id)] * 3)
        assert told["recorded"] == 3
        assert await flush_funnel() == 0

    assert dropped() - before == 3
    assert await flush_funnel() == 0
    assert (await read(sale, clock))[1] == 0


async def test_no_more_campaigns_than_fit_are_counted(sale: Sale) -> None:
    counts, before = FunnelCounts(most=2), dropped()
    for campaign_id in (sale.campaign.id, uuid4(), uuid4(), uuid4(), sale.campaign.id):
        counts.add(campaign_id, FunnelStep.VIEW)

    assert dropped() - before == 2
    assert await counts.flush() == 3


async def test_what_is_left_is_written_at_the_end(sale: Sale, clock: ManualClock) -> None:
    async with writing_funnel():
        count_step(sale.campaign.id, FunnelStep.VIEW)

    assert (await read(sale, clock))[1] == 1
