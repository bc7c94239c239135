"""Taking a file over HTTP: who sends it is known before the first byte of it is read.

The body is the file as it is, no form around it. It goes to disk as it comes, so that what a
process holds of it in memory does not grow with the file or with how slowly it is sent.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

from starlette.requests import Request

from headless_presale.identity import Principal, Scope, authenticate_bearer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.shops import Shop, ShopNotFound, find_shop
from headless_presale.uploads.errors import FormRefused, UploadTooLarge, UploadTooSlow

LONGEST_SECONDS = 300.0
IN_MEMORY_BYTES = 256_000
"""Smaller files need no disk."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived whole.

    Attributes:
        principal: who sent it, as the database had him when it had arrived.
        file: open for reading until the request ends.
    """

    principal: Principal
    shop: Shop
    file: BinaryIO
    sha256: str
    bytes: int


@asynccontextmanager
async def receive_upload(
    request: Request, *scopes: Scope, most_bytes: int
) -> AsyncIterator[Upload]:
    """Take a file for the shop that ``?shop=`` names by its slug.

    Nothing is read of a body whose sender may not send it, or that announces itself as too large.

    Raises:
        Unauthenticated, Forbidden: see ``authenticate_bearer``; asked again when the file is here,
            for who has been shut out meanwhile.
        ShopNotFound: there is none, or not for this caller.
        FormRefused: a form instead of a file.
        UploadTooLarge: more bytes than ``most_bytes``, announced or sent.
        UploadTooSlow: not here after ``LONGEST_SECONDS``.
    """
    slug = request.query_params.get("shop", "")
    await _let_in(request, scopes, slug)
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise FormRefused
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most_bytes:
        raise UploadTooLarge(limit_mb=f"{most_bytes / 1_000_000:g}")
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spooled:
        file = cast(BinaryIO, spooled)
        digest, size = hashlib.sha256(), 0
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > most_bytes:
                        raise UploadTooLarge(limit_mb=f"{most_bytes / 1_000_000:g}")
                    digest.update(chunk)
                    file.write(chunk)
        except TimeoutError:
            raise UploadTooSlow from None
        file.seek(0)
        principal, shop = await _let_in(request, scopes, slug)
        yield Upload(principal, shop, file, digest.hexdigest(), size)


async def _let_in(request: Request, scopes: tuple[Scope, ...], slug: str) -> tuple[Principal, Shop]:
    principal = await authenticate_bearer(request.headers, *scopes)
    return principal, await _own_shop(slug, principal.shop_ids)


@shielded
async def _own_shop(slug: str, shop_ids: frozenset[UUID]) -> Shop:
    async with unit_of_work():
        shop = await find_shop(slug)
    if shop is None or shop.id not in shop_ids:
        raise ShopNotFound(shop=slug[:60])
    return shop
