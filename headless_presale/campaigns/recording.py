"""A campaign that is being changed: locked, saved under its next version, written into the log."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from headless_presale.campaigns import snapshot
from headless_presale.campaigns.errors import CampaignNotFound, CampaignNotOpen
from headless_presale.campaigns.models import Campaign
from headless_presale.campaigns.states import CampaignStatus, status_at
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.kernel.versions import check_version


async def lock_campaign(campaign_id: UUID, *, against_orders: bool = False) -> Campaign:
    """Return the campaign with its row locked until the transaction ends.

    Not for its key: orders that refer to the campaign go on being placed meanwhile, unless they
    are locked out too. Those under way are then waited for.

    Raises:
        CampaignNotFound: there is none.
    """
    rows = Campaign.filter(id=campaign_id).select_for_update(no_key=not against_orders)
    campaign = await rows.first()
    if campaign is None:
        raise CampaignNotFound()
    return campaign


def check_read(
    campaign: Campaign,
    version: int | None,
    *,
    yours: Mapping[str, object],
    stored: Mapping[str, object] | None = None,
) -> None:
    """Raise VersionConflict unless the locked campaign is of the version that was read.

    Args:
        version: None for whoever changes what is there now, as the command line does.
        yours, stored: by field in the API's spelling; ``stored`` is the campaign's own by default.
    """
    if version is not None:
        known = facts_of(campaign) if stored is None else stored
        check_version(expected=version, current=campaign.version, yours=yours, stored=known)


async def save_change(
    work: UnitOfWork,
    campaign: Campaign,
    action: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write a locked campaign under its next version, with the entry of the log.

    Args:
        action: noun and verb, ``campaign.extend``.
        before, after: what the log compares; ``after`` is what the campaign is now by default.
    """
    campaign.version += 1
    await campaign.save()
    reach("campaigns.written")
    await record_campaign(
        work, campaign, action, before=before, after=facts_of(campaign) if after is None else after
    )
    forget_after(work, [campaign.id])


async def record_campaign(
    work: UnitOfWork,
    campaign: Campaign,
    action: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Write a change into the log of the campaign's shop."""
    await record_change(
        work,
        action=action,
        owner_id=campaign.shop_id,
        subject_type="Campaign",
        subject_id=campaign.id,
        subject_label=campaign.handle,
        before=before,
        after=after,
    )


def facts_of(campaign: Campaign) -> dict[str, object]:
    """Return what the log and a conflict name of a campaign, in the API's spelling."""
    return {
        "handle": campaign.handle,
        "title": campaign.title,
        "story": campaign.story,
        "translations": campaign.translations,
        "status": campaign.status,
        "opensAt": campaign.opens_at,
        "closesAt": campaign.closes_at,
        "paymentPlan": campaign.payment_plan,
        "cancelPolicy": campaign.cancel_policy,
        "holdSeconds": campaign.hold_seconds,
        "termsVersion": campaign.terms_version,
        "cancelReason": campaign.cancel_reason,
    }


def status_of(campaign: Campaign) -> CampaignStatus:
    """Return where a campaign stands now, by the clock."""
    return status_at(
        campaign.status,
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        at=clock.now(),
    )


def refuse_if_over(campaign: Campaign) -> None:
    """Raise CampaignNotOpen for a campaign that will sell nothing more."""
    status = status_of(campaign)
    if status in (CampaignStatus.CLOSED, CampaignStatus.CANCELLED):
        raise CampaignNotOpen(status=str(status))


def forget_after(work: UnitOfWork, campaign_ids: Sequence[UUID]) -> None:
    """Drop cached snapshots and wake their followers once the change is committed."""

    async def forget() -> None:
        for campaign_id in campaign_ids:
            snapshot.forget(campaign_id)

    work.after_commit(forget)
    for campaign_id in campaign_ids:
        work.wake(f"availability:{campaign_id}")
