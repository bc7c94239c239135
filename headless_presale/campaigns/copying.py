"""A campaign made again: the same in all but its handle and its dates."""

from datetime import datetime, timedelta
from uuid import UUID

from headless_presale.campaigns.creating import ShopRef, create_campaign
from headless_presale.campaigns.draft import MAX_HANDLE_LENGTH, CampaignDraft
from headless_presale.campaigns.editing import read_draft
from headless_presale.campaigns.errors import CampaignConflict, CampaignNotFound
from headless_presale.campaigns.models import Campaign
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

WEEK = timedelta(weeks=1)


@shielded
async def duplicate_campaign(
    shop: ShopRef,
    campaign_id: UUID,
    *,
    opens_at: datetime | None = None,
    handle: str | None = None,
) -> Campaign:
    """Make a draft of what a campaign is; every date is moved by as much as the opening.

    Args:
        opens_at: None for the same hour of the same weekday, in the first week to come.
        handle: None for the first of ``x-copy``, ``x-copy-2`` and so on that is free.

    Raises:
        CampaignNotFound: there is none.
        CampaignConflict: the handle is taken.
        InvalidInput: a variant is no longer there, or is priced in another currency.
        ValidationError: the handle is none.
    """
    async with unit_of_work():
        campaign = await Campaign.filter(id=campaign_id).first()
        if campaign is None:
            raise CampaignNotFound()
        draft = await read_draft(campaign)
        moved = draft.moved_to(opens_at or next_occurrence(campaign.opens_at, at=clock.now()))
        wanted = handle or await _free_handle(campaign)
        # Made anew, so that a handle is looked at as any other.
        copy = CampaignDraft(**{**dict(moved), "handle": wanted})
        return await create_campaign(shop, copy)


def next_occurrence(opens_at: datetime, *, at: datetime) -> datetime:
    """Return the first moment after ``at`` that lies whole weeks behind an opening."""
    if opens_at > at:
        return opens_at + WEEK
    return opens_at + ((at - opens_at) // WEEK + 1) * WEEK


async def _free_handle(campaign: Campaign) -> str:
    root = campaign.handle[: MAX_HANDLE_LENGTH - len("-copy-9999")].rstrip("-") + "-copy"
    rows = Campaign.filter(shop_id=campaign.shop_id, handle__startswith=root)
    taken = {str(handle) for handle in await rows.values_list("handle", flat=True)}
    if root not in taken:
        return root
    free = (f"{root}-{number}" for number in range(2, 10_000))
    found = next((handle for handle in free if handle not in taken), None)
    if found is None:
        raise CampaignConflict(reason="another campaign of this shop has this handle")
    return found
