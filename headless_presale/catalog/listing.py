"""Products of a shop as lists: filtered, searched, sorted by a key that an index has.

A list is read from an index in its own order, and a page costs what it shows, however far back it
lies. A search walks the index of each text it may mean: title, handle, SKU. All of a list's values
are known when it is planned: a tag that half of the products have wants another way than one that
two of them have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headless_presale.catalog.models import Product
from headless_presale.kernel.keyset import (
    LONGEST_SEARCH,
    Arguments,
    Direction,
    plan_for_these_values,
)
from headless_presale.kernel.texts import is_storable
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

COUNTED_AT_MOST = 10_000
"""How far a list is counted. Counting on costs more with every product; a page never does."""


class ProductSort(StrEnum):
    """What a list of products is sorted by. Products that are equal in it follow their ids."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    TITLE = "TITLE"


_KEYS = {
    ProductSort.CREATED_AT: "p.id",
    ProductSort.UPDATED_AT: "p.updated_at",
    ProductSort.TITLE: 'lower(p.title) COLLATE "C"',
}
"""A product's id rises with the moment of its making."""

Position = tuple[UUID | datetime | str, UUID]
"""Where a product stands in a list: its key, in the kind that the list is sorted by, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """Which products are wanted; what is left out does not restrict.

    Attributes:
        tag, vendor, product_type: equal to the letter.
        search: what the title, the handle or a SKU begins with; case does not count.
    """

    shop_id: UUID
    is_published: bool | None = None
    tag: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """A product and its place in the list."""

    product: Product
    position: Position


@shielded
async def list_filtered(
    wanted: ProductFilter,
    *,
    sort: ProductSort = ProductSort.CREATED_AT,
    is_descending: bool = True,
    limit: int,
    after: Position | None = None,
    before: Position | None = None,
    from_end: bool = False,
) -> list[ListedProduct]:
    """Return at most ``limit`` products strictly between two positions, in the order asked for.

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
    sql, args = page
    async with unit_of_work() as work:
        await plan_for_these_values(work)
        rows = await work.fetch(sql, *args)
        found = {p.id: p for p in await Product.filter(id__in=[row["id"] for row in rows])}
    listed = [ListedProduct(found[row["id"]], (row["key"], row["id"])) for row in rows]
    return listed[::-1] if from_end else listed


@shielded
async def count_filtered(wanted: ProductFilter, *, at_most: int = COUNTED_AT_MOST) -> int:
    """Count the products of a list, up to a bound."""
    counting = count_query(wanted, at_most=at_most)
    if counting is None:
        return 0
    sql, args = counting
    async with unit_of_work() as work:
        await plan_for_these_values(work)
        row = await work.fetchrow(sql, *args)
    assert row is not None
    count: int = row["count"]
    return count


def page_query(
    wanted: ProductFilter,
    *,
    sort: ProductSort,
    is_descending: bool,
    limit: int,
    after: Position | None = None,
    before: Position | None = None,
    from_end: bool = False,
) -> tuple[str, Sequence[object]] | None:
    """Return a page's ids and keys as a query, walked from the end that is asked for.

    None where nothing can be in it.
    """
    args = Arguments()
    key = _KEYS[sort]
    shared = _conditions(wanted, args)
    direction = Direction(is_descending, from_end)
    shared += direction.between(f"{key}, p.id", after, before, args)
    walked = direction.walked
    walks = list(_walks(wanted, args))
    bound = args.put(limit)
    if not walks:
        return None
    queries = [
        f"(SELECT p.id, {key} AS key FROM product p WHERE {' AND '.join([*walk, *shared])} "
        f"ORDER BY {key} {walked}, p.id {walked} LIMIT {bound})"
        for walk in walks
    ]
    if len(queries) == 1:
        return queries[0], args
    return (
        f"SELECT id, key FROM ({' UNION '.join(queries)}) AS walk "
        f"ORDER BY key {walked}, id {walked} LIMIT {bound}",
        args,
    )


def count_query(wanted: ProductFilter, *, at_most: int) -> tuple[str, Sequence[object]] | None:
    """Return what counts a list up to a bound; None where nothing can be in it."""
    args = Arguments()
    shared = _conditions(wanted, args)
    walks = list(_walks(wanted, args))
    bound = args.put(at_most)
    if not walks:
        return None
    inner = " UNION ".join(
        f"(SELECT p.id FROM product p WHERE {' AND '.join([*walk, *shared])} LIMIT {bound})"
        for walk in walks
    )
    return f"SELECT count(*) FROM (SELECT id FROM ({inner}) AS walk LIMIT {bound}) AS counted", args


def _conditions(wanted: ProductFilter, args: Arguments) -> list[str]:
    """Return what every walk of the list has to meet."""
    found = [f"p.shop_id = {args.put(wanted.shop_id)}"]
    for column, value in (
        ("is_published", wanted.is_published),
        ("vendor", wanted.vendor),
        ("product_type", wanted.product_type),
    ):
        if value is not None:
            found.append(f"p.{column} = {args.put(value)}")
    if wanted.tag is not None:
        found.append(f"p.tags @> ARRAY[{args.put(wanted.tag)}::text]")
    return found


def _walks(wanted: ProductFilter, args: Arguments) -> Iterator[list[str]]:
    """Return the conditions of each walk over one index; none where nothing can be found."""
    texts = (wanted.tag, wanted.vendor, wanted.product_type, wanted.search)
    if not all(is_storable(text) for text in texts if text is not None):
        return
    search = wanted.search.strip()
    if not search:
        yield []
        return
    if len(search) > LONGEST_SEARCH:
        return
    prefix = args.put_prefix(search)
    for column in ("title", "handle"):
        yield [f'lower(p.{column}) COLLATE "C" LIKE lower({prefix}::text)']
    # As an array, so that they are found first: else all products are gone through in the order of
    # the list, and each is asked for its variants.
    yield [
        "p.id = ANY (ARRAY(SELECT v.product_id FROM product_variant v "
        f'WHERE v.sku IS NOT NULL AND lower(v.sku) COLLATE "C" LIKE lower({prefix}::text)))'
    ]
