"""Orders of shops as lists: filtered, searched, sorted by a key that an index has.

A list is read from an index in its own order, and a page costs what it shows, however far back it
lies. Where several states are asked for, each is one such walk, and their heads are merged. A
search walks the index of each text it may mean: the number, the e-mail address, the name.

All of a list's values are known when it is planned: what serves a prefix that half of the orders
share does not serve one that two of them do.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headless_presale.kernel.ids import read_display_number
from headless_presale.kernel.texts import is_storable
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.orders.states import OrderStatus
from headless_presale.orders.view import OrderView, read_orders

COUNTED_AT_MOST = 10_000
"""How far a list is counted. Counting on costs more with every order; a page never does."""
LONGEST_SEARCH = 100

_PLAN_FOR_THESE_VALUES = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
_LIKE_SPECIAL = re.compile(r"([\\%_])")


class OrderSort(StrEnum):
    """What a list of orders is sorted by. Orders that are equal in it follow their ids."""

    PLACED_AT = "PLACED_AT"
    TOTAL = "TOTAL"


_COLUMNS = {OrderSort.PLACED_AT: "placed_at", OrderSort.TOTAL: "total_minor"}

Position = tuple[datetime | int, UUID]
"""Where an order stands in a list: its key, in the kind that the list is sorted by, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders are wanted; what is left out does not restrict.

    Attributes:
        shop_ids: whose. No shop, no order.
        statuses: any of these states.
        placed_from, placed_until: placed at the first or later, and before the second.
        total_from_minor, total_until_minor: of these totals, both included.
        search: what the number, the e-mail address or the name begins with; case does not count.
    """

    shop_ids: Collection[UUID]
    statuses: Collection[OrderStatus] = ()
    campaign_id: UUID | None = None
    placed_from: datetime | None = None
    placed_until: datetime | None = None
    total_from_minor: int | None = None
    total_until_minor: int | None = None
    search: str = ""


def position_of(order: OrderView, sort: OrderSort) -> Position:
    """Return where an order stands."""
    key = order.placed_at if sort is OrderSort.PLACED_AT else order.total.amount_minor
    return key, order.id


@shielded
async def list_orders(
    wanted: OrderFilter,
    *,
    sort: OrderSort = OrderSort.PLACED_AT,
    is_descending: bool = True,
    limit: int,
    after: Position | None = None,
    before: Position | None = None,
    from_end: bool = False,
) -> list[OrderView]:
    """Return at most ``limit`` orders strictly between two positions, in the order asked for.

    One statement, whatever the page. Totals are compared in minor units: a shop sells in one
    currency.

    Args:
        from_end: the last ones between the positions, not the first.
    """
    page = page_query(
        wanted,
        sort=sort,
        is_descending=is_descending,
        limit=limit,
        after=after,
        before=before,
        from_end=from_end,
    )
    if page is None:
        return []
    async with unit_of_work() as work:
        await _plan_for_these_values(work)
        return await read_orders(work, *page)


@dataclass(frozen=True, slots=True)
class OrderCount:
    """How many orders a list has; not exact where there are more than were counted."""

    count: int
    is_exact: bool


@shielded
async def count_orders(wanted: OrderFilter, *, at_most: int = COUNTED_AT_MOST) -> OrderCount:
    """Count the orders of a list, up to a bound."""
    counting = count_query(wanted, at_most=at_most)
    if counting is None:
        return OrderCount(0, is_exact=True)
    sql, args = counting
    async with unit_of_work() as work:
        await _plan_for_these_values(work)
        row = await work.fetchrow(sql, *args)
    assert row is not None
    return OrderCount(min(row["count"], at_most), is_exact=row["count"] <= at_most)


@shielded
async def find_order_by_number(shop_ids: Collection[UUID], text: str) -> OrderView | None:
    """Return the order of this number, as people write it; the latest if there are several."""
    number = read_display_number(text)
    if number is None or len(number) != len("XXXX-XXXX"):
        return None
    found = await list_orders(OrderFilter(shop_ids=shop_ids, search=number), limit=10)
    return next((order for order in found if order.number == number), None)


async def _plan_for_these_values(work: UnitOfWork) -> None:
    await work.execute(_PLAN_FOR_THESE_VALUES)


class _Arguments(list[object]):
    """The arguments of a statement; each is written as its placeholder."""

    def put(self, value: object) -> str:
        self.append(value)
        return f"${len(self)}"


def page_query(
    wanted: OrderFilter,
    *,
    sort: OrderSort,
    is_descending: bool,
    limit: int,
    after: Position | None = None,
    before: Position | None = None,
    from_end: bool = False,
) -> tuple[str, str, Sequence[object]] | None:
    """Return the page's ids as a query, the order of its rows, and the arguments.

    None where nothing can be in it.
    """
    args = _Arguments()
    column = _COLUMNS[sort]
    shared = _conditions(wanted, args)
    behind, ahead = ("<", ">") if is_descending else (">", "<")
    for position, sign in ((after, behind), (before, ahead)):
        if position is not None:
            key, order_id = position
            shared.append(f"(o.{column}, o.id) {sign} ({args.put(key)}, {args.put(order_id)})")
    told, asked = ("DESC", "ASC") if is_descending else ("ASC", "DESC")
    walked = asked if from_end else told
    bound = args.put(limit)
    walks = [
        f"(SELECT o.id, o.{column} AS key FROM sales_order o WHERE {' AND '.join(walk + shared)} "
        f"ORDER BY o.{column} {walked}, o.id {walked} LIMIT {bound})"
        for walk in _walks(wanted, args)
    ]
    if not walks:
        return None
    ids = (
        f"SELECT id, key FROM ({_union(wanted).join(walks)}) AS walk "
        f"ORDER BY key {walked}, id {walked} LIMIT {bound}"
    )
    return ids, f"page.key {told}, page.id {told}", args


def count_query(wanted: OrderFilter, *, at_most: int) -> tuple[str, Sequence[object]] | None:
    """Return what counts a list up to one more than a bound; None where nothing can be in it."""
    args = _Arguments()
    shared = _conditions(wanted, args)
    bound = args.put(at_most + 1)
    walks = [
        f"(SELECT o.id FROM sales_order o WHERE {' AND '.join(walk + shared)} LIMIT {bound})"
        for walk in _walks(wanted, args)
    ]
    if not walks:
        return None
    inner = _union(wanted).join(walks)
    return f"SELECT count(*) FROM (SELECT id FROM ({inner}) AS walk LIMIT {bound}) AS counted", args


def _union(wanted: OrderFilter) -> str:
    # An order may be found by its address and by its name; by one state only.
    return " UNION " if wanted.search.strip() else " UNION ALL "


def _conditions(wanted: OrderFilter, args: _Arguments) -> list[str]:
    """Return what every walk of the list has to meet."""
    compared: tuple[tuple[str, object], ...] = (
        ("o.placed_at >=", wanted.placed_from),
        ("o.placed_at <", wanted.placed_until),
        ("o.total_minor >=", wanted.total_from_minor),
        ("o.total_minor <=", wanted.total_until_minor),
    )
    return [f"{left} {args.put(value)}" for left, value in compared if value is not None]


def _walks(wanted: OrderFilter, args: _Arguments) -> Iterator[list[str]]:
    """Return the conditions of each walk over one index."""
    statuses = set(wanted.statuses)
    is_any = not statuses or statuses == set(OrderStatus)
    texts = _searches(wanted.search, args)
    for shop in _sellers(wanted, args):
        if texts is not None:
            status = [] if is_any else [f"o.status = ANY({args.put(sorted(statuses))}::text[])"]
            yield from ([shop, text, *status] for text in texts)
        elif is_any:
            yield [shop]
        else:
            yield from ([shop, f"o.status = {args.put(status)}"] for status in sorted(statuses))


def _sellers(wanted: OrderFilter, args: _Arguments) -> Iterator[str]:
    """Return whose orders each walk is over: a shop's, or the one campaign's.

    A campaign's are walked in its own indexes and in no other: prices of a campaign lie close
    together, so that among all totals of its shop they may come after all others.
    """
    shop_ids = sorted(set(wanted.shop_ids))
    if wanted.campaign_id is None:
        yield from (f"o.shop_id = {args.put(shop_id)}" for shop_id in shop_ids)
    elif wanted.search.strip():
        # What is searched for has its indexes by shop.
        campaign = f"o.campaign_id = {args.put(wanted.campaign_id)}"
        yield from (f"o.shop_id = {args.put(shop_id)} AND {campaign}" for shop_id in shop_ids)
    elif shop_ids:
        yield (
            f"o.campaign_id = (SELECT c.id FROM campaign c WHERE c.id = "
            f"{args.put(wanted.campaign_id)} AND c.shop_id = ANY({args.put(shop_ids)}::uuid[]))"
        )


def _searches(search: str, args: _Arguments) -> list[str] | None:
    """Return a condition for each text that a search may mean; None if nothing is searched for."""
    text = search.strip()
    if not text:
        return None
    if len(text) > LONGEST_SEARCH or not is_storable(text):
        return []
    prefix = args.put(_LIKE_SPECIAL.sub(r"\\\1", text) + "%")
    found = [
        f"lower(o.buyer ->> '{name}') LIKE lower({prefix}::text)" for name in ("email", "name")
    ]
    number = read_display_number(text)
    if number is not None:
        found.append(f"o.number LIKE {args.put(number + '%')}::text")
    return found
