"""Live: the state at once, then each change, and nothing left behind when a follower goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from headless_presale.checkout import place_order
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.live import LiveHub
from headless_presale.orders import cancel_order
from resolvers.global_ids import seal
from schema.transport.errors import root_cause
from schema.transport.execution import Outcome
from tests.graphql.endpoint import Api
from tests.graphql.following import TRACKING, following
from tests.graphql.ordering import order_input, place
from tests.support.servers import until
from tests.support.shop import Sale, open_sale, order_for

AVAILABILITY = """
subscription ($id: ID!) {
  campaignAvailability(campaignId: $id) {
    campaignId status serverTime items { itemId slotsLeft capacity }
  }
}
"""
PROGRESS = """
subscription ($id: ID!) {
  campaignProgress(campaignId: $id) { campaignId status capacity slotsLeft soldBps secondsLeft }
}
"""


async def is_quiet(stream: AsyncIterator[Outcome], seconds: float) -> bool:
    """Tell whether nothing comes for a while. The stream cannot be used afterwards."""
    try:
        await asyncio.wait_for(anext(stream), seconds)
    except TimeoutError:
        return True
    return False


def followers(hub: LiveHub) -> int:
    return sum(len(events) for events in hub._followers.values())


def left(message: Any) -> list[int]:
    return [item["slotsLeft"] for item in message["items"]]


async def test_availability_comes_at_once_and_then_with_each_change(
    api: Api, clock: ManualClock
) -> None:
    # Given a sale of 5
    sale = await open_sale(capacity=5)
    id_ = seal("Campaign", sale.campaign.id)
    async with aclosing(api.follow(AVAILABILITY, id=id_)) as stream:
        # Then its state comes without anything happening
        assert await following(stream) == {
            "campaignId": id_,
            "status": "LIVE",
            "serverTime": "2026-03-01T12:00:00Z",
            "items": [
                {"itemId": seal("CampaignItem", sale.item_id), "slotsLeft": 5, "capacity": 5}
            ],
        }
        # And each order and each cancellation changes it
        order = await place_order(order_for(sale, quantity=2))
        assert left(await following(stream)) == [5 - 2]
        await cancel_order(order.id, reason="changed my mind")
        assert left(await following(stream)) == [5]


async def test_progress_adds_the_items_up(api: Api, clock: ManualClock) -> None:
    sale = await open_sale(capacity=4, skus=("FOX-1", "OWL-1"))
    clock.advance(timedelta(days=6))
    await place_order(order_for(sale, quantity=1))
    id_ = seal("Campaign", sale.campaign.id)
    async with aclosing(api.follow(PROGRESS, id=id_)) as stream:
        assert await following(stream) == {
            "campaignId": id_,
            "status": "LIVE",
            "capacity": 8,
            "slotsLeft": 8 - 1,
            "soldBps": 10_000 // 8,
            "secondsLeft": 86_400,
        }


async def test_a_wake_without_a_change_is_not_sent(
    api: Api, clock: ManualClock, redis: Redis
) -> None:
    sale = await open_sale()
    async with aclosing(api.follow(AVAILABILITY, id=seal("Campaign", sale.campaign.id))) as stream:
        await following(stream)
        # Given news that change no number
        for _ in range(3):
            await redis.publish(f"live:availability:{sale.campaign.id}", 0)
        assert await is_quiet(stream, 1.0)


async def test_many_changes_at_once_are_few_messages(api: Api, clock: ManualClock) -> None:
    # Given ten orders in a burst
    sale = await open_sale(capacity=50)
    async with aclosing(api.follow(AVAILABILITY, id=seal("Campaign", sale.campaign.id))) as stream:
        await following(stream)
        await asyncio.gather(
            *(place_order(order_for(sale, email=f"b{n}@example.com")) for n in range(10))
        )
        # Then the last state arrives, in fewer messages than orders
        seen: list[list[int]] = []
        while not seen or seen[-1] != [50 - 10]:
            seen.append(left(await following(stream)))
        assert len(seen) < 10


async def test_the_status_follows_the_clock(api: Api, clock: ManualClock, redis: Redis) -> None:
    sale = await open_sale()
    async with aclosing(api.follow(AVAILABILITY, id=seal("Campaign", sale.campaign.id))) as stream:
        assert (await following(stream))["status"] == "LIVE"
        clock.advance(timedelta(days=7))
        await redis.publish(f"live:availability:{sale.campaign.id}", 0)
        assert (await following(stream))["status"] == "CLOSED"


async def test_tracking_replays_from_the_cursor_and_then_follows(
    api: Api, clock: ManualClock
) -> None:
    # Given an order with one event
    sale = await open_sale()
    payload = await place(api, order_input(sale))
    key = {"id": payload["order"]["id"], "token": payload["orderToken"]}

    # When it is tracked from the start
    async with aclosing(api.follow(TRACKING, **key)) as stream:
        first = await following(stream)
        assert (first["type"], first["at"]) == ("order.placed", "2026-03-01T12:00:00Z")
        assert first["order"] == {"status": "AWAITING_PAYMENT"}

        # Then what happens next arrives, with the order as it is by then
        clock.advance(timedelta(minutes=1))
        body = {"orderId": key["id"], "token": key["token"]}
        cancelled = await api.ask(
            "mutation ($input: OrderCancelInput!) { orderCancel(input: $input) "
            "{ userErrors { code } } }",
            input=body,
        )
        assert cancelled.data["orderCancel"]["userErrors"] == []
        second = await following(stream)
        assert (second["type"], second["at"]) == ("order.cancelled", "2026-03-01T12:01:00Z")
        assert second["order"] == {"status": "CANCELLED"}

    # And a client that comes back with its cursor gets each event once
    async with aclosing(api.follow(TRACKING, after=first["cursor"], **key)) as stream:
        assert await following(stream) == second
        assert await is_quiet(stream, 0.5)


async def refusal_of(api: Api, query: str, **variables: Any) -> str:
    async with aclosing(api.follow(query, **variables)) as stream:
        outcome = await asyncio.wait_for(anext(stream), 30)
    assert outcome.errors is not None
    cause = root_cause(outcome.errors[0])
    assert getattr(cause, "public", False)
    return str(cause.code)  # type: ignore[attr-defined]


async def test_what_cannot_be_followed_is_told_so(
    api: Api, clock: ManualClock, hub: LiveHub
) -> None:
    sale = await open_sale()
    payload = await place(api, order_input(sale))
    key = {"id": payload["order"]["id"], "token": payload["orderToken"]}
    for query in (AVAILABILITY, PROGRESS):
        assert await refusal_of(api, query, id="nonsense") == "ID_INVALID"
        assert await refusal_of(api, query, id=seal("Order", uuid4())) == "ID_INVALID"
        assert await refusal_of(api, query, id=seal("Campaign", uuid4())) == "CAMPAIGN_NOT_FOUND"
    for wrong in (
        {**key, "token": "guess"},
        {**key, "id": seal("Order", uuid4())},
        {**key, "id": "nonsense"},
    ):
        assert await refusal_of(api, TRACKING, **wrong) == "ORDER_NOT_FOUND"
    for cursor in ("nonsense", seal("events", -1), seal("events", 2**63), seal("products", 1)):
        assert await refusal_of(api, TRACKING, after=cursor, **key) == "CURSOR_INVALID"
    assert followers(hub) == 0


@pytest.mark.parametrize("query", [AVAILABILITY, PROGRESS, TRACKING])
async def test_a_follower_that_goes_leaves_nothing_behind(
    api: Api, clock: ManualClock, hub: LiveHub, query: str
) -> None:
    # Given a follower that waits for the next change
    sale = await open_sale()
    payload = await place(api, order_input(sale))
    key: dict[str, Any] = {"id": seal("Campaign", sale.campaign.id)}
    if query is TRACKING:
        key = {"id": payload["order"]["id"], "token": payload["orderToken"]}

    async def follow() -> None:
        async with aclosing(api.follow(query, **key)) as stream:
            async for _ in stream:
                assert followers(hub) == 1

    task = asyncio.create_task(follow())
    await until(lambda: followers(hub) == 1)
    await asyncio.sleep(0.5)

    # When its connection breaks
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    # Then the hub knows it no more
    await until(lambda: followers(hub) == 0)


async def test_followers_see_only_their_own_campaign(api: Api, clock: ManualClock) -> None:
    first = await open_sale()
    second: Sale = await open_sale(shop=first.shop, handle="second", skus=("OWL-1",))
    async with aclosing(api.follow(AVAILABILITY, id=seal("Campaign", first.campaign.id))) as stream:
        await following(stream)
        await place_order(order_for(second))
        assert await is_quiet(stream, 0.8)
