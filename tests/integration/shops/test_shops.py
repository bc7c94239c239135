"""Shops: opened once, found by slug."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import InvalidInput, NotFound
from headless_presale.shops import (
    CreateShop,
    ShopNotFound,
    ShopSlugTaken,
    create_shop,
    ensure_shop,
    find_shop,
    get_shop,
    get_shop_by_id,
    shop_name,
)

pytestmark = pytest.mark.usefixtures("database")

FORGE = CreateShop(
    slug="moonlit-forge",
    name=" Moonlit Forge ",
    currency="CNY",
    default_locale="EN",
    translations={"zh-cn": {"name": "月铸工坊"}},
)


async def test_a_shop_is_opened_and_found(clock: ManualClock) -> None:
    created = await create_shop(FORGE)

    shop = await get_shop("moonlit-forge")

    assert shop.id == created.id
    assert (shop.name, shop.currency, shop.default_locale) == ("Moonlit Forge", "CNY", "en")
    assert shop.translations == {"zh-CN": {"name": "月铸工坊"}}
    assert shop.created_at == clock.now()
    assert (await get_shop_by_id(shop.id)).slug == "moonlit-forge"
    assert [shop_name(shop, locale) for locale in ("zh-CN", "en", "fr")] == [
        "月铸工坊", "Moonlit Forge", "Moonlit Forge",
    ]  # fmt: skip


async def test_a_slug_belongs_to_one_shop(database_admin: asyncpg.Connection) -> None:
    await create_shop(FORGE)

    with pytest.raises(ShopSlugTaken) as caught:
        await create_shop(FORGE)

    assert (caught.value.code, caught.value.field) == ("SHOP_SLUG_TAKEN", ("slug",))
    assert await database_admin.fetchval("SELECT count(*) FROM shop") == 1


async def test_ensuring_a_shop_twice_at_once_opens_it_once(
    database_admin: asyncpg.Connection,
) -> None:
    shops = await asyncio.gather(*(ensure_shop(FORGE) for _ in range(8)))

    assert len({shop.id for shop in shops}) == 1
    assert await database_admin.fetchval("SELECT count(*) FROM shop") == 1


async def test_ensuring_leaves_a_shop_as_it_is() -> None:
    shop = await create_shop(FORGE)

    again = await ensure_shop(CreateShop(slug=FORGE.slug, name="Other", currency="JPY"))

    assert (again.id, again.name, again.currency) == (shop.id, "Moonlit Forge", "CNY")


@pytest.mark.parametrize("slug", ["no-such", "", "UPPER", "a b", "\0", "\ud800", "x" * 61])
async def test_a_shop_that_is_not_there(slug: str) -> None:
    assert await find_shop(slug) is None
    with pytest.raises(ShopNotFound) as caught:
        await get_shop(slug)
    assert isinstance(caught.value, NotFound)
    assert caught.value.code == "SHOP_NOT_FOUND"


async def test_an_id_that_no_shop_has() -> None:
    with pytest.raises(ShopNotFound):
        await get_shop_by_id(uuid4())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"slug": ""}, ("slug",)),
        ({"slug": "Moon"}, ("slug",)),
        ({"slug": "a--b"}, ("slug",)),
        ({"slug": "-a"}, ("slug",)),
        ({"slug": "x" * 61}, ("slug",)),
        ({"slug": "a\n"}, ("slug",)),
        ({"name": "  "}, ("name",)),
        ({"name": "x" * 121}, ("name",)),
        ({"name": "a\0b"}, ("name",)),
        ({"name": "\ud800"}, ("name",)),
        ({"currency": "YUAN"}, ("currency",)),
        ({"currency": "XAU"}, ("currency",)),
        ({"currency": "cny"}, ("currency",)),
        ({"default_locale": "english!"}, ("default_locale",)),
        ({"translations": {"?": {"name": "x"}}}, ("translations", "?")),
        ({"translations": {"zh": {"motto": "x"}}}, ("translations", "zh")),
        ({"translations": {"zh": {"name": ""}}}, ("translations", "zh", "name")),
    ],
)
async def test_a_shop_that_cannot_be(
    database_admin: asyncpg.Connection, changes: dict[str, object], field: tuple[str, ...]
) -> None:
    wanted = {"slug": "moon", "name": "Moon", "currency": "CNY"} | changes

    with pytest.raises(InvalidInput) as caught:
        await ensure_shop(CreateShop(**wanted))  # type: ignore[arg-type]

    assert caught.value.field == field
    assert await database_admin.fetchval("SELECT count(*) FROM shop") == 0
