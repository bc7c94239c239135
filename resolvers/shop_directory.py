"""Shops by slug, remembered for a moment: every request starts at one.

Placing an order must not ask the database which shop it is for when the answer is "sold out".
"""

import time
from uuid import UUID

from headless_presale.shops import Shop, find_shop, is_used_from
from resolvers.errors import OriginNotAllowed, reads

REMEMBER_SECONDS = 1.0
MAX_SHOPS = 10_000


class ShopDirectory:
    """One per application. Only shops that exist are remembered: a new one is seen at once."""

    def __init__(self) -> None:
        self._by_slug: dict[str, tuple[float, Shop]] = {}
        self._by_id: dict[UUID, tuple[float, Shop]] = {}

    @reads
    async def find(self, slug: str) -> Shop | None:
        """Return the shop at an address, at most a second old, or None."""
        known = self._by_slug.get(slug)
        if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS:
            return known[1]
        shop = await find_shop(slug)
        if shop is None:
            self._by_slug.pop(slug, None)
            return None
        self._remember(shop)
        return shop

    @reads
    async def find_by_id(self, shop_id: UUID) -> Shop | None:
        """Return a shop, at most a second old, or None."""
        known = self._by_id.get(shop_id)
        if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS:
            return known[1]
        shop = await Shop.get_or_none(id=shop_id)
        if shop is not None:
            self._remember(shop)
        return shop

    def seen_from(self, origin: str | None) -> "ShopsSeen":
        """Return the shops as a page of another site comes to them; None: no page, or our own."""
        return ShopsSeen(self, origin)

    def _remember(self, shop: Shop) -> None:
        if len(self._by_id) >= MAX_SHOPS:
            self._by_slug.clear()
            self._by_id.clear()
        self._by_slug[shop.slug] = self._by_id[shop.id] = (time.monotonic(), shop)


class ShopsSeen:
    """The way to a shop for one caller: where it may not be used from his page, it ends here."""

    def __init__(self, directory: ShopDirectory, origin: str | None) -> None:
        self._directory = directory
        self._origin = origin

    async def find(self, slug: str) -> Shop | None:
        """Return the shop at an address, or None.

        Raises:
            OriginNotAllowed: it names the sites whose pages may use it, and not this one.
        """
        shop = await self._directory.find(slug)
        if shop is not None:
            self.check(shop)
        return shop

    def check(self, shop: Shop) -> None:
        """Let the page use a shop, or raise OriginNotAllowed."""
        if self._origin is not None and not is_used_from(shop.storefront_origins, self._origin):
            raise OriginNotAllowed

    @property
    def are_guarded(self) -> bool:
        """Whether the caller's page has to be asked about at all."""
        return self._origin is not None

    async def check_id(self, shop_id: UUID) -> None:
        """Likewise, for one that is known by its id. Asks nothing where no page is to be judged."""
        if self._origin is None:
            return
        shop = await self._directory.find_by_id(shop_id)
        if shop is not None:
            self.check(shop)
