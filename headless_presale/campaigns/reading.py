"""A campaign as it is judged: read from its rows, without changing a thing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from headless_presale.campaigns.errors import CampaignNotFound, CampaignNotPublishable
from headless_presale.campaigns.judging import (
    BatchPlan,
    CampaignPlan,
    Fault,
    ItemPlan,
    TermsPlan,
    find_faults,
    find_warnings,
)
from headless_presale.campaigns.models import (
    Campaign,
    CampaignItem,
    CampaignTerms,
    ProductionBatch,
)
from headless_presale.campaigns.rules import PaymentPlan, tiers_from_json
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.shops import ShopPolicies


@shielded
async def judge(
    campaign_id: UUID, default_locale: str, *, policies: ShopPolicies | None = None
) -> tuple[list[Fault], list[Fault]]:
    """Return what forbids publishing and what a merchant should know, without changing a thing.

    Raises:
        CampaignNotFound: there is none.
    """
    async with unit_of_work():
        campaign = await Campaign.filter(id=campaign_id).first()
        if campaign is None:
            raise CampaignNotFound()
        plan = await read_plan(campaign)
    return (
        find_faults(plan, at=clock.now(), default_locale=default_locale),
        find_warnings(plan, policies=policies or ShopPolicies()),
    )


async def check_times(
    campaign: Campaign, *, opens_at: datetime, closes_at: datetime, default_locale: str
) -> None:
    """Raise CampaignNotPublishable, with every fault, if other times bring a campaign any.

    What it lacks already, it lacks at these times or at others.
    """
    at = clock.now()
    plan = await read_plan(campaign)
    moved = replace(plan, opens_at=opens_at, closes_at=closes_at)
    known = find_faults(plan, at=at, default_locale=default_locale)
    found = find_faults(moved, at=at, default_locale=default_locale)
    if faults := [fault for fault in found if fault not in known]:
        raise CampaignNotPublishable(faults=faults)


async def read_plan(campaign: Campaign) -> CampaignPlan:
    """Return all of a campaign that is judged."""
    return plan_of(campaign, *await read_rows(campaign))


async def read_rows(
    campaign: Campaign,
) -> tuple[list[CampaignItem], list[ProductionBatch], CampaignTerms | None]:
    """Return a campaign's items and their batches, each in their order, and its latest terms."""
    items = await CampaignItem.filter(campaign_id=campaign.id).order_by("position")
    batches = await ProductionBatch.filter(item_id__in=[item.id for item in items]).order_by(
        "position"
    )
    return items, batches, await latest_terms(campaign)


async def latest_terms(campaign: Campaign) -> CampaignTerms | None:
    """Return the last version of a campaign's terms, in force or not; None if it has none."""
    return await CampaignTerms.filter(campaign_id=campaign.id).order_by("-version").first()


def plan_of(
    campaign: Campaign,
    items: Sequence[CampaignItem],
    batches: Sequence[ProductionBatch],
    terms: CampaignTerms | None,
) -> CampaignPlan:
    """Put together what is judged; items and batches in their order, terms the latest.

    A batch counts with every number it may ever sell: those taken away can be put back.
    """
    return CampaignPlan(
        opens_at=campaign.opens_at,
        closes_at=campaign.closes_at,
        payment_plan=PaymentPlan.from_json(campaign.payment_plan),
        items=[
            ItemPlan(
                price_minor=item.price_minor,
                tiers=tiers_from_json(item.price_tiers),
                limit_per_customer=item.limit_per_customer,
                batches=[
                    BatchPlan(
                        capacity=batch.last_number - batch.first_number + 1,
                        ships_by=batch.ships_by,
                    )
                    for batch in batches
                    if batch.item_id == item.id
                ],
            )
            for item in items
        ],
        terms=TermsPlan(
            ships_by=terms.ships_by,
            refund_policy=terms.refund_policy,
            cancel_conditions=terms.cancel_conditions,
        )
        if terms
        else None,
    )
