"""What one request loads, each thing once and everything of one kind in one statement.

Loaders live as long as their request: a longer life would show one caller what another may see,
and yesterday's numbers as today's.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader
from tortoise.models import Model

from headless_presale.campaigns import (
    CampaignItem,
    CampaignSnapshot,
    CampaignStatus,
    CampaignTerms,
    ProductionBatch,
    find_snapshots,
)
from headless_presale.catalog import (
    Product,
    ProductMedia,
    ProductOption,
    ProductVariant,
    find_products,
    find_variants,
    list_media,
    list_options,
    list_variants,
)
from headless_presale.identity import Account, OAuthClient
from headless_presale.kernel import clock
from headless_presale.kernel.events import EventRecord
from headless_presale.media import count_uses
from headless_presale.notify_me import WatcherCount, count_watchers
from headless_presale.orders import (
    MerchantRefund,
    OrderNote,
    OrderView,
    Tally,
    find_order,
    tally_campaigns,
    tally_items,
)
from headless_presale.payments import Booking, Payment, list_bookings
from headless_presale.shops import Shop
from headless_presale.slots import SlotPool, count_available
from headless_presale.webhooks import WebhookAttempt
from resolvers.errors import reads
from resolvers.loader import Loader

K = TypeVar("K")
V = TypeVar("V")
M = TypeVar("M", bound=Model)

TermsKey = tuple[UUID, int]
"""A campaign and a version of its terms."""


class Loaders:
    """The loaders of one request, each made when it is first asked.

    What does not exist loads as None, or as an empty list.
    """

    @cached_property
    def shops(self) -> DataLoader[UUID, Shop | None]:
        return DataLoader(load_fn=_load_shops)

    @cached_property
    def products(self) -> DataLoader[UUID, Product | None]:
        return DataLoader(load_fn=_load_products)

    @cached_property
    def variants(self) -> DataLoader[UUID, ProductVariant | None]:
        return DataLoader(load_fn=_load_variants)

    @cached_property
    def variants_of(self) -> DataLoader[UUID, list[ProductVariant]]:
        return DataLoader(load_fn=_load_variants_of)

    @cached_property
    def options_of(self) -> DataLoader[UUID, list[ProductOption]]:
        return DataLoader(load_fn=_load_options_of)

    @cached_property
    def media_of(self) -> DataLoader[UUID, list[ProductMedia]]:
        return DataLoader(load_fn=_load_media_of)

    @cached_property
    def media_uses(self) -> DataLoader[UUID, int]:
        """By how many products a merchant's picture is shown."""
        return DataLoader(load_fn=_load_media_uses)

    @cached_property
    def campaigns(self) -> Loader[UUID, CampaignSnapshot | None]:
        return Loader(load_fn=_load_campaigns)

    @cached_property
    def terms(self) -> DataLoader[TermsKey, CampaignTerms | None]:
        return DataLoader(load_fn=_load_terms)

    @cached_property
    def latest_terms(self) -> DataLoader[UUID, CampaignTerms | None]:
        """The highest version by campaign, in force or not."""
        return DataLoader(load_fn=_load_latest_terms)

    @cached_property
    def campaign_items(self) -> DataLoader[UUID, list[CampaignItem]]:
        """Items in their order by campaign, each with its variant and product."""
        return DataLoader(load_fn=_load_campaign_items)

    @cached_property
    def batches_of(self) -> DataLoader[UUID, list[ProductionBatch]]:
        """Batches in their order by item."""
        return DataLoader(load_fn=_load_batches_of)

    @cached_property
    def pools(self) -> DataLoader[UUID, SlotPool | None]:
        return DataLoader(load_fn=_load_pools)

    @cached_property
    def campaign_tallies(self) -> DataLoader[UUID, Tally | None]:
        """What orders have of a campaign."""
        return DataLoader(load_fn=_load_campaign_tallies)

    @cached_property
    def campaign_watchers(self) -> DataLoader[UUID, WatcherCount | None]:
        """How many wait for a campaign."""
        return DataLoader(load_fn=_load_campaign_watchers)

    @cached_property
    def item_tallies(self) -> DataLoader[UUID, Tally | None]:
        """What orders have of a campaign item."""
        return DataLoader(load_fn=_load_item_tallies)

    @cached_property
    def offers_of(self) -> DataLoader[UUID, list[UUID]]:
        """Campaigns on sale or scheduled, by variant."""
        return DataLoader(load_fn=_load_offers_of)

    @cached_property
    def slots_left(self) -> Loader[UUID, int]:
        """Free slots by pool."""
        return Loader(load_fn=_load_slots_left)

    @cached_property
    def orders(self) -> DataLoader[UUID, OrderView | None]:
        return DataLoader(load_fn=_load_orders)

    @cached_property
    def payments_of(self) -> DataLoader[UUID, list[Payment]]:
        return DataLoader(load_fn=_load_payments_of)

    @cached_property
    def notes_of(self) -> DataLoader[UUID, list[OrderNote]]:
        """Notes by order, oldest first."""
        return DataLoader(load_fn=_load_notes_of)

    @cached_property
    def merchant_refunds_of(self) -> DataLoader[UUID, list[MerchantRefund]]:
        """What the merchant decided to give back, by order, oldest first."""
        return DataLoader(load_fn=_load_merchant_refunds_of)

    @cached_property
    def bookings_of(self) -> DataLoader[UUID, list[Booking]]:
        """What was booked, by order, oldest first."""
        return DataLoader(load_fn=_load_bookings_of)

    @cached_property
    def accounts(self) -> DataLoader[UUID, Account | None]:
        return DataLoader(load_fn=_load_accounts)

    @cached_property
    def api_clients(self) -> DataLoader[UUID, OAuthClient | None]:
        return DataLoader(load_fn=_load_api_clients)

    @cached_property
    def events(self) -> DataLoader[int, EventRecord | None]:
        return DataLoader(load_fn=_load_events)

    @cached_property
    def attempts_of(self) -> DataLoader[UUID, list[WebhookAttempt]]:
        """Requests by webhook delivery, the latest first."""
        return DataLoader(load_fn=_load_attempts_of)


