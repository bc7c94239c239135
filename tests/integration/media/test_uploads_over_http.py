"""Uploading over real HTTP: who may is known before a byte is read, and what is served is ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import uvicorn
from redis.asyncio import Redis

from headless_presale.app import create_app
from headless_presale.identity import ALL_SCOPES, OAuthGrant, Role, Scope
from headless_presale.kernel import clock
from headless_presale.kernel.ids import global_id
from headless_presale.media import MediaAsset, MediaStore
from headless_presale.settings import Settings
from headless_presale.shops import Shop
from headless_presale.uploads import reading
from resolvers.messages import message_of
from tests.support.http import SCHEMA, EchoGraphQL
from tests.support.pictures import HTML, SVG, animated, jpeg, photo, png, png_bomb
from tests.support.servers import bind_free_port, serving
from tests.support.shop import make_shop
from tests.support.staff import Caller, connect, sign_in
from tests.support.state import stored_rows
from tests.support.uploads import stored_keys

MOST_BYTES = 100_000
BASE = "http://127.0.0.1:8000"


@pytest.fixture
async def url(database: str, redis: Redis, store: MediaStore) -> AsyncIterator[str]:
    """Serve the application over what the test's fixtures have opened."""
    app = create_app(
        graphql=EchoGraphQL(),
        schema_text=SCHEMA,
        settings=Settings(media_max_bytes=MOST_BYTES),
        tell=message_of,
    )
    listener = bind_free_port()
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_level="critical", timeout_graceful_shutdown=1
    )
    async with serving(uvicorn.Server(config), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture
async def manager(shop: Shop) -> Caller:
    return await sign_in(shop, Role.MANAGER)


async def upload(
    client: httpx.AsyncClient,
    shop: Shop | str,
    content: Any,
    caller: Caller | None,
    **headers: str,
) -> httpx.Response:
    slug = shop if isinstance(shop, str) else shop.slug
    if caller is not None:
        headers["authorization"] = f"Bearer {caller.token}"
    return await client.post(
        "/uploads/media",
        params={"shop": slug},
        content=content,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


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
    line = await asyncio.wait_for(reader.readline(), 10)
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
    url: str, shop: Shop, manager: Caller, store: MediaStore
) -> None:
    content = jpeg()
    reader, writer = await send_slowly(
        url, shop, manager.token, length=len(content), body=content[:100]
    )
    await asyncio.sleep(0.2)
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


# What is served


async def test_what_is_served_is_kept_for_ever_and_is_nothing_but_a_picture(
    client: httpx.AsyncClient, shop: Shop, manager: Caller
) -> None:
    asset = (await upload(client, shop, jpeg(), manager)).json()["asset"]
    path = urlsplit(asset["url"]).path

    served = await client.get(path)

    assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert served.headers["cross-origin-resource-policy"] == "cross-origin"
    assert served.headers["content-type"] == "image/webp"
    for tag in (served.headers["etag"], f'"other", W/{served.headers["etag"]}'):
        known = await client.get(path, headers={"if-none-match": tag})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["cache-control"] == served.headers["cache-control"]
    assert (await client.head(path)).headers["content-length"] == str(len(served.content))


@pytest.mark.parametrize(
    "path",
    [
        "/media/0/1-320.webp",
        f"/media/{'0' * 64}/1-320.webp",
        f"/media/{'0' * 64}/1-320.svg",
        f"/media/{'0' * 64}/..%2f..%2fsecret_key",
        f"/media/{'0' * 64}/%2e%2e/%2e%2e/secret_key",
        "/media/..%2fsecret_key/1-320.webp",
        f"/media/{'A' * 64}/1-320.webp",
        f"/media/{'0' * 64}/1-320.webp%00.svg",
    ],
)
async def test_nothing_else_is_served(url: str, store: MediaStore, path: str) -> None:
    await store.put("secret_key", b"the key", mime="text/plain")
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    # As it is: a client's library would tidy the path up.
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    answer = await reader.read()

    assert answer.split()[1] == b"404"
    assert b"the key" not in answer
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
