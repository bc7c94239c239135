"""What subscriptions send: the state at once, then every change of it.

The hub only says "look again"; what is sent is read afterwards, and only when it differs. Each
generator closes what it follows when its subscriber leaves, at whichever await that happens.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.campaigns import CampaignStatus
from headless_presale.kernel.events import EventRecord
from headless_presale.orders import OrderView
from headless_presale.refusal_texts import TEXTS
from resolvers.campaigns import (
    Progress,
    await_progress,
    find_public_campaign,
    progress_of_item,
    seconds_left,
)
from resolvers.context import RequestContext
from resolvers.errors import PublicError, reads
from resolvers.global_ids import find_uuid, read_argument_id
from resolvers.order_access import find_own_order
from resolvers.orders import EVENT_CURSORS
from resolvers.readiness import settled

REPLAY_BATCH = 100


@dataclass(frozen=True, slots=True)
class ItemAvailability:
    """The free slots of one item."""

    item_id: UUID
    progress: Progress


@dataclass(frozen=True, slots=True)
class Availability:
    """The free slots of a campaign at one moment."""

    campaign_id: UUID
    status: CampaignStatus
    items: tuple[ItemAvailability, ...]
    seconds_left: int
    at: datetime

    @property
    def progress(self) -> Progress:
        """All items together."""
        return Progress(
            sum(item.progress.capacity for item in self.items),
            sum(item.progress.slots_left for item in self.items),
        )

    @property
    def numbers(self) -> object:
        """What has to differ for a subscriber to be told; time passes by itself."""
        return self.status, self.items


async def follow_availability(
    context: RequestContext, campaign_id: str
) -> AsyncGenerator[Availability, None]:
    """Yield the availability at once and then whenever its numbers or the status change.

    Raises:
        PublicError: ``CAMPAIGN_NOT_FOUND``; ArgumentInvalid: not a campaign's id.
    """
    uuid = read_argument_id(campaign_id, "Campaign")
    sent: object = None
    async with aclosing(context.hub.follow(f"availability:{uuid}")) as wakes:
        async for _ in wakes:
            current = await _read_availability(context.renewed(), uuid)
            if current.numbers != sent:
                sent = current.numbers
                yield current


async def _read_availability(context: RequestContext, campaign_id: UUID) -> Availability:
    campaign = await find_public_campaign(context, campaign_id)
    if campaign is None:
        raise PublicError("CAMPAIGN_NOT_FOUND", "There is no such campaign.")
    await await_progress(context, [campaign])
    return Availability(
        campaign_id=campaign.id,
        status=campaign.status(context.at),
        items=tuple(
            [
                ItemAvailability(item.id, await settled(progress_of_item(context, item)))
                for item in campaign.items
            ]
        ),
        seconds_left=seconds_left(campaign, context.at),
        at=context.at,
    )


@dataclass(frozen=True, slots=True)
class OrderNews:
    """Something that happened to an order, and the order as it is by now."""

    event: EventRecord
    order: OrderView

    @property
    def cursor(self) -> str:
        """Where to go on from after a reconnect."""
        return EVENT_CURSORS.encode(self.event.id)


async def follow_order(
    context: RequestContext, *, order_id: str, token: str | None, after: str | None
) -> AsyncGenerator[OrderNews, None]:
    """Yield what happened since the cursor, or from the beginning, and then what happens.

    Every event once and in order; a broadcast that got lost only delays it.

    Raises:
        PublicError: ``ORDER_NOT_FOUND`` for an unknown order and for one that is not the
            caller's alike, also when it ceases to be: its token was revoked.
        Unauthenticated: the customer's sign-in has ended.
        ArgumentInvalid: not a cursor.
    """
    last_id = EVENT_CURSORS.decode(after, "after") if after is not None else 0
    uuid = find_uuid(order_id, "Order")
    if uuid is None or await find_own_order(context, order_id, token) is None:
        raise _not_found()
    topic = f"order:{uuid}"
    async with aclosing(context.hub.follow(topic)) as wakes:
        async for _ in wakes:
            while events := await _read_events(topic, last_id):
                order = await find_own_order(context.renewed(), order_id, token)
                if order is None:
                    raise _not_found()
                for event in events:
                    last_id = event.id
                    yield OrderNews(event, order)


def _not_found() -> PublicError:
    return PublicError("ORDER_NOT_FOUND", TEXTS["ORDER_NOT_FOUND"]["en"])


@reads
async def _read_events(topic: str, after_id: int) -> list[EventRecord]:
    return await EventRecord.filter(topic=topic, id__gt=after_id).order_by("id").limit(REPLAY_BATCH)
