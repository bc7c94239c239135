"""Calling a campaign off as its merchant was shown it: not if it has grown meanwhile."""

from dataclasses import dataclass
from uuid import UUID

from headless_presale.campaigns import (
    Campaign,
    CampaignCancelled,
    CampaignStatus,
    cancel_campaign,
    lock_campaign,
)
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders.errors import CancelPreviewOutdated
from headless_presale.orders.tallies import read_cancel_preview


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffCampaign:
    """A campaign to cancel.

    Attributes:
        reason: what buyers are told.
        expected_orders, expected_refund_minor: what the preview said.
        version: the campaign's, as it was read; None for what is there now.
    """

    campaign_id: UUID
    reason: str
    expected_orders: int
    expected_refund_minor: int
    version: int | None = None


@shielded
async def call_off_campaign(command: CallOffCampaign) -> Campaign:
    """Cancel a campaign if it costs no more than was expected. Repeating changes nothing.

    Its pools are closed first and orders under way are waited for, so no order can come behind
    the count. A payment that is captured between the count and the refunds is refunded as well.

    Raises:
        CampaignNotFound, VersionConflict, InvalidInput: as ``cancel_campaign``.
        CancelPreviewOutdated: there are more orders, or more is to be refunded; nothing has
            changed.
    """
    async with unit_of_work() as work:
        campaign = await lock_campaign(command.campaign_id)
        if campaign.status is CampaignStatus.CANCELLED:
            return campaign
        campaign = await cancel_campaign(
            command.campaign_id, reason=command.reason, version=command.version
        )
        now = await read_cancel_preview(work, campaign.id)
        if now.orders > command.expected_orders or now.refund_minor > command.expected_refund_minor:
            raise CancelPreviewOutdated(orders=now.orders, preview=now, currency=campaign.currency)
    return campaign


async def refund_campaign(event: CampaignCancelled) -> None:
    """Have every order of a cancelled campaign cancelled and refunded."""
    await defer(
        "orders:cancel_campaign",
        campaign_id=str(event.campaign_id),
        reason=event.reason,
        lock=f"orders:cancel_campaign:{event.campaign_id}",
    )
