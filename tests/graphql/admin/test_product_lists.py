"""Lists of products: filtered, searched, sorted, page by page, at a price that does not grow."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.catalog import CreateProduct, ProductFilter, ProductSort, create_product
from headless_presale.catalog.listing import page_query
from headless_presale.kernel.clock import ManualClock
from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop
from tests.support.statements import counted_statements

LIST = """
query ($filter: ProductFilterInput, $sort: ProductSortInput, $first: Int, $after: String,
       $last: Int, $before: String) {
  merchant { shop(slug: "moonlit-forge") { products(
    filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before
  ) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { handle }
  } } }
}
"""
TITLES = ("Cup", "bowl", "Älchen", "Cup", "cupboard", "100% wool_", "杯子")


@pytest.fixture
async def shop(database: str, clock: ManualClock) -> Shop:
    """Return a shop of seven products, beside another one of the same."""
    shop = await make_shop()
    for owner in (shop, await make_shop("other-forge")):
        for number, title in enumerate(TITLES):
            clock.advance(timedelta(minutes=1))
            await create_product(
                CreateProduct(
                    shop_id=owner.id,
                    fields={
                        "title": title,
                        "handle": f"p{number}",
                        "tags": ["odd" if number % 2 else "even", f"only-{number}"],
                        "vendor": "Kiln" if number < 3 else "Mill",
                        "product_type": "Ware",
                        "is_published": number != 1,
                    },
                    variants=[{"price_minor": 1, "sku": f"SKU-{number}"}],
                )
            )
    return shop


async def listed(api: Api, token: str, **arguments: Any) -> dict[str, Any]:
    reply = await api.ask(LIST, bearer=token, **arguments)
    found: dict[str, Any] = reply.data["merchant"]["shop"]["products"]
    return found


async def handles(api: Api, token: str, **arguments: Any) -> list[str]:
    return [node["handle"] for node in (await listed(api, token, **arguments))["nodes"]]


async def test_products_are_filtered(api: Api, shop: Shop, token: str) -> None:
    assert await handles(api, token) == ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]
    for filter, found in [
        ({"isPublished": False}, ["p1"]),
        ({"tag": "odd"}, ["p5", "p3", "p1"]),
        ({"tag": "Odd"}, []),
        ({"vendor": "Kiln"}, ["p2", "p1", "p0"]),
        ({"vendor": "Kiln", "isPublished": True, "tag": "even"}, ["p2", "p0"]),
        ({"productType": "Ware", "tag": "only-4"}, ["p4"]),
        ({"productType": "Thing"}, []),
        ({"tag": "a\x00"}, []),
    ]:
        page = await listed(api, token, filter=filter)
        assert [node["handle"] for node in page["nodes"]] == found, filter
        assert page["totalCount"] == len(found)


async def test_products_are_searched_by_how_they_begin(api: Api, shop: Shop, token: str) -> None:
    for search, found in [
        ("cup", ["p4", "p3", "p0"]),
        (" CUP ", ["p4", "p3", "p0"]),
        ("cupb", ["p4"]),
        ("up", []),
        ("älch", ["p2"]),
        ("ÄLCH", ["p2"]),
        ("杯", ["p6"]),
        ("100%", ["p5"]),
        ("1%", []),
        ("100% wool_", ["p5"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("p3", ["p3"]),
        ("sku-5", ["p5"]),
        ("sku", ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]),
        ("x" * 101, []),
        ("a\x00", []),
        ("  ", ["p6", "p5", "p4", "p3", "p2", "p1", "p0"]),
    ]:
        page = await listed(api, token, filter={"search": search})
        assert [node["handle"] for node in page["nodes"]] == found, search
        assert page["totalCount"] == len(found)
    both = {"search": "cup", "vendor": "Kiln"}
    assert await handles(api, token, filter=both) == ["p0"]


@pytest.mark.parametrize("by", ["CREATED_AT", "UPDATED_AT", "TITLE"])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("filter", [{}, {"search": "p"}])
async def test_pages_follow_one_another_from_both_ends(
    api: Api, shop: Shop, token: str, by: str, descending: bool, filter: dict[str, Any]
) -> None:
    arguments = {"sort": {"by": by, "descending": descending}, "filter": filter}
    whole = await handles(api, token, **arguments)
    assert sorted(whole) == [f"p{number}" for number in range(7)]
    by_title = ["p5", "p1", "p0", "p3", "p4", "p2", "p6"]
    by_age = [f"p{number}" for number in range(7)]
    expected = by_title if by == "TITLE" else by_age
    assert whole == (expected[::-1] if descending else expected)

    forwards: list[str] = []
    cursor = None
    while True:
        page = await listed(api, token, first=3, after=cursor, **arguments)
        forwards += [node["handle"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert forwards == whole
    backwards: list[str] = []
    cursor = None
    while True:
        page = await listed(api, token, last=3, before=cursor, **arguments)
        backwards = [node["handle"] for node in page["nodes"]] + backwards
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert backwards == whole


async def test_a_page_follows_the_longest_title(api: Api, shop: Shop, token: str) -> None:
    for number in range(2):
        await create_product(
            CreateProduct(
                shop_id=shop.id,
                fields={"title": "𠮷" * 255, "handle": f"long-{number}"},
                variants=[{"price_minor": 1}],
            )
        )
    by_title: dict[str, Any] = {"sort": {"by": "TITLE"}, "first": 1}

    first = await listed(api, token, **by_title)
    second = await handles(api, token, after=first["pageInfo"]["endCursor"], **by_title)

    assert ([node["handle"] for node in first["nodes"]], second) == (["long-1"], ["long-0"])


async def test_what_cannot_be_asked_is_refused(api: Api, shop: Shop, token: str) -> None:
    foreign = (await listed(api, token, sort={"by": "TITLE"}, first=1))["pageInfo"]["endCursor"]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"first": 101}, "ARGUMENT_INVALID"),
        ({"first": 1, "last": 1}, "ARGUMENT_INVALID"),
        ({"after": "nonsense"}, "CURSOR_INVALID"),
        ({"after": foreign}, "CURSOR_INVALID"),
        (
            {"after": seal("products-UPDATED_AT", "noon/1"), "sort": {"by": "UPDATED_AT"}},
            "CURSOR_INVALID",
        ),
        ({"after": seal("products-TITLE", "a\x00/1"), "sort": {"by": "TITLE"}}, "CURSOR_INVALID"),
    ]
    for arguments, code in wrong:
        reply = await api.ask(LIST, bearer=token, **arguments)
        assert reply.error_codes == [code], arguments


async def test_one_product_by_id_or_handle(api: Api, shop: Shop, token: str) -> None:
    query = """query ($id: ID, $handle: String) { merchant { shop(slug: "moonlit-forge") {
        product(id: $id, handle: $handle) { id handle } } } }"""
    found = (await api.ask(query, bearer=token, handle="p3")).data["merchant"]["shop"]["product"]
    assert found["handle"] == "p3"
    again = await api.ask(query, bearer=token, id=found["id"])
    assert again.data["merchant"]["shop"]["product"] == found
    for handle in ("none", "a\x00"):
        none = await api.ask(query, bearer=token, handle=handle)
        assert none.data["merchant"]["shop"]["product"] is None
    unclear: list[tuple[dict[str, Any], str]] = [
        ({}, "ARGUMENT_INVALID"),
        ({"id": found["id"], "handle": "p3"}, "ARGUMENT_INVALID"),
        ({"id": "nonsense"}, "ID_INVALID"),
    ]
    for arguments, code in unclear:
        assert (await api.ask(query, bearer=token, **arguments)).error_codes == [code]


async def test_a_list_costs_the_same_whatever_its_length(api: Api, shop: Shop, token: str) -> None:
    query = """{ merchant { shop(slug: "moonlit-forge") { products(first: %d, %s) {
        nodes { title options { name } variants { sku media { url } } media { url } translations {
        locale } } } } } }"""
    costs = []
    for size, filter in ((1, ""), (7, ""), (7, 'filter: { search: "p" }')):
        async with counted_statements() as sent:
            # A new connection asks once what types there are.
            await api.ask("{ viewer { label } }", bearer=token)
            before = len(sent)
            await api.ask(query % (size, filter), bearer=token)
        costs.append(len(sent) - before)

    # Who asks (with BEGIN and COMMIT), his merchant, the shop; the list (BEGIN, the planner's
    # setting, ids, products, COMMIT); options, variants, media.
    assert costs == [3 + 1 + 1 + 5 + 3] * 3


@pytest.mark.parametrize(
    ("wanted", "sort", "index"),
    [
        ({}, ProductSort.CREATED_AT, "product_shop_id_id"),
        ({}, ProductSort.UPDATED_AT, "product_by_update"),
        ({}, ProductSort.TITLE, "product_by_title"),
        ({"vendor": "Vendor 7"}, ProductSort.CREATED_AT, "product_by_vendor"),
        ({"product_type": "Type 7"}, ProductSort.CREATED_AT, "product_by_type"),
        ({"tag": "tag 7777"}, ProductSort.CREATED_AT, "product_by_tag"),
        ({"search": "title 7777"}, ProductSort.CREATED_AT, "product_by_title"),
    ],
)
async def test_a_list_is_read_from_an_index(
    shop: Shop,
    database_admin: asyncpg.Connection,
    wanted: dict[str, Any],
    sort: ProductSort,
    index: str,
) -> None:
    await database_admin.execute(
        "INSERT INTO product (id, shop_id, handle, title, description_html, vendor, product_type, "
        "tags, is_published, seo_title, seo_description, translations, created_at, updated_at) "
        "SELECT gen_random_uuid(), $1, 'h' || n, 'Title ' || n, '', 'Vendor ' || n % 50, "
        "'Type ' || n % 50, ARRAY['tag ' || n], true, '', '', '{}', now(), "
        "now() + n * interval '1 second' FROM generate_series(1, 20000) n",
        shop.id,
    )
    await database_admin.execute("ANALYZE product; ANALYZE product_variant")
    query = page_query(
        ProductFilter(shop_id=shop.id, **wanted), sort=sort, is_descending=True, limit=21
    )
    assert query is not None
    sql, args = query
    await database_admin.execute("SET plan_cache_mode = force_custom_plan")

    plan = await database_admin.fetch(f"EXPLAIN {sql}", *args)

    text = "\n".join(row[0] for row in plan)
    assert index in text
    assert "Seq Scan on product " not in text
