"""Live: the state at once, then what changes."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import strawberry

from resolvers import live
from schema.enums import CampaignStatus
from schema.nodes import Info, global_id
from schema.orders import OrderId, OrderToken, OrderType
from schema.transport.shared import SHARED


@strawberry.type(description="The free slots of one item.")
class ItemAvailability:
    item_id: strawberry.ID = strawberry.field(description="`CampaignItem.id`.")
    slots_left: int = strawberry.field(
        description="A slot that is held for a checkout is not left."
    )
    capacity: int = strawberry.field(description="How many slots there are in all.")


@strawberry.type(description="The free slots of a campaign.")
class CampaignAvailability:
    campaign_id: strawberry.ID = strawberry.field(description="`Campaign.id`.")
    status: CampaignStatus = strawberry.field(description="By the clock.")
    items: list[ItemAvailability] = strawberry.field(
        description="Every item, in the merchant's order."
    )
    server_time: datetime = strawberry.field(description="The moment these numbers are about.")

    @classmethod
    def of(cls, current: live.Availability) -> "CampaignAvailability":
        """Wrap what was read."""
        return cls(
            campaign_id=global_id("Campaign", current.campaign_id),
            status=current.status,
            items=[
                ItemAvailability(
                    item_id=global_id("CampaignItem", item.item_id),
                    slots_left=item.progress.slots_left,
                    capacity=item.progress.capacity,
                )
                for item in current.items
            ],
            server_time=current.at,
        )


@strawberry.type(description="How far a campaign has come, all items together.")
class CampaignProgress:
    campaign_id: strawberry.ID = strawberry.field(description="`Campaign.id`.")
    status: CampaignStatus = strawberry.field(description="By the clock.")
    capacity: int = strawberry.field(description="How many slots there are in all.")
    slots_left: int = strawberry.field(
        description="A slot that is held for a checkout is not left."
    )
    sold_bps: int = strawberry.field(description="Sold or held, in basis points.")
    seconds_left: int = strawberry.field(description="Until the close; 0 when it is over.")
    server_time: datetime = strawberry.field(
        description="The moment these numbers are about: count down from there."
    )

    @classmethod
    def of(cls, current: live.Availability) -> "CampaignProgress":
        """Wrap what was read."""
        return cls(
            campaign_id=global_id("Campaign", current.campaign_id),
            status=current.status,
            capacity=current.progress.capacity,
            slots_left=current.progress.slots_left,
            sold_bps=current.progress.sold_bps,
            seconds_left=current.seconds_left,
            server_time=current.at,
        )


@strawberry.type(description="Something that happened to an order.")
class OrderTracking:
    news: strawberry.Private[live.OrderNews]

    @strawberry.field(description="Send it as `after` to go on from here.")
    def cursor(self) -> str:
        return self.news.cursor

    @strawberry.field(description="Such as `order.placed`, `payment.captured`, `order.cancelled`.")
    def type(self) -> str:
        return self.news.event.type

    @strawberry.field(description="When it happened.")
    def at(self) -> datetime:
        return self.news.event.created_at

    @strawberry.field(description="The order as it is by now.")
    def order(self) -> OrderType:
        return OrderType(order=self.news.order)


CampaignId = Annotated[strawberry.ID, strawberry.argument(description="`Campaign.id`.")]
TrackedAfter = Annotated[
    str | None,
    strawberry.argument(description="A `cursor` of `OrderTracking` or of `Order.history`."),
]


@strawberry.type(
    description="Live, over WebSocket or SSE. Numbers come at most five times a second."
)
class Subscription:
    """What comes between is coalesced; of the events of an order none is."""

    @strawberry.subscription(
        description="At once, then when a number or the status changes.", metadata=SHARED
    )
    async def campaign_availability(
        self, info: Info, campaign_id: CampaignId
    ) -> AsyncGenerator[CampaignAvailability, None]:
        async with aclosing(live.follow_availability(info.context, campaign_id)) as states:
            async for current in states:
                yield CampaignAvailability.of(current)

    @strawberry.subscription(
        description="At once, then when a number or the status changes.", metadata=SHARED
    )
    async def campaign_progress(
        self, info: Info, campaign_id: CampaignId
    ) -> AsyncGenerator[CampaignProgress, None]:
        async with aclosing(live.follow_availability(info.context, campaign_id)) as states:
            async for current in states:
                yield CampaignProgress.of(current)

    @strawberry.subscription(
        description="Every event of an order, once and in order: first what came after the "
        "cursor, or all of it, then what comes."
    )
    async def order_tracking(
        self,
        info: Info,
        order_id: OrderId,
        token: OrderToken = None,
        after: TrackedAfter = None,
    ) -> AsyncGenerator[OrderTracking, None]:
        following = live.follow_order(info.context, order_id=order_id, token=token, after=after)
        async with aclosing(following) as events:
            async for news in events:
                yield OrderTracking(news=news)
