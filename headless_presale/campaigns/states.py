"""The life of a campaign."""

from datetime import datetime
from enum import StrEnum

from headless_presale.kernel.lifecycle import Lifecycle


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    LIVE = "LIVE"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


CAMPAIGN_LIFECYCLE = Lifecycle(
    "campaign",
    {
        CampaignStatus.DRAFT: {CampaignStatus.SCHEDULED, CampaignStatus.CANCELLED},
        # Published. It opens by the clock, never by hand: the promise to buyers is the moment.
        # Until then it may be taken back: nobody can have ordered.
        CampaignStatus.SCHEDULED: {
            CampaignStatus.DRAFT,
            CampaignStatus.LIVE,
            CampaignStatus.CANCELLED,
        },
        CampaignStatus.LIVE: {CampaignStatus.CLOSED, CampaignStatus.CANCELLED},
        # After the close there are still balances and deliveries to call off.
        CampaignStatus.CLOSED: {CampaignStatus.CANCELLED},
        CampaignStatus.CANCELLED: set(),
    },
    initial=CampaignStatus.DRAFT,
)


def status_at(
    recorded: CampaignStatus, *, opens_at: datetime, closes_at: datetime, at: datetime
) -> CampaignStatus:
    """Return the status that holds at a moment, whatever the sweep has recorded so far.

    The clock opens and closes a campaign; the sweep only writes it down and tells others. So a
    worker that is late, or down, neither delays an opening nor prolongs a sale.
    """
    if recorded in (CampaignStatus.SCHEDULED, CampaignStatus.LIVE):
        if at >= closes_at:
            return CampaignStatus.CLOSED
        if at >= opens_at:
            return CampaignStatus.LIVE
        return CampaignStatus.SCHEDULED
    return recorded
