"""Pictures in a bucket: over HTTP, with a server that speaks S3."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from headless_presale.kernel.errors import Unavailable
from headless_presale.media import (
    MediaAsset,
    MediaStore,
    add_picture,
    delete_media,
    open_store,
    set_store,
    sizes_of,
    sweep_orphans,
)
from headless_presale.shops import Shop
from tests.support.pictures import jpeg
from tests.support.servers import bind_free_port, until
from tests.support.uploads import picture_of, stored_keys


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[str]:
    """Let an S3 server listen over a folder; yield its address."""
    (tmp_path / "buckets" / "pictures").mkdir(parents=True)
    with bind_free_port() as listener:
        port = listener.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localbucket", str(tmp_path / "buckets"), "--port", str(port),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(url)).status_code == 200
        except httpx.TransportError:
            return False

    try:
        await until(answers)
        yield url
    finally:
        if server.returncode is None:
            os.kill(server.pid, signal.SIGKILL)
        await server.wait()


@pytest.fixture
async def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MediaStore]:
    """Install a store in a bucket, below a prefix."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    store = open_store("s3://pictures/shop", Path("unused"))
    set_store(store)
    yield store
    set_store(None)


async def test_a_picture_lives_and_ends_in_a_bucket(
    shop: Shop, bucket: MediaStore, tmp_path: Path
) -> None:
    asset = (await add_picture(picture_of(shop.id, jpeg()))).asset

    # Its files lie in the bucket, below the prefix.
    keys = [f"{asset.sha256}/{size.name}" for size in sizes_of(asset)]
    assert await stored_keys(bucket) == sorted(keys)
    assert (tmp_path / "buckets" / "pictures" / "shop" / keys[0]).is_file()
    for size in sizes_of(asset):
        content = await bucket.find(f"{asset.sha256}/{size.name}")
        assert content is not None
        assert len(content) == size.bytes
    assert not (await add_picture(picture_of(shop.id, jpeg()))).is_new

    await delete_media(frozenset({shop.id}), asset.id)
    assert await sweep_orphans(older_than=timedelta(hours=1)) == 0
    assert await sweep_orphans(older_than=timedelta(0)) == 3
    assert await stored_keys(bucket) == []


async def test_what_is_not_there_is_none(bucket: MediaStore) -> None:
    assert await bucket.find("0/1-320.webp") is None
    assert await bucket.find_details("0/1-320.webp") is None
    await bucket.delete("0/1-320.webp")


async def test_a_long_list_comes_in_parts(bucket: MediaStore, tmp_path: Path) -> None:
    # One more than a server lists at once, and a file of somebody else beside the prefix.
    folder = tmp_path / "buckets" / "pictures" / "shop" / "many"
    folder.mkdir(parents=True)
    for number in range(1_001):
        (folder / f"{number:04}").write_bytes(b"x")
    (tmp_path / "buckets" / "pictures" / "theirs").write_bytes(b"x")

    assert await stored_keys(bucket) == [f"many/{number:04}" for number in range(1_001)]


async def test_a_bucket_that_is_away_is_unavailable_and_leaves_no_row(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with bind_free_port() as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    store = open_store("s3://pictures", Path("unused"))
    set_store(store)

    with pytest.raises(Unavailable):
        await add_picture(picture_of(shop.id, jpeg()))
    with pytest.raises(Unavailable):
        await store.find("0/1-320.webp")

    assert await MediaAsset.all().count() == 0
    set_store(None)
