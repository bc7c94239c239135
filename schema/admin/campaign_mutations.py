"""What a merchant does with campaigns."""

import strawberry

from headless_presale.identity import Scope
from resolvers.admin import campaign_commands as commands
from resolvers.admin import campaigns
from resolvers.admin.campaign_commands import Kept
from resolvers.errors import Answer
from schema.admin.campaign_inputs import (
    CampaignBatchAddInput,
    CampaignCancelInput,
    CampaignCapSetInput,
    CampaignCloseInput,
    CampaignCreateInput,
    CampaignDiscardInput,
    CampaignDuplicateInput,
    CampaignExtendInput,
    CampaignPublishInput,
    CampaignScheduleInput,
    CampaignTermsCreateInput,
    CampaignUnscheduleInput,
    CampaignUpdateInput,
)
from schema.admin.campaign_previews import ClosePreviewType
from schema.admin.campaigns import AdminCampaignType
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import requires

WRITES = (Scope.CAMPAIGNS_WRITE,)
REFUNDS = (Scope.CAMPAIGNS_WRITE, Scope.ORDERS_READ, Scope.ORDERS_REFUND)
"""Calling a campaign off sends all of its money back, and a refusal tells how much that is."""


@strawberry.type
class CampaignCreatePayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignUpdatePayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignDuplicatePayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignPublishPayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignSchedulePayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignUnschedulePayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignExtendPayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignBatchAddPayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignCapSetPayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignCancelPayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignTermsCreatePayload:
    campaign: AdminCampaignType | None
    user_errors: list[UserError]


@strawberry.type
class CampaignClosePayload:
    campaign: AdminCampaignType | None
    open_orders: ClosePreviewType | None = strawberry.field(
        description="What goes on after the close: holds until they run out, balances as agreed."
    )
    user_errors: list[UserError]


@strawberry.type
class CampaignDiscardPayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


def _campaign(done: Answer[Kept]) -> AdminCampaignType | None:
    kept = done.value
    return None if kept is None else AdminCampaignType(row=kept.campaign, shop=kept.shop)


