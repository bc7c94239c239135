"""What visitors of a storefront do."""

import strawberry

from headless_presale.analytics import FunnelStep
from resolvers import funnel
from schema.described import register_enum
from schema.errors import UserError, user_errors
from schema.nodes import Info

register_enum(
    FunnelStep,
    name="FunnelEventType",
    description="What a visitor did with a campaign.",
    values={
        "EXPOSURE": "Saw it in a list or a teaser.",
        "VIEW": "Opened its page.",
        "ADD_TO_CART": "Put something of it into a cart of the storefront's own.",
        "CHECKOUT": "Began to order.",
    },
)


@strawberry.input(description="What a visitor did, now.")
class FunnelEventInput:
    type: FunnelStep = strawberry.field(
        description="What is added to a cart of this API is counted already."
    )
    campaign_id: strawberry.ID = strawberry.field(description="`Campaign.id`.")


@strawberry.input(description="What visitors did.")
class EventsRecordInput:
    events: list[FunnelEventInput] = strawberry.field(description="At most 50.")


@strawberry.type
class EventsRecordPayload:
    recorded: int | None = strawberry.field(description="How many were taken.")
    user_errors: list[UserError]


@strawberry.type
class FunnelMutation:
    """What a storefront tells of its visitors."""

    @strawberry.mutation(
        description="Count what visitors did, for the funnel of a campaign. Nothing of a visitor "
        "is kept; an event of a campaign that there is not counts nowhere."
    )
    async def events_record(self, info: Info, input: EventsRecordInput) -> EventsRecordPayload:
        events = [(event.type, event.campaign_id) for event in input.events]
        recorded = await funnel.record(info.context, events)
        return EventsRecordPayload(
            recorded=recorded.value, user_errors=user_errors(recorded.refusals)
        )
