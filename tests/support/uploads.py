"""Pictures put into a shop: over HTTP, as the upload's route does it, or as a row."""

import hashlib
from io import BytesIO
from typing import Any
from uuid import UUID

import httpx

from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.media import AddPicture, MediaAsset, MediaStore
from headless_presale.shops import Shop
from tests.support.staff import Caller

MOST_BYTES = 100_000
"""What the uploads' route takes in tests."""


def picture_of(shop_id: UUID, content: bytes) -> AddPicture:
    """Return the command that adds a file."""
    return AddPicture(
        shop_id=shop_id,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        file=BytesIO(content),
    )


async def stored_keys(store: MediaStore) -> list[str]:
    """Return the keys of all files there are."""
    return sorted([file.key async for files in store.list_files() for file in files])


async def make_asset(shop: Shop, *, alt: str = "", mark: str = "") -> MediaAsset:
    """Create a picture's row; files it has none."""
    name = "1-320.webp"
    return await MediaAsset.create(
        id=new_id(),
        shop_id=shop.id,
        sha256=hashlib.sha256(f"{shop.id}{mark}".encode()).hexdigest(),
        mime="image/jpeg",
        width=320,
        height=240,
        sizes=[{"name": name, "width": 320, "height": 240, "mime": "image/webp", "bytes": 900}],
        bytes=2_000,
        alt=alt,
        created_at=clock.now(),
    )


async def upload(
    client: httpx.AsyncClient,
    shop: Shop | str,
    content: Any,
    caller: Caller | None,
    **headers: str,
) -> httpx.Response:
    """Send a picture to a shop, or to a slug."""
    slug = shop if isinstance(shop, str) else shop.slug
    if caller is not None:
        headers["authorization"] = f"Bearer {caller.token}"
    return await client.post(
        "/uploads/media",
        params={"shop": slug},
        content=content,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
