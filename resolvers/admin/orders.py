"""A merchant's orders: lists of several shops, one order with all that belongs to it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from uuid import UUID

from headless_presale.campaigns.snapshot import BatchSnapshot
from headless_presale.kernel.money import MAX_AMOUNT_MINOR
from headless_presale.orders import (
    LineView,
    OrderCount,
    OrderFilter,
    OrderSort,
    OrderStatus,
    OrderView,
    Position,
    count_orders,
    find_order_by_number,
    find_order_of,
    list_orders,
    position_of,
)
from headless_presale.shops import Shop
from resolvers.context import RequestContext
from resolvers.errors import ArgumentInvalid, reads
from resolvers.global_ids import find_uuid, read_argument_id
from resolvers.paging import (
    CursorCodec,
    Page,
    PageRequest,
    keyed_cursors,
    paginate,
    read_iso_moment,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuestion:
    """Which orders are wanted; what is None does not matter.

    Attributes:
        shop_ids: global ids of shops; one that is not the caller's has no orders.
        campaign_id: a global id.
        placed_from, placed_until: placed at the first or later, and before the second.
        total_from_minor, total_until_minor: of these totals, both included.
        search: what the number, the e-mail address or the buyer's name begins with.
    """

    shop_ids: Sequence[str] | None = None
    statuses: Collection[OrderStatus] | None = None
    campaign_id: str | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = None
    total_from_minor: int | None = None
    total_until_minor: int | None = None
    search: str | None = None
    sort: OrderSort = OrderSort.PLACED_AT
    is_descending: bool = True

    @property
    def compares_totals(self) -> bool:
        """Whether it asks which of two totals is more."""
        return self.sort is OrderSort.TOTAL or not (
            self.total_from_minor is None and self.total_until_minor is None
        )

    def filter(self, own_shop_ids: Collection[UUID]) -> OrderFilter:
        """Return it as orders take it, limited to these shops.

        Raises:
            ArgumentInvalid: ``ID_INVALID``: an id of something else.
        """
        shop_ids = set(own_shop_ids)
        if self.shop_ids is not None:
            shop_ids &= {read_argument_id(text, "Shop") for text in self.shop_ids}
        campaign_id = None
        if self.campaign_id is not None:
            campaign_id = read_argument_id(self.campaign_id, "Campaign")
        return OrderFilter(
            shop_ids=shop_ids,
            statuses=self.statuses or (),
            campaign_id=campaign_id,
            placed_from=self.placed_from,
            placed_until=self.placed_until,
            total_from_minor=self.total_from_minor,
            total_until_minor=self.total_until_minor,
            search=self.search or "",
        )


Counting = Callable[[], Awaitable[OrderCount]]


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders, and what counts the whole list: once, however often it is asked."""

    page: Page[OrderView]
    count: Counting


def _read_total(text: str) -> int:
    total = int(text)
    if not 0 <= total <= MAX_AMOUNT_MINOR:
        raise ValueError("not a total")
    return total


CURSORS: Mapping[OrderSort, CursorCodec[Position]] = {
    OrderSort.PLACED_AT: keyed_cursors(
        f"orders-{OrderSort.PLACED_AT}", read_iso_moment, datetime.isoformat
    ),
    OrderSort.TOTAL: keyed_cursors(f"orders-{OrderSort.TOTAL}", _read_total),
}
"""By what a list is sorted by; they are good in both directions."""


@reads
async def page_of_orders(
    context: RequestContext,
    shops: Sequence[Shop],
    question: OrderQuestion,
    request: PageRequest,
) -> OrderPage:
    """Return orders of these shops.

    Args:
        shops: some that the caller may touch.

    Raises:
        ArgumentInvalid: a filter cannot be used, or totals of several currencies are compared.
    """
    wanted = question.filter([shop.id for shop in shops])
    currencies = {shop.currency for shop in shops if shop.id in wanted.shop_ids}
    if question.compares_totals and len(currencies) > 1:
        raise ArgumentInvalid(
            "Totals in different currencies cannot be compared: ask for shops of one currency."
        )

    @cache
    def counted() -> Awaitable[OrderCount]:
        return asyncio.ensure_future(_count(wanted))

    async def count() -> int:
        return (await counted()).count

    page = await paginate(
        request,
        partial(list_orders, wanted, sort=question.sort, is_descending=question.is_descending),
        key=lambda order: position_of(order, question.sort),
        cursors=CURSORS[question.sort],
        count=count,
    )
    for shop in shops:
        context.loaders.shops.prime(shop.id, shop)
    return OrderPage(page, counted)


@reads
async def _count(wanted: OrderFilter) -> OrderCount:
    return await count_orders(wanted)


@reads
async def find_order(
    context: RequestContext, shop: Shop, *, order_id: str | None, number: str | None
) -> OrderView | None:
    """Return an order of a shop by its id or its number; None for every other.

    Raises:
        ArgumentInvalid: not exactly one of the two is given.
    """
    context.loaders.shops.prime(shop.id, shop)
    if order_id is not None and number is None:
        uuid = find_uuid(order_id, "Order")
        return None if uuid is None else await find_order_of([shop.id], uuid)
    if number is not None and order_id is None:
        return await find_order_by_number([shop.id], number)
    raise ArgumentInvalid("Give 'id' or 'number', one of them.")


@dataclass(frozen=True, slots=True)
class SlotsOfBatch:
    """Slots of a line that one production batch makes; ``position`` counts from 1."""

    batch: BatchSnapshot
    position: int
    numbers: tuple[int, ...]


async def batches_of(
    context: RequestContext, order: OrderView, line: LineView
) -> list[SlotsOfBatch]:
    """Return the batches that make a line, in the order of their numbers."""
    campaign = await context.loaders.campaigns.load(order.campaign_id)
    item = campaign.item(line.item_id) if campaign is not None else None
    if item is None:
        return []
    found = []
    for position, batch in enumerate(item.batches, start=1):
        numbers = tuple(n for n in line.numbers if batch.first_number <= n <= batch.last_number)
        if numbers:
            found.append(SlotsOfBatch(batch, position, numbers))
    return found
