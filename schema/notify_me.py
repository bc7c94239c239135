"""The notify-me list of a campaign that opens later."""

from datetime import datetime

import strawberry

from headless_presale.notify_me import WatcherCount
from resolvers import notify_me
from resolvers.notify_me import Awaiting, NotifyMeForm
from schema.campaigns import CampaignType
from schema.errors import UserError, user_errors
from schema.nodes import Info


@strawberry.input(description="Who wants to be told once when a campaign opens.")
class CampaignNotifyMeInput:
    campaign_id: strawberry.ID = strawberry.field(
        description="`Campaign.id` of one that is scheduled."
    )
    email: str = strawberry.field(description="Who is told.")
    consent: bool = strawberry.field(
        description="True once the person has agreed to get this mail; anything else is refused."
    )
    locale: str | None = strawberry.field(
        default=None, description="Language of the mails; else Accept-Language."
    )
    source: str | None = strawberry.field(
        default=None,
        description="Where the consent was given, in words of yours, such as `drop page`.",
    )


@strawberry.type
class CampaignNotifyMePayload:
    needs_confirmation: bool | None = strawberry.field(
        description="Whether the shop mails a link to confirm with first: say so to the person. "
        "The same for an address that is new, on the list, or unsubscribed. Null if refused."
    )
    user_errors: list[UserError]


@strawberry.type(
    name="NotifyMeCount",
    description="How many wait for a campaign. Who unsubscribed is not counted.",
)
class NotifyMeCountType:
    counted: strawberry.Private[WatcherCount]

    @strawberry.field(description="Who asked to be told, confirmed or not.")
    def count(self) -> int:
        return self.counted.asked

    @strawberry.field(description="Of these, who is told when it opens.")
    def confirmed(self) -> int:
        return self.counted.confirmed

    @strawberry.field(description="Of these, who has been written to.")
    def told(self) -> int:
        return self.counted.told


@strawberry.type(
    name="AwaitedCampaign", description="A campaign that opens later, and that one is told of then."
)
class AwaitedCampaignType:
    """A place on its list."""

    awaiting: strawberry.Private[Awaiting]

    @strawberry.field(description="The one that opens later.")
    def campaign(self) -> CampaignType:
        return CampaignType(snapshot=self.awaiting.campaign, shop=self.awaiting.shop)

    @strawberry.field(description="When one asked to be told.")
    def asked_at(self) -> datetime:
        return self.awaiting.awaited.asked_at

    @strawberry.field(
        description="False: a link was mailed, and nothing is told until it is opened."
    )
    def is_confirmed(self) -> bool:
        return self.awaiting.awaited.is_confirmed


@strawberry.type
class NotifyMeMutation:
    """What a storefront shows before the opening."""

    @strawberry.mutation(
        description="Put somebody on the list of a campaign that opens later: he gets one mail "
        "when it does, sooner or later than planned, and none if it is called off. Asking again "
        "changes nothing. `NOTIFY_ME_CLOSED` once it is open or over."
    )
    async def campaign_notify_me(
        self, info: Info, input: CampaignNotifyMeInput
    ) -> CampaignNotifyMePayload:
        form = NotifyMeForm(
            campaign_id=input.campaign_id,
            email=input.email,
            locale=input.locale,
            consent=input.consent,
            source=input.source,
        )
        asked = await notify_me.ask(info.context, form)
        return CampaignNotifyMePayload(
            needs_confirmation=asked.value, user_errors=user_errors(asked.refusals)
        )
