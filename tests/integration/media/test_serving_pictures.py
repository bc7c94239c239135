"""What is served of a shop's pictures: kept for ever, and nothing else."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from headless_presale.media import MediaStore
from headless_presale.shops import Shop
from tests.support.pictures import jpeg
from tests.support.staff import Caller
from tests.support.uploads import upload


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
