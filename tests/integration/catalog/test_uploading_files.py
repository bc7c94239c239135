"""Uploading product files over real HTTP: who may is known before a byte is read."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from headless_presale.catalog import ProductFile
from headless_presale.catalog.product_files import copy_file
from headless_presale.identity import ALL_SCOPES, Role, Scope
from headless_presale.kernel.ids import global_id
from headless_presale.settings import Settings
from headless_presale.shops import Shop
from tests.support.http import shop_serving
from tests.support.product_files import products_csv
from tests.support.shop import make_shop
from tests.support.staff import Caller, connect, sign_in
from tests.support.state import stored_rows

MOST_BYTES = 600_000


@pytest.fixture
async def client(database: str, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the application over what the test's fixtures have opened; return a client of it."""
    async with (
        shop_serving(Settings(product_file_max_bytes=MOST_BYTES)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client,
    ):
        yield client


async def upload(
    client: httpx.AsyncClient,
    slug: str,
    content: Any,
    caller: Caller | None,
    *,
    name: str = "spring.csv",
    language: str = "en",
) -> httpx.Response:
    headers = {"accept-language": language}
    if caller is not None:
        headers["authorization"] = f"Bearer {caller.token}"
    return await client.post(
        "/uploads/product-files",
        params={"shop": slug, "name": name},
        content=content,
        headers=headers,
    )


async def test_a_file_is_kept_as_it_was_sent(
    client: httpx.AsyncClient, shop: Shop, tmp_path: Any, database_admin: asyncpg.Connection
) -> None:
    manager = await sign_in(shop, Role.MANAGER)
    content = products_csv(20_000).encode()
    assert len(content) > 256_000

    response = await upload(client, shop.slug, content, manager)

    file = await ProductFile.get(shop_id=shop.id)
    assert (response.status_code, response.json()) == (
        201,
        {
            "file": {
                "id": global_id("ProductFile", file.id),
                "name": "spring.csv",
                "bytes": len(content),
            }
        },
    )
    with (tmp_path / "copy.csv").open("wb") as copy:
        assert await copy_file(file.id, copy) == len(content)
    assert (tmp_path / "copy.csv").read_bytes() == content
    entry = await database_admin.fetchrow(
        "SELECT actor, subject_label FROM audit_entry WHERE action = 'product_file.upload'"
    )
    assert manager.account is not None
    assert tuple(entry or ()) == (f"staff:{manager.account.id}", "spring.csv")
    # The same again is the same one.
    again = await upload(client, shop.slug, content, manager, name="")
    assert (again.status_code, again.json()["file"]["id"]) == (
        200,
        response.json()["file"]["id"],
    )
    assert await ProductFile.all().count() == 1


async def test_who_may_not_leaves_nothing(
    client: httpx.AsyncClient, shop: Shop, database_admin: asyncpg.Connection
) -> None:
    other = await make_shop("other")
    callers = {
        "nobody": None,
        "support": await sign_in(shop, Role.SUPPORT),
        "a reader": await connect(shop, scopes=ALL_SCOPES - {Scope.CATALOG_WRITE}),
        "another owner": await sign_in(other),
        "a client of another shop": await connect(shop, shop_ids=[]),
    }
    before = await stored_rows(database_admin)
    answers = {}
    for who, caller in callers.items():
        response = await upload(client, shop.slug, products_csv(1), caller)
        answers[who] = (response.status_code, response.json()["error"]["code"])
    assert answers == {
        "nobody": (401, "UNAUTHENTICATED"),
        "support": (403, "FORBIDDEN"),
        "a reader": (403, "FORBIDDEN"),
        "another owner": (404, "SHOP_NOT_FOUND"),
        "a client of another shop": (404, "SHOP_NOT_FOUND"),
    }
    assert await stored_rows(database_admin) == before


async def test_a_file_that_is_too_large_is_refused_announced_or_not(
    client: httpx.AsyncClient, shop: Shop, database_admin: asyncpg.Connection
) -> None:
    manager = await sign_in(shop, Role.MANAGER)
    before = await stored_rows(database_admin)

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(7):
            yield b"x" * 100_000

    for content in (b"x" * (MOST_BYTES + 1), in_pieces()):
        response = await upload(client, shop.slug, content, manager, language="zh-CN")
        assert (response.status_code, response.json()["error"]["code"]) == (
            413, "UPLOAD_TOO_LARGE",
        )  # fmt: skip
    assert await stored_rows(database_admin) == before
