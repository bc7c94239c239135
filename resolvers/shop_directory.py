"""Shops by slug, remembered for a moment: every request starts at one.

Placing an order must not ask the database which shop it is for when the answer is "sold out".
"""

import time

from headless_presale.shops import Shop, find_shop
from resolvers.errors import reads

REMEMBER_SECONDS = 1.0
MAX_SHOPS = 10_000


class ShopDirectory:
    """One per application. Only shops that exist are remembered: a new one is seen at once."""

    def __init__(self) -> None:
        self._by_slug: dict[str, tuple[float, Shop]] = {}

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
        if len(self._by_slug) >= MAX_SHOPS:
            self._by_slug.clear()
        self._by_slug[slug] = (time.monotonic(), shop)
        return shop
