"""Orders of shops as lists: filtered, searched, sorted by a key that an index has.

A list is read from an index in its own order, and a page costs what it shows, however far back it
lies. Where several states are asked for, each is one such walk, and their heads are merged. A
search walks the index of each text it may mean: the number, the e-mail address, the name. A list
by total that is restricted in time walks each of its months: prices change with time, and those of
one month may lie behind all others.

All of a list's values are known when it is planned: what serves a prefix that half of the orders
share does not serve one that two of them do.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headless_presale.kernel.ids import read_display_number
from headless_presale.kernel.keyset import (
    LONGEST_SEARCH,
    Arguments,
    Direction,
    plan_for_these_values,
)
from headless_presale.kernel.texts import is_storable
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.orders.states import OrderStatus
from headless_presale.orders.view import OrderView, read_orders

COUNTED_AT_MOST = 10_000
"""How far a list is counted. Counting on costs more with every order; a page never does."""
FOUND_AT_MOST = 1_000
"""How far a search is counted: the table is read for each order, not an index alone."""

# In UTC: an index of months of any other time zone would depend on that zone's rules.
_MONTH_OF = "date_trunc('month', {} AT TIME ZONE 'UTC')"


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
        await plan_for_these_values(work)
        return await read_orders(work, *page)


@dataclass(frozen=True, slots=True)
class OrderCount:
    """How many orders a list has; not exact where there are more than were counted."""

    count: int
    is_exact: bool


@shielded
async def count_orders(wanted: OrderFilter, *, at_most: int | None = None) -> OrderCount:
    """Count the orders of a list, up to a bound: a lower one, unless told, for a search."""
    if at_most is None:
        at_most = FOUND_AT_MOST if wanted.search.strip() else COUNTED_AT_MOST
    counting = count_query(wanted, at_most=at_most)
    if counting is None:
        return OrderCount(0, is_exact=True)
    sql, args = counting
    async with unit_of_work() as work:
        await plan_for_these_values(work)
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
    args = Arguments()
    column = _COLUMNS[sort]
    shared = _conditions(wanted, args)
    direction = Direction(is_descending, from_end)
    shared += direction.between(f"o.{column}, o.id", after, before, args)
    told, walked = direction.told, direction.walked
    bound = args.put(limit)

    def heads(walk: Sequence[str]) -> str:
        return (
            f"(SELECT o.id, o.{column} AS key FROM sales_order o "
            f"WHERE {' AND '.join((*walk, *shared))} "
            f"ORDER BY o.{column} {walked}, o.id {walked} LIMIT {bound})"
        )

    if _is_by_month(wanted, sort):
        walks = [
            f"(SELECT head.id, head.key FROM {months} CROSS JOIN LATERAL {heads(walk)} AS head)"
            for months, walk in _walks_by_month(wanted, args)
        ]
    else:
        walks = [heads(walk) for walk in _walks(wanted, args)]
    if not walks:
        return None
    ids = (
        f"SELECT id, key FROM ({_union(wanted).join(walks)}) AS walk "
        f"ORDER BY key {walked}, id {walked} LIMIT {bound}"
    )
    return ids, f"page.key {told}, page.id {told}", args


def count_query(wanted: OrderFilter, *, at_most: int) -> tuple[str, Sequence[object]] | None:
    """Return what counts a list up to one more than a bound; None where nothing can be in it."""
    args = Arguments()
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


def _conditions(wanted: OrderFilter, args: Arguments) -> list[str]:
    """Return what every walk of the list has to meet."""
    compared: tuple[tuple[str, object], ...] = (
        ("o.total_minor >=", wanted.total_from_minor),
        ("o.total_minor <=", wanted.total_until_minor),
    )
    totals = [f"{left} {args.put(value)}" for left, value in compared if value is not None]
    return [*_times(wanted, args), *totals]


def _times(wanted: OrderFilter, args: Arguments) -> list[str]:
    compared = (("o.placed_at >=", wanted.placed_from), ("o.placed_at <", wanted.placed_until))
    return [f"{left} {args.put(at)}" for left, at in compared if at is not None]


def _is_by_month(wanted: OrderFilter, sort: OrderSort) -> bool:
    if sort is not OrderSort.TOTAL:
        return False
    is_restricted = wanted.placed_from is not None or wanted.placed_until is not None
    # All of a campaign: it lasts a few months, and an index of its totals alone would be one more.
    is_of_all = bool(wanted.search.strip()) or not _statuses(wanted)
    return is_restricted or (wanted.campaign_id is not None and is_of_all)


def _walks_by_month(wanted: OrderFilter, args: Arguments) -> Iterator[tuple[str, list[str]]]:
    """Return months as ``month.begins``, and the conditions of a walk over each of them.

    They are those from the first to the last order that is meant, so that no range is too long.
    """
    texts = _searches(wanted.search, args)
    for seller in _sellers(wanted, args):
        ends = " AND ".join((seller, *_times(wanted, args)))
        months = (
            f"(SELECT {_MONTH_OF.format('min(o.placed_at)')} AS first, "
            f"{_MONTH_OF.format('max(o.placed_at)')} AS last FROM sales_order o WHERE {ends}"
            ") AS span "
            "CROSS JOIN generate_series(span.first, span.last, interval '1 month') AS month(begins)"
        )
        month = f"{_MONTH_OF.format('o.placed_at')} = month.begins"
        walk = [seller, month, *_status(wanted, args)]
        yield from ((months, [*walk, *text]) for text in ([[]] if texts is None else zip(texts)))


def _walks(wanted: OrderFilter, args: Arguments) -> Iterator[list[str]]:
    """Return the conditions of each walk over one index."""
    statuses = _statuses(wanted)
    texts = _searches(wanted.search, args)
    for shop in _sellers(wanted, args):
        if texts is not None:
            yield from ([shop, text, *_status(wanted, args)] for text in texts)
        elif statuses:
            yield from ([shop, f"o.status = {args.put(status)}"] for status in statuses)
        else:
            yield [shop]


def _statuses(wanted: OrderFilter) -> list[OrderStatus]:
    """Return the states that are wanted, none if any is."""
    statuses = set(wanted.statuses)
    return [] if statuses == set(OrderStatus) else sorted(statuses)


def _status(wanted: OrderFilter, args: Arguments) -> list[str]:
    """Return a condition for a walk over all states that are wanted."""
    statuses = _statuses(wanted)
    if len(statuses) == 1:
        # With a single value the indexes by state are in a list's order; with a set they are not.
        return [f"o.status = {args.put(statuses[0])}"]
    return [f"o.status = ANY({args.put(statuses)}::text[])"] if statuses else []


def _sellers(wanted: OrderFilter, args: Arguments) -> Iterator[str]:
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


def _searches(search: str, args: Arguments) -> list[str] | None:
    """Return a condition for each text that a search may mean; None if nothing is searched for."""
    text = search.strip()
    if not text:
        return None
    if len(text) > LONGEST_SEARCH or not is_storable(text):
        return []
    prefix = args.put_prefix(text)
    found = [
        f"lower(o.buyer ->> '{name}') LIKE lower({prefix}::text)" for name in ("email", "name")
    ]
    number = read_display_number(text)
    if number is not None:
        found.append(f"o.number LIKE {args.put(number + '%')}::text")
    return found
