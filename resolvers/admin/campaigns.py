"""A merchant's campaigns: lists, one with all of it, what hinders it, what was agreed."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from headless_presale.campaigns import (
    Campaign,
    CampaignFilter,
    CampaignItem,
    CampaignSort,
    CampaignStatus,
    CampaignTerms,
    Fault,
    TermsChange,
    TermsNotFound,
    compare_terms,
    count_campaigns,
    find_faults,
    find_warnings,
    is_handle,
    list_campaigns,
    plan_of,
    position_of,
)
from headless_presale.campaigns.judging import CampaignPlan
from headless_presale.orders import (
    CancelPreview,
    ClosePreview,
    preview_cancellation,
    preview_close,
)
from headless_presale.shops import Shop, ShopPolicies
from resolvers.context import RequestContext
from resolvers.errors import ArgumentInvalid, reads
from resolvers.global_ids import read_argument_id
from resolvers.paging import (
    CursorCodec,
    Page,
    PageRequest,
    moment_cursors,
    page_by_id,
    paginate,
)

CURSORS = {sort: moment_cursors(f"campaigns-by-{sort.lower()}") for sort in CampaignSort}
TERMS_CURSORS: CursorCodec[UUID] = CursorCodec("terms", str, UUID)


@reads
async def page_of_campaigns(
    context: RequestContext,
    shop: Shop,
    request: PageRequest,
    *,
    statuses: Sequence[CampaignStatus] = (),
    search: str = "",
    sort: CampaignSort = CampaignSort.OPENS_AT,
    is_descending: bool = True,
) -> Page[Campaign]:
    """Return campaigns of a shop, drafts included."""
    wanted = CampaignFilter(shop_id=shop.id, at=context.at, statuses=statuses, search=search)

    return await paginate(
        request,
        partial(list_campaigns, wanted, sort=sort, is_descending=is_descending),
        key=lambda campaign: position_of(campaign, sort),
        cursors=CURSORS[sort],
        count=lambda: count_campaigns(wanted),
    )


@reads
async def find_campaign(shop: Shop, *, id: str | None, handle: str | None) -> Campaign | None:
    """Return a campaign of the shop by its id or its handle; None if there is none.

    Raises:
        ArgumentInvalid: neither was given, or both, or the id is not one.
    """
    rows = Campaign.filter(shop_id=shop.id)
    if id is not None and handle is None:
        return await rows.filter(id=read_argument_id(id, "Campaign")).first()
    if handle is not None and id is None:
        return await rows.filter(handle=handle).first() if is_handle(handle) else None
    raise ArgumentInvalid("Give 'id' or 'handle', one of the two.")


async def items_of(context: RequestContext, campaign: Campaign) -> list[CampaignItem]:
    """Return the items of a campaign in their order, each with its variant and product."""
    return await context.loaders.campaign_items.load(campaign.id)


async def current_terms(context: RequestContext, campaign: Campaign) -> CampaignTerms | None:
    """Return the terms in force; of a draft those that publishing would put in force."""
    if campaign.status is CampaignStatus.DRAFT or campaign.terms_version is None:
        return await context.loaders.latest_terms.load(campaign.id)
    return await context.loaders.terms.load((campaign.id, campaign.terms_version))


async def faults_of(context: RequestContext, campaign: Campaign, shop: Shop) -> list[Fault]:
    """Return what hinders publishing; nothing of a campaign that is no draft."""
    if campaign.status is not CampaignStatus.DRAFT:
        return []
    plan = await _plan(context, campaign)
    return find_faults(plan, at=context.at, default_locale=shop.default_locale)


async def warnings_of(context: RequestContext, campaign: Campaign, shop: Shop) -> list[Fault]:
    """Return what the merchant should know but may do, by the numbers of the shop."""
    plan = await _plan(context, campaign)
    return find_warnings(plan, policies=ShopPolicies.from_json(shop.policies))


async def _plan(context: RequestContext, campaign: Campaign) -> CampaignPlan:
    items = await items_of(context, campaign)
    batches = await context.loaders.batches_of.load_many([item.id for item in items])
    terms = await context.loaders.latest_terms.load(campaign.id)
    return plan_of(campaign, items, [batch for some in batches for batch in some], terms)


@reads
async def page_of_terms(campaign: Campaign, request: PageRequest) -> Page[CampaignTerms]:
    """Return the versions of a campaign's terms, the latest first."""
    rows = CampaignTerms.filter(campaign_id=campaign.id)
    return await page_by_id(rows, request, cursors=TERMS_CURSORS)


@reads
async def terms_diff(campaign: Campaign, *, older: int, newer: int) -> list[TermsChange]:
    """Return where two versions of the terms differ.

    Raises:
        ArgumentInvalid: one of them does not exist.
    """
    try:
        return await compare_terms(campaign.id, older=older, newer=newer)
    except TermsNotFound as error:
        raise ArgumentInvalid(f"There is no version {error.params['version']}.") from None


@reads
async def cancel_preview(campaign: Campaign) -> CancelPreview:
    """Return what calling the campaign off would do now."""
    return await preview_cancellation(campaign.id)


@reads
async def close_preview(campaign: Campaign) -> ClosePreview:
    """Return what stays open when the campaign closes now."""
    return await preview_close(campaign.id)
