"""Uploading over real HTTP: who may is known before a byte is read."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from headless_presale.identity import ALL_SCOPES, OAuthGrant, Role, Scope
from headless_presale.kernel import clock
from headless_presale.kernel.ids import global_id
from headless_presale.media import MediaAsset, MediaStore
from headless_presale.shops import Shop
from headless_presale.uploads import reading
from tests.support.pictures import HTML, SVG, animated, jpeg, photo, png, png_bomb
from tests.support.shop import make_shop
from tests.support.staff import Caller, connect, sign_in
from tests.support.state import stored_rows
from tests.support.uploads import MOST_BYTES, stored_keys, upload

BASE = "http://127.0.0.1:8000"


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


async def test_a_picture_is_uploaded_and_served_in_every_size(
    client: httpx.AsyncClient, shop: Shop, manager: Caller
) -> None:
    response = await upload(client, shop, photo(orientation=6), manager)

    assert response.status_code == 201
    asset = response.json()["asset"]
    row = await MediaAsset.get(shop_id=shop.id)
    assert asset["id"] == global_id("MediaAsset", row.id)
    assert (asset["width"], asset["height"]) == (300, 400)
    assert asset["url"] == f"{BASE}/media/{row.sha256}/1-640.webp"
    assert [(size["width"], size["mime"]) for size in asset["sizes"]] == [
        (240, "image/webp"),
        (300, "image/jpeg"),
        (300, "image/webp"),
    ]
    for size in asset["sizes"]:
        served = await client.get(urlsplit(size["url"]).path)
        assert served.status_code == 200
        assert served.headers["content-type"] == size["mime"]
        assert len(served.content) == size["bytes"]


async def test_the_same_again_is_told_as_known(
    client: httpx.AsyncClient, shop: Shop, manager: Caller, database_admin: asyncpg.Connection
) -> None:
    first = await upload(client, shop, jpeg(), manager)
    before = await stored_rows(database_admin)

    again = await upload(client, shop, jpeg(), manager, content_type="text/html")

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert await stored_rows(database_admin) == before


async def test_who_uploaded_is_in_the_log(
    client: httpx.AsyncClient, shop: Shop, manager: Caller, database_admin: asyncpg.Connection
) -> None:
    await upload(client, shop, jpeg(), manager, x_request_id="upload-7")

    row = await database_admin.fetchrow("SELECT * FROM audit_entry WHERE action = 'media.add'")
    assert row is not None
    assert manager.account is not None
    assert (row["actor"], row["request_id"]) == (f"staff:{manager.account.id}", "upload-7")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (SVG, 422, "MEDIA_NOT_PICTURE"),
        (HTML, 422, "MEDIA_NOT_PICTURE"),
        (b"", 422, "MEDIA_NOT_PICTURE"),
        (animated(), 422, "MEDIA_ANIMATED"),
        (jpeg(1_000, 800)[:9_000], 422, "MEDIA_DAMAGED"),
        (png_bomb(), 422, "MEDIA_TOO_MANY_PIXELS"),
        (b"x" * (MOST_BYTES + 1), 413, "UPLOAD_TOO_LARGE"),
    ],
)
async def test_what_is_refused_leaves_nothing(
    client: httpx.AsyncClient,
    shop: Shop,
    manager: Caller,
    store: MediaStore,
    database_admin: asyncpg.Connection,
    content: bytes,
    status: int,
    code: str,
) -> None:
    before = await stored_rows(database_admin)

    response = await upload(client, shop, content, manager, content_type="image/jpeg")

    assert code_of(response) == (status, code)
    assert response.headers["cache-control"] == "no-store"
    assert await stored_rows(database_admin) == before
    assert await stored_keys(store) == []


async def test_a_refusal_speaks_the_callers_language(
    client: httpx.AsyncClient, shop: Shop, manager: Caller
) -> None:
    response = await upload(client, shop, SVG, manager, accept_language="zh-CN")

    assert response.json()["error"]["message"] == ("该文件不是 JPEG、PNG、WebP、AVIF 或 GIF 图片。")


async def test_a_form_is_told_to_be_none(
    client: httpx.AsyncClient, shop: Shop, manager: Caller
) -> None:
    response = await client.post(
        "/uploads/media",
        params={"shop": shop.slug},
        files={"file": ("fox.jpg", jpeg())},
        headers={"authorization": f"Bearer {manager.token}"},
    )

    assert code_of(response) == (415, "FORM_REFUSED")


# Who may


async def test_only_those_who_may_write_the_catalogue(
    client: httpx.AsyncClient, shop: Shop, store: MediaStore, database_admin: asyncpg.Connection
) -> None:
    other = await make_shop("other")
    support = await sign_in(shop, Role.SUPPORT)
    without = await connect(shop, scopes=ALL_SCOPES - {Scope.CATALOG_WRITE})
    theirs = await sign_in(other)
    limited = await connect(shop, shop_ids=[])
    before = await stored_rows(database_admin)

    answers = [
        (await upload(client, shop, jpeg(), None), 401, "UNAUTHENTICATED"),
        (
            await upload(client, shop, jpeg(), None, authorization="Bearer x"),
            401,
            "UNAUTHENTICATED",
        ),
        (await upload(client, shop, jpeg(), support), 403, "FORBIDDEN"),
        (await upload(client, shop, jpeg(), without), 403, "FORBIDDEN"),
        (await upload(client, shop, jpeg(), theirs), 404, "SHOP_NOT_FOUND"),
        (await upload(client, shop, jpeg(), limited), 404, "SHOP_NOT_FOUND"),
        (await upload(client, "", jpeg(), theirs), 404, "SHOP_NOT_FOUND"),
    ]

    assert [code_of(answer) for answer, *_ in answers] == [
        (status, code) for _, status, code in answers
    ]
    assert all(answer.headers["www-authenticate"] for answer, status, _ in answers if status == 401)
    assert await stored_rows(database_admin) == before
    assert await stored_keys(store) == []


async def test_a_foreign_shop_is_answered_as_one_that_does_not_exist(
    client: httpx.AsyncClient, manager: Caller
) -> None:
    other = await make_shop("other")

    foreign = await upload(client, other, jpeg(), manager)
    nowhere = await upload(client, "nowhere", jpeg(), manager)

    assert foreign.text.replace("other", "?") == nowhere.text.replace("nowhere", "?")
    assert foreign.status_code == nowhere.status_code == 404


async def send_slowly(
    url: str, shop: Shop, token: str | None, *, length: int, body: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the head of a request and the beginning of its body."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = [
        f"POST /uploads/media?shop={shop.slug} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Length: {length}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    await writer.drain()
    return reader, writer


async def read_status(reader: asyncio.StreamReader) -> int:
    line = await asyncio.wait_for(reader.readline(), 30)
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("is_known", "length", "status"), [(False, 50_000, 401), (True, MOST_BYTES + 1, 413)]
)
async def test_it_is_refused_before_its_body_is_sent(
    url: str, shop: Shop, manager: Caller, is_known: bool, length: int, status: int
) -> None:
    reader, writer = await send_slowly(
        url, shop, manager.token if is_known else None, length=length
    )

    assert await read_status(reader) == status
    writer.close()


async def test_more_than_was_announced_is_cut_off(
    client: httpx.AsyncClient, shop: Shop, manager: Caller, store: MediaStore
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 200 * MOST_BYTES:
            sent += 10_000
            yield b"\xff" * 10_000

    response = await upload(client, shop, endless(), manager)

    assert code_of(response) == (413, "UPLOAD_TOO_LARGE")
    assert await stored_keys(store) == []


async def test_whoever_is_shut_out_while_he_sends_has_sent_nothing(
    url: str, shop: Shop, manager: Caller, store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_in, is_let_in = reading._let_in, asyncio.Event()

    async def let_in_and_tell(*args: Any) -> Any:
        found = await let_in(*args)
        is_let_in.set()
        return found

    monkeypatch.setattr(reading, "_let_in", let_in_and_tell)
    content = jpeg()
    reader, writer = await send_slowly(
        url, shop, manager.token, length=len(content), body=content[:100]
    )
    await asyncio.wait_for(is_let_in.wait(), 30)
    await OAuthGrant.filter(id=manager.grant.id).update(revoked_at=clock.now())

    writer.write(content[100:])

    assert await read_status(reader) == 401
    assert await stored_keys(store) == []
    writer.close()


async def test_one_who_goes_away_in_the_middle_leaves_nothing(
    url: str, client: httpx.AsyncClient, shop: Shop, manager: Caller, store: MediaStore
) -> None:
    content = jpeg()
    _, writer = await send_slowly(url, shop, manager.token, length=len(content), body=content[:99])
    writer.close()
    await writer.wait_closed()

    # The next one is served as ever.
    assert (await upload(client, shop, png(), manager)).status_code == 201
    assert await MediaAsset.all().count() == 1


async def test_one_who_sends_for_ever_is_cut_off(
    url: str, shop: Shop, manager: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONGEST_SECONDS", 0.2)

    reader, writer = await send_slowly(url, shop, manager.token, length=5_000, body=b"\xff\xd8")

    assert await read_status(reader) == 408
    writer.close()


async def test_without_the_store_one_is_asked_to_come_again(
    client: httpx.AsyncClient, shop: Shop, manager: Caller, store: MediaStore
) -> None:
    folder = store._folder
    assert folder is not None
    folder.rmdir()
    folder.write_text("a file where the folder was")

    response = await upload(client, shop, jpeg(), manager)

    assert response.status_code == 503
    assert response.json() == {"error": {"code": "UNAVAILABLE"}}
    assert response.headers["retry-after"] == "1"


async def test_a_full_house_refuses_uploads_too(
    url: str, shop: Shop, manager: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headless_presale.overload.Door.is_full", lambda _: True)

    async with httpx.AsyncClient(base_url=url) as client:
        response = await upload(client, shop, jpeg(), manager)

    assert response.status_code == 503
    assert json.loads(response.content) == {"error": {"code": "OVERLOADED"}}
