"""A shop's settings and numbers: changed in part, checked by version, written into the log."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from headless_presale.kernel.errors import FieldConflict, InvalidInput, VersionConflict
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.ids import new_id
from headless_presale.shops import (
    CreateShop,
    Shop,
    ShopFixed,
    ShopNotFound,
    ShopPolicies,
    ShopSlugTaken,
    UpdatePolicies,
    UpdateShop,
    create_shop,
    get_shop_by_id,
    update_policies,
    update_shop,
)

ANNA = Actor(kind="staff", id="7", label="anna@example.com")


@pytest.fixture
async def shop(database: str) -> Shop:
    """Return a shop with a name in two languages."""
    return await create_shop(
        CreateShop(
            slug="moonlit-forge",
            name="Moonlit Forge",
            currency="CNY",
            translations={"zh-CN": {"name": "月铸工坊"}},
        )
    )


async def log_of(connection: asyncpg.Connection) -> list[tuple[str, Any, Any]]:
    """Return what was written into the log since the shop was opened."""
    rows = await connection.fetch(
        "SELECT action, before, after FROM audit_entry WHERE action <> 'shop.create' ORDER BY id"
    )
    return [(r["action"], orjson.loads(r["before"]), orjson.loads(r["after"])) for r in rows]


async def test_a_partial_update_leaves_the_rest(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    with acting_as(ANNA):
        updated = await update_shop(
            UpdateShop(
                shop_id=shop.id, version=1, name=" Forge ", contact_email="Hello@Example.COM"
            )
        )

    stored = await get_shop_by_id(shop.id)
    assert (stored.name, stored.contact_email) == ("Forge", "Hello@example.com")
    assert (stored.slug, stored.currency, stored.timezone) == ("moonlit-forge", "CNY", "UTC")
    assert stored.translations == {"zh-CN": {"name": "月铸工坊"}}
    assert (updated.version, stored.version) == (2, 2)
    assert await log_of(database_admin) == [
        (
            "shop.update",
            {"name": "Moonlit Forge", "contact_email": ""},
            {"name": "Forge", "contact_email": "Hello@example.com"},
        )
    ]


async def test_the_same_again_changes_nothing(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    updated = await update_shop(UpdateShop(shop_id=shop.id, version=1, name="Moonlit Forge"))

    assert updated.version == 1
    assert await log_of(database_admin) == []


async def test_a_language_that_is_not_named_keeps_its_texts(shop: Shop) -> None:
    await update_shop(UpdateShop(shop_id=shop.id, translations={"fr": {"name": "La Forge"}}))
    await update_shop(UpdateShop(shop_id=shop.id, translations={"zh-cn": {}}))

    stored = await get_shop_by_id(shop.id)
    assert stored.translations == {"fr": {"name": "La Forge"}}
    assert stored.version == 1 + 2


async def test_a_shop_speaks_at_most_forty_languages(shop: Shop) -> None:
    # One it has, 40 that are named: `aa`, `ab`, ...
    letters = "abcdefghij"
    tags = [f"{one}{other}" for one in letters[:4] for other in letters]

    with pytest.raises(InvalidInput) as caught:
        await update_shop(
            UpdateShop(shop_id=shop.id, translations={tag: {"name": tag} for tag in tags})
        )
    assert caught.value.field == ("translations",)
    assert (await get_shop_by_id(shop.id)).version == 1

    fewer = {tag: {"name": tag} for tag in tags[1:]}
    updated = await update_shop(UpdateShop(shop_id=shop.id, translations=fewer))
    assert len(updated.translations) == 1 + 39


async def test_a_stale_update_is_told_both_values(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    await update_shop(UpdateShop(shop_id=shop.id, version=1, timezone="Asia/Shanghai"))

    with pytest.raises(VersionConflict) as caught:
        await update_shop(
            UpdateShop(shop_id=shop.id, version=1, timezone="Europe/Paris", name="Moonlit Forge")
        )

    assert caught.value.params["current_version"] == 2
    assert caught.value.params["conflicts"] == (
        FieldConflict("timezone", '"Europe/Paris"', '"Asia/Shanghai"'),
    )
    assert (await get_shop_by_id(shop.id)).timezone == "Asia/Shanghai"
    assert len(await log_of(database_admin)) == 1


async def test_of_two_updates_at_once_one_succeeds(shop: Shop) -> None:
    results = await asyncio.gather(
        *(update_shop(UpdateShop(shop_id=shop.id, version=1, name=f"Forge {n}")) for n in range(6)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, VersionConflict) for result in results) == 6 - 1
    assert (await get_shop_by_id(shop.id)).version == 2


async def test_address_and_currency_move_while_there_is_no_product(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    moved = await update_shop(UpdateShop(shop_id=shop.id, slug="forge", currency="USD"))
    assert (moved.slug, moved.currency) == ("forge", "USD")

    await database_admin.execute(
        "INSERT INTO product (id, shop_id, handle, title, description_html, vendor, product_type, "
        "tags, is_published, seo_title, seo_description, translations, created_at, updated_at) "
        "VALUES ($1, $2, 'mug', 'Mug', '', '', '', '{}', true, '', '', '{}', now(), now())",
        new_id(),
        shop.id,
    )
    with pytest.raises(ShopFixed) as caught:
        await update_shop(UpdateShop(shop_id=shop.id, name="New", slug="forge-2"))
    assert caught.value.field == ("slug",)
    with pytest.raises(ShopFixed) as caught:
        await update_shop(UpdateShop(shop_id=shop.id, name="New", currency="EUR"))
    assert caught.value.field == ("currency",)
    same = await update_shop(UpdateShop(shop_id=shop.id, slug="forge", currency="USD", name="New"))
    assert (same.slug, same.currency, same.name, same.version) == ("forge", "USD", "New", 3)


async def test_an_address_of_another_shop(shop: Shop) -> None:
    await create_shop(CreateShop(slug="other", name="Other", currency="EUR"))

    with pytest.raises(ShopSlugTaken):
        await update_shop(UpdateShop(shop_id=shop.id, slug="other"))

    assert (await get_shop_by_id(shop.id)).slug == "moonlit-forge"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, ("name",)),
        ({"contact_email": "anna"}, ("contact_email",)),
        ({"contact_email": f"{'a' * 250}@example.com"}, ("contact_email",)),
        ({"timezone": "Mars/Olympus"}, ("timezone",)),
        ({"timezone": "../etc/passwd"}, ("timezone",)),
        ({"default_locale": "english!"}, ("default_locale",)),
        ({"translations": {"zh": {"motto": "x"}}}, ("translations", "zh")),
        ({"slug": "A B"}, ("slug",)),
        ({"currency": "YUAN"}, ("currency",)),
    ],
)
async def test_settings_that_cannot_be(
    shop: Shop, changes: dict[str, Any], field: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await update_shop(UpdateShop(shop_id=shop.id, version=1, **changes))

    assert caught.value.field == field
    assert (await get_shop_by_id(shop.id)).version == 1


async def test_policies_are_changed_in_part_and_logged(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    await update_policies(UpdatePolicies(shop_id=shop.id, version=1, changes={"warn_ship_days": 9}))
    await update_policies(
        UpdatePolicies(shop_id=shop.id, version=2, changes={"warn_deposit_bps": 4_000})
    )

    stored = await get_shop_by_id(shop.id)
    assert stored.policies == {"warn_ship_days": 9, "warn_deposit_bps": 4_000}
    assert ShopPolicies.from_json(stored.policies).default_deposit_bps == 2_000
    assert stored.version == 3
    assert await log_of(database_admin) == [
        ("shop.policies_update", {"warn_ship_days": 30}, {"warn_ship_days": 9}),
        ("shop.policies_update", {"warn_deposit_bps": 3_000}, {"warn_deposit_bps": 4_000}),
    ]


async def test_stale_and_impossible_policies_change_nothing(shop: Shop) -> None:
    await update_policies(UpdatePolicies(shop_id=shop.id, version=1, changes={"warn_ship_days": 9}))

    with pytest.raises(VersionConflict) as stale:
        await update_policies(
            UpdatePolicies(shop_id=shop.id, version=1, changes={"warn_ship_days": 10})
        )
    assert stale.value.params["conflicts"] == (FieldConflict("warn_ship_days", "10", "9"),)
    with pytest.raises(InvalidInput):
        await update_policies(
            UpdatePolicies(shop_id=shop.id, version=2, changes={"warn_ship_days": 0})
        )
    assert (await get_shop_by_id(shop.id)).policies == {"warn_ship_days": 9}


@pytest.mark.usefixtures("database")
async def test_a_shop_that_is_not_there() -> None:
    with pytest.raises(ShopNotFound):
        await update_shop(UpdateShop(shop_id=uuid4(), name="x"))
    with pytest.raises(ShopNotFound):
        await update_policies(UpdatePolicies(shop_id=uuid4(), changes={"warn_ship_days": 9}))
