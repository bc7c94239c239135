"""Shops by slug, remembered for a moment: every request starts at one.

Placing an order must not ask the database which shop it is for when the answer is "sold out".
"""

import asyncio
import time
from collections.abc import Hashable, Mapping
from functools import partial
from uuid import UUID

import structlog

from headless_presale.cross_origin import OriginNotAllowed
from headless_presale.documents import BoundShop, list_bound_shops, list_digests
from headless_presale.kernel.errors import Unavailable
from headless_presale.kernel.freshness import note_read
from headless_presale.kernel.single_flight import SingleFlight
from headless_presale.kernel.unit_of_work import DATABASE_DOWN
from headless_presale.shops import Shop, ShopNotFound, find_shop, is_used_from
from resolvers.errors import DocumentNotTrusted, ServiceUnavailable, reads

log = structlog.get_logger(__name__)

REMEMBER_SECONDS = 1.0
BOUND_REMEMBER_SECONDS = 1.0
MAX_SHOPS = 10_000
MAX_SHOWN = 60
"""Of a slug that no shop has; a refusal does not repeat whatever was sent."""


class ShopDirectory:
    """One per application. Only shops that exist are remembered: a new one is seen at once."""

    def __init__(self) -> None:
        self._by_slug: dict[str, tuple[float, Shop]] = {}
        self._by_id: dict[UUID, tuple[float, Shop]] = {}
        self._bound: Mapping[UUID, BoundShop] | None = None
        self._bound_at = self._bound_until = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._digests: dict[UUID, tuple[int, frozenset[str]]] = {}
        self._reading: SingleFlight[str, Shop | None] = SingleFlight()

    @reads
    async def find(self, slug: str) -> Shop | None:
        """Return the shop at an address, at most a second old, or None."""
        known = self._by_slug.get(slug)
        if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS:
            note_read(known[0])
            return known[1]
        return await self._reading.get(slug, partial(self._read, slug))

    @reads
    async def find_by_id(self, shop_id: UUID) -> Shop | None:
        """Return a shop, at most a second old, or None."""
        known = self._by_id.get(shop_id)
        if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS:
            note_read(known[0])
            return known[1]
        read_at = time.monotonic()
        shop = await Shop.get_or_none(id=shop_id)
        if shop is not None:
            self._remember(shop, read_at)
        return shop

    async def bound_shops(self) -> Mapping[UUID, BoundShop]:
        """Return the shops that answer registered documents alone, at most a second old.

        One statement a second for a process, whoever asks; where the database does not answer,
        what was known last counts.

        Raises:
            ServiceUnavailable: nothing is known yet.
        """
        if self._bound is None or time.monotonic() >= self._bound_until:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask_for_bound_shops())
            await asyncio.shield(self._asking)
        if self._bound is None:
            raise ServiceUnavailable
        note_read(self._bound_at)
        return self._bound

    @reads
    async def is_registered(self, shop_id: UUID, version: int, document: str) -> bool:
        """Tell whether a document is one of a shop's; read again with each new version of them."""
        known = self._digests.get(shop_id)
        if known is None or known[0] != version:
            if len(self._digests) >= MAX_SHOPS:
                self._digests.clear()
            self._digests[shop_id] = known = (version, await list_digests(shop_id))
        return document in known[1]

    def seen_from(self, origin: str | None) -> "ShopsSeen":
        """Return the shops as a page of another site comes to them; None: no page, or our own."""
        return ShopsSeen(self, origin)

    async def _read(self, slug: str) -> Shop | None:
        read_at = time.monotonic()
        shop = await find_shop(slug)
        if shop is None:
            self._by_slug.pop(slug, None)
            return None
        self._remember(shop, read_at)
        return shop

    async def _ask_for_bound_shops(self) -> None:
        asked_at = time.monotonic()
        try:
            self._bound = await list_bound_shops()
            self._bound_at = asked_at
        except (Unavailable, *DATABASE_DOWN) as error:
            log.info("shop_directory.not_known", error=type(error).__name__)
        self._bound_until = time.monotonic() + BOUND_REMEMBER_SECONDS

    def _remember(self, shop: Shop, read_at: float) -> None:
        if len(self._by_id) >= MAX_SHOPS:
            self._by_slug.clear()
            self._by_id.clear()
        self._by_slug[shop.slug] = self._by_id[shop.id] = (read_at, shop)


class ShopsSeen:
    """The way to a shop for one caller: where he may not use it so, it ends here.

    Args:
        origin: the site whose page asks; None: no page, or one of our own.
        document: SHA-256 of the document he sends; None is a document that nobody registered.
        merchant_id: whose staff or system he is, if he is one's.
    """

    def __init__(
        self,
        directory: ShopDirectory,
        origin: str | None,
        document: str | None = None,
        merchant_id: UUID | None = None,
    ) -> None:
        self._directory = directory
        self._origin = origin
        self._document = document
        self._merchant_id = merchant_id

    def asked_with(self, document: str, *, merchant_id: UUID | None) -> "ShopsSeen":
        """Return the same for one operation."""
        return ShopsSeen(self._directory, self._origin, document, merchant_id)

    @property
    def way(self) -> Hashable:
        """What decides which shops can be used this way."""
        return self._directory, self._origin, self._document, self._merchant_id

    async def find(self, slug: str) -> Shop | None:
        """Return the shop at an address, or None.

        Raises:
            OriginNotAllowed: it names the sites whose pages may use it, and not this one.
            DocumentNotTrusted: it answers documents that it has registered, and not this one.
        """
        shop = await self._directory.find(slug)
        if shop is not None:
            await self.check(shop)
        return shop

    async def get(self, slug: str) -> Shop:
        """Return the shop that an input names as ``shop``.

        Raises:
            ShopNotFound: there is none.
            OriginNotAllowed, DocumentNotTrusted: as find.
        """
        shop = await self.find(slug)
        if shop is None:
            raise ShopNotFound(shop=slug[:MAX_SHOWN], field=("shop",))
        return shop

    async def check(self, shop: Shop) -> None:
        """Let the caller use a shop, or raise OriginNotAllowed or DocumentNotTrusted."""
        if self._origin is not None and not is_used_from(shop.storefront_origins, self._origin):
            raise OriginNotAllowed
        if shop.trusted_documents_only:
            await self._check_document(shop.id, BoundShop(shop.merchant_id, shop.documents_version))

    async def are_guarded(self) -> bool:
        """Tell whether there is any shop that the caller might not use so."""
        return self._origin is not None or bool(await self._directory.bound_shops())

    async def check_id(self, shop_id: UUID) -> None:
        """Likewise, for one that is known by its id. Reads the shop only to judge a page."""
        if self._origin is not None:
            shop = await self._directory.find_by_id(shop_id)
            if shop is not None:
                await self.check(shop)
            return
        await self.check_document(shop_id)

    async def check_document(self, shop_id: UUID) -> None:
        """Likewise, whatever page asks; raises DocumentNotTrusted alone."""
        bound = (await self._directory.bound_shops()).get(shop_id)
        if bound is not None:
            await self._check_document(shop_id, bound)

    async def _check_document(self, shop_id: UUID, shop: BoundShop) -> None:
        # A merchant's token is his own key: of no use at somebody else's shop.
        if self._merchant_id == shop.merchant_id:
            return
        if self._document is None or not await self._directory.is_registered(
            shop_id, shop.version, self._document
        ):
            raise DocumentNotTrusted
