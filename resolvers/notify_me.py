"""The notify-me list: storefronts put people on it, merchants see how long it is."""

from dataclasses import dataclass
from uuid import UUID

from headless_presale.campaigns import CampaignSnapshot
from headless_presale.customers import Customer
from headless_presale.kernel.locales import read_locale
from headless_presale.notify_me import Awaited, NotifyMe, WatcherCount, list_awaited, notify_me
from headless_presale.shops import Shop
from resolvers.campaigns import find_public_campaign
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.mutations import mutate


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMeForm:
    """A wish as a client sent it."""

    campaign_id: str
    email: str
    locale: str | None
    consent: bool
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """A place on a campaign's list."""

    awaited: Awaited
    campaign: CampaignSnapshot
    shop: Shop


async def ask(context: RequestContext, form: NotifyMeForm) -> Answer[bool]:
    """Put somebody on a campaign's list; answer whether the shop has people confirm by mail."""
    return await mutate(context, _ask(context, form))


async def _ask(context: RequestContext, form: NotifyMeForm) -> bool:
    campaign_id = read_input_id(form.campaign_id, "Campaign", ("campaign_id",))
    if await context.shops.are_guarded():
        await find_public_campaign(context, campaign_id)
    locale = context.locale if form.locale is None else read_locale(form.locale, ("locale",))
    wish = NotifyMe(
        campaign_id=campaign_id,
        email=form.email,
        locale=locale,
        has_consented=form.consent,
        source=form.source or "",
    )
    return await notify_me(wish, asked_from=context.source)


@reads
async def list_of(context: RequestContext, customer: Customer) -> list[Awaiting]:
    """Return which campaigns a customer waits for, the next opening first."""
    if customer.email is None:
        return []
    shop = await context.loaders.shops.load(customer.shop_id)
    awaited = await list_awaited(customer.shop_id, customer.email)
    found = await context.loaders.campaigns.load_many([each.campaign_id for each in awaited])
    return [
        Awaiting(awaited=each, campaign=campaign, shop=shop)
        for each, campaign in zip(awaited, found, strict=True)
        if campaign is not None and shop is not None
    ]


async def count_of(context: RequestContext, campaign_id: UUID) -> WatcherCount:
    """Return how many wait for a campaign."""
    return await context.loaders.campaign_watchers.load(campaign_id) or WatcherCount()