@strawberry.type
class CampaignMutation:
    @strawberry.mutation(
        description="Write a draft down; nothing of it is public.",
        extensions=requires(*WRITES),
    )
    async def campaign_create(
        self, info: Info, input: CampaignCreateInput
    ) -> CampaignCreatePayload:
        done = await commands.create(info.context, shop_id=input.shop_id, fields=input.to_fields())
        return CampaignCreatePayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Change a draft, or what is shown of a published campaign.",
        extensions=requires(*WRITES),
    )
    async def campaign_update(
        self, info: Info, input: CampaignUpdateInput
    ) -> CampaignUpdatePayload:
        done = await commands.update(
            info.context,
            campaign_id=input.campaign_id,
            version=input.version,
            fields=input.to_fields(),
        )
        return CampaignUpdatePayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Make a draft of the same, under another handle and other dates.",
        extensions=requires(*WRITES),
    )
    async def campaign_duplicate(
        self, info: Info, input: CampaignDuplicateInput
    ) -> CampaignDuplicatePayload:
        done = await commands.duplicate(
            info.context,
            campaign_id=input.campaign_id,
            opens_at=input.opens_at,
            handle=input.handle,
        )
        return CampaignDuplicatePayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Let the clock open and close a draft. Its terms are a promise from now on.",
        extensions=requires(*WRITES),
    )
    async def campaign_publish(
        self, info: Info, input: CampaignPublishInput
    ) -> CampaignPublishPayload:
        done = await commands.publish(
            info.context, campaign_id=input.campaign_id, version=input.version
        )
        return CampaignPublishPayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Give a campaign that has not opened other times.",
        extensions=requires(*WRITES),
    )
    async def campaign_schedule(
        self, info: Info, input: CampaignScheduleInput
    ) -> CampaignSchedulePayload:
        done = await commands.schedule(
            info.context,
            campaign_id=input.campaign_id,
            version=input.version,
            opens_at=input.opens_at,
            closes_at=input.closes_at,
        )
        return CampaignSchedulePayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Make a published campaign that has not opened a draft again.",
        extensions=requires(*WRITES),
    )
    async def campaign_unschedule(
        self, info: Info, input: CampaignUnscheduleInput
    ) -> CampaignUnschedulePayload:
        done = await commands.unschedule(
            info.context, campaign_id=input.campaign_id, version=input.version
        )
        return CampaignUnschedulePayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Let a campaign sell longer. Orders placed keep their dates.",
        extensions=requires(*WRITES),
    )
    async def campaign_extend(
        self, info: Info, input: CampaignExtendInput
    ) -> CampaignExtendPayload:
        done = await commands.extend(
            info.context,
            campaign_id=input.campaign_id,
            version=input.version,
            closes_at=input.closes_at,
            reason=input.reason,
        )
        return CampaignExtendPayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Append a production batch: more slots under their own promise.",
        extensions=requires(*WRITES),
    )
    async def campaign_batch_add(
        self, info: Info, input: CampaignBatchAddInput
    ) -> CampaignBatchAddPayload:
        done = await commands.add_item_batch(
            info.context,
            item_id=input.item_id,
            version=input.version,
            capacity=input.capacity,
            ships_by=input.ships_by,
        )
        return CampaignBatchAddPayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Set how many slots an item has; never below what is sold or held.",
        extensions=requires(*WRITES),
    )
    async def campaign_cap_set(
        self, info: Info, input: CampaignCapSetInput
    ) -> CampaignCapSetPayload:
        done = await commands.set_cap(
            info.context, item_id=input.item_id, version=input.version, capacity=input.capacity
        )
        return CampaignCapSetPayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Put new terms in force for orders to come; orders placed keep theirs.",
        extensions=requires(*WRITES),
    )
    async def campaign_terms_create(
        self, info: Info, input: CampaignTermsCreateInput
    ) -> CampaignTermsCreatePayload:
        done = await commands.create_terms(
            info.context,
            campaign_id=input.campaign_id,
            version=input.version,
            terms=input.terms.to_fields(),
        )
        return CampaignTermsCreatePayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Call a campaign off: its orders are cancelled and refunded in full.",
        extensions=requires(*REFUNDS),
    )
    async def campaign_cancel(
        self, info: Info, input: CampaignCancelInput
    ) -> CampaignCancelPayload:
        done = await commands.cancel(
            info.context,
            campaign_id=input.campaign_id,
            version=input.version,
            reason=input.reason,
            expected_orders=input.expected_orders,
            expected_refund_minor=input.expected_refund_minor,
        )
        return CampaignCancelPayload(
            campaign=_campaign(done), user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Close an open campaign before its time. Orders keep all they have.",
        extensions=requires(*WRITES),
    )
    async def campaign_close(self, info: Info, input: CampaignCloseInput) -> CampaignClosePayload:
        done = await commands.close(
            info.context, campaign_id=input.campaign_id, version=input.version, reason=input.reason
        )
        campaign = _campaign(done)
        left = None
        if campaign is not None:
            left = ClosePreviewType(
                preview=await campaigns.close_preview(campaign.row),
                currency=campaign.row.currency,
            )
        return CampaignClosePayload(
            campaign=campaign, open_orders=left, user_errors=user_errors(done.refusals)
        )

    @strawberry.mutation(
        description="Remove a draft with all that belongs to it.", extensions=requires(*WRITES)
    )
    async def campaign_discard(
        self, info: Info, input: CampaignDiscardInput
    ) -> CampaignDiscardPayload:
        done = await commands.discard(
            info.context, campaign_id=input.campaign_id, version=input.version
        )
        kept = done.value
        return CampaignDiscardPayload(
            deleted_id=None if kept is None else global_id("Campaign", kept.campaign.id),
            user_errors=user_errors(done.refusals),
        )
