"""A shop and the lists that hang below it."""

from collections.abc import Collection, Sequence
from functools import partial
from uuid import UUID

from headless_presale.campaigns import (
    CampaignFilter,
    CampaignSnapshot,
    CampaignStatus,
    count_campaigns,
    find_snapshot_at,
    is_handle,
    list_snapshots,
)
from headless_presale.catalog import (
    Product,
    ProductNotFound,
    count_products,
    get_product,
    list_products,
)
from headless_presale.shops import Shop
from resolvers.campaigns import is_public
from resolvers.context import RequestContext
from resolvers.errors import reads
from resolvers.paging import CursorCodec, Moment, Page, PageRequest, moment_cursors, paginate

PRODUCT_CURSORS: CursorCodec[UUID] = CursorCodec("products", str, UUID)
CAMPAIGN_CURSORS = moment_cursors("campaigns")


async def find_shop(context: RequestContext, slug: str) -> Shop | None:
    """Return the shop at an address, or None."""
    context.allow_reuse()
    shop = await context.shops.find(slug)
    if shop is not None:
        context.loaders.shops.prime(shop.id, shop)
    return shop


@reads
async def find_product(shop: Shop, handle: str) -> Product | None:
    """Return a published product of the shop, or None."""
    try:
        return await get_product(shop.id, handle)
    except ProductNotFound:
        return None


@reads
async def page_of_products(shop: Shop, request: PageRequest) -> Page[Product]:
    """Return a page of the shop's published products, oldest first."""

    async def source(
        *, limit: int, after: UUID | None, before: UUID | None, from_end: bool
    ) -> Sequence[Product]:
        return await list_products(
            shop.id,
            first=None if from_end else limit,
            last=limit if from_end else None,
            after_id=after,
            before_id=before,
        )

    return await paginate(
        request,
        source,
        key=lambda product: product.id,
        cursors=PRODUCT_CURSORS,
        count=lambda: count_products(shop.id),
    )


@reads
async def find_campaign(
    context: RequestContext, shop: Shop, handle: str
) -> CampaignSnapshot | None:
    """Return a published campaign of the shop, or None."""
    if not is_handle(handle):
        return None
    campaign = await find_snapshot_at(shop.id, handle)
    if campaign is None or not is_public(campaign):
        return None
    context.loaders.campaigns.prime(campaign.id, campaign)
    await context.shops.check_id(shop.id)
    return campaign


@reads
async def page_of_campaigns(
    context: RequestContext,
    shop: Shop,
    statuses: Collection[CampaignStatus] | None,
    request: PageRequest,
) -> Page[CampaignSnapshot]:
    """Return a page of the shop's published campaigns, the latest opening first.

    Args:
        statuses: any of these, by the clock; empty or None for any at all.
    """
    wanted = CampaignFilter(
        shop_id=shop.id, at=context.at, statuses=statuses or (), is_published=True
    )
    listed = partial(list_snapshots, shop.id, statuses=wanted.statuses, at=wanted.at)

    async def source(
        *, limit: int, after: Moment | None, before: Moment | None, from_end: bool
    ) -> Sequence[CampaignSnapshot]:
        if not from_end:
            return await listed(limit=limit, after=after, before=before)
        # The last rows of a descending list are the first of the ascending one.
        found = await listed(limit=limit, after=before, before=after, newest_first=False)
        return found[::-1]

    page = await paginate(
        request,
        source,
        key=lambda campaign: (campaign.opens_at, campaign.id),
        cursors=CAMPAIGN_CURSORS,
        count=lambda: count_campaigns(wanted),
    )
    context.loaders.campaigns.tell({campaign.id: campaign for campaign in page.rows})
    return page
