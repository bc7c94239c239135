"""What sold when."""

from datetime import datetime

from headless_presale.analytics import (
    Funnel,
    SalesChart,
    SalesInterval,
    read_funnel,
    read_sales,
)
from headless_presale.campaigns import Campaign, CampaignNotFound
from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops import Shop
from resolvers.errors import ArgumentInvalid, reads
from resolvers.global_ids import read_argument_id


@reads
async def find_sales(
    shop: Shop,
    *,
    begins_at: datetime,
    ends_at: datetime,
    by: SalesInterval,
    campaign_id: str | None,
) -> SalesChart | None:
    """Return the sales of a shop the caller may see; None if it has no such campaign.

    Raises:
        ArgumentInvalid: the time is empty or too long, or the id is none.
    """
    campaign = None if campaign_id is None else read_argument_id(campaign_id, "Campaign")
    try:
        return await read_sales(
            shop, begins_at=begins_at, ends_at=ends_at, by=by, campaign_id=campaign
        )
    except CampaignNotFound:
        return None
    except InvalidInput as error:
        raise _invalid(error) from None


@reads
async def find_funnel(campaign: Campaign, *, begins_at: datetime, ends_at: datetime) -> Funnel:
    """Return the funnel of a campaign the caller may see.

    Raises:
        ArgumentInvalid: the time is empty, or none to ask for.
    """
    try:
        return await read_funnel(campaign.id, begins_at=begins_at, ends_at=ends_at)
    except InvalidInput as error:
        raise _invalid(error) from None


def _invalid(error: InvalidInput) -> ArgumentInvalid:
    return ArgumentInvalid(f"'{error.field[0]}' cannot be used: {error}.")