def _one_each(
    find: Callable[[list[K]], Awaitable[Mapping[K, V]]],
) -> Callable[[list[K]], Awaitable[list[V | None]]]:
    @reads
    async def load(keys: list[K]) -> list[V | None]:
        found = await find(keys)
        return [found.get(key) for key in keys]

    return load


def _lists(
    find: Callable[[list[K]], Awaitable[Mapping[K, list[V]]]],
) -> Callable[[list[K]], Awaitable[list[list[V]]]]:
    @reads
    async def load(keys: list[K]) -> list[list[V]]:
        found = await find(keys)
        return [found.get(key, []) for key in keys]

    return load


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def _rows(model: type[M]) -> Callable[[list[Any]], Awaitable[Mapping[Any, M]]]:
    """Return what finds rows of a table by their ids."""

    async def find(ids: list[Any]) -> Mapping[Any, M]:
        return {row.pk: row for row in await model.filter(id__in=ids)}

    return find


@reads
async def _load_media_uses(media_ids: list[UUID]) -> list[int]:
    uses = await count_uses(media_ids)
    return [uses.get(media_id, 0) for media_id in media_ids]


async def _campaigns(campaign_ids: list[UUID]) -> Mapping[UUID, CampaignSnapshot]:
    return await find_snapshots(dict.fromkeys(campaign_ids))


async def _terms(keys: list[TermsKey]) -> Mapping[TermsKey, CampaignTerms]:
    found = await CampaignTerms.filter(
        campaign_id__in={campaign_id for campaign_id, _ in keys},
        version__in={version for _, version in keys},
    )
    return {(terms.campaign_id, terms.version): terms for terms in found}


async def _latest_terms(campaign_ids: list[UUID]) -> Mapping[UUID, CampaignTerms]:
    rows = await CampaignTerms.filter(campaign_id__in=campaign_ids).order_by("version")
    return {terms.campaign_id: terms for terms in rows}


