"""What visitors do, as storefronts tell it."""

from collections.abc import Sequence

from headless_presale.analytics import FunnelStep, count_step
from headless_presale.kernel.errors import InvalidInput
from resolvers.campaigns import find_public_campaign
from resolvers.context import RequestContext
from resolvers.errors import Answer
from resolvers.global_ids import read_input_id
from resolvers.mutations import mutate

MOST_EVENTS = 50


async def record(context: RequestContext, events: Sequence[tuple[FunnelStep, str]]) -> Answer[int]:
    """Count all of these events or, where one cannot be read, none; answer how many.

    Nobody looks whether a campaign exists: those that do not are left out when it is written. Only
    where a page of another site tells it, or some shop answers registered documents alone, it is
    seen whose they are.
    """
    return await mutate(context, _record(context, events))


async def _record(context: RequestContext, events: Sequence[tuple[FunnelStep, str]]) -> int:
    if len(events) > MOST_EVENTS:
        raise InvalidInput(reason="at most {most} events", most=MOST_EVENTS, field=("events",))
    read = [
        (read_input_id(campaign_id, "Campaign", ("events", str(index), "campaignId")), step)
        for index, (step, campaign_id) in enumerate(events)
    ]
    if await context.shops.are_guarded():
        for campaign_id, _ in read:
            await find_public_campaign(context, campaign_id)
    for campaign_id, step in read:
        count_step(campaign_id, step)
    return len(read)