async def _campaign_items(campaign_ids: list[UUID]) -> Mapping[UUID, list[CampaignItem]]:
    items = (
        await CampaignItem.filter(campaign_id__in=campaign_ids)
        .order_by("campaign_id", "position")
        .select_related("variant__product")
    )
    return _grouped((item.campaign_id, item) for item in items)


async def _batches(item_ids: list[UUID]) -> Mapping[UUID, list[ProductionBatch]]:
    batches = await ProductionBatch.filter(item_id__in=item_ids).order_by("item_id", "position")
    return _grouped((batch.item_id, batch) for batch in batches)


async def _offers(variant_ids: list[UUID]) -> Mapping[UUID, list[UUID]]:
    return _grouped(
        await CampaignItem.filter(
            variant_id__in=variant_ids,
            campaign__status__in=(CampaignStatus.SCHEDULED, CampaignStatus.LIVE),
            campaign__closes_at__gt=clock.now(),
        ).values_list("variant_id", "campaign_id")
    )


@reads
async def _load_slots_left(pool_ids: list[UUID]) -> list[int]:
    counts = await count_available(pool_ids)
    return [counts[pool_id] for pool_id in pool_ids]


async def _orders(order_ids: list[UUID]) -> Mapping[UUID, OrderView]:
    # A request is about one order: a guest has one token.
    found = [await find_order(order_id) for order_id in order_ids]
    return {order.id: order for order in found if order is not None}


async def _payments(order_ids: list[UUID]) -> Mapping[UUID, list[Payment]]:
    payments = (
        await Payment.filter(order_id__in=order_ids)
        .order_by("created_at", "id")
        .prefetch_related("refunds")
    )
    return _grouped((payment.order_id, payment) for payment in payments)


async def _notes(order_ids: list[UUID]) -> Mapping[UUID, list[OrderNote]]:
    notes = await OrderNote.filter(order_id__in=order_ids).order_by("at", "id")
    return _grouped((note.order_id, note) for note in notes)


async def _merchant_refunds(order_ids: list[UUID]) -> Mapping[UUID, list[MerchantRefund]]:
    refunds = await MerchantRefund.filter(order_id__in=order_ids).order_by("created_at", "id")
    return _grouped((refund.order_id, refund) for refund in refunds)


async def _bookings(order_ids: list[UUID]) -> Mapping[UUID, list[Booking]]:
    bookings = await list_bookings(order_ids)
    return _grouped((booking.order_id, booking) for booking in bookings)


async def _attempts(delivery_ids: list[UUID]) -> Mapping[UUID, list[WebhookAttempt]]:
    # Some ten of each: a delivery is given up after that, or is replayed by hand.
    attempts = await WebhookAttempt.filter(delivery_id__in=delivery_ids).order_by("-id")
    return _grouped((attempt.delivery_id, attempt) for attempt in attempts)


_load_shops = _one_each(_rows(Shop))
_load_products = _one_each(find_products)
_load_variants = _one_each(find_variants)
_load_variants_of = _lists(list_variants)
_load_options_of = _lists(list_options)
_load_media_of = _lists(list_media)
_load_campaigns = _one_each(_campaigns)
_load_terms = _one_each(_terms)
_load_latest_terms = _one_each(_latest_terms)
_load_campaign_items = _lists(_campaign_items)
_load_batches_of = _lists(_batches)
_load_pools = _one_each(_rows(SlotPool))
_load_campaign_tallies = _one_each(tally_campaigns)
_load_campaign_watchers = _one_each(count_watchers)
_load_item_tallies = _one_each(tally_items)
_load_offers_of = _lists(_offers)
_load_orders = _one_each(_orders)
_load_payments_of = _lists(_payments)
_load_notes_of = _lists(_notes)
_load_merchant_refunds_of = _lists(_merchant_refunds)
_load_bookings_of = _lists(_bookings)
_load_accounts = _one_each(_rows(Account))
_load_api_clients = _one_each(_rows(OAuthClient))
_load_events = _one_each(_rows(EventRecord))
_load_attempts_of = _lists(_attempts)
