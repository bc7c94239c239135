"""The gateway of each test, and the shop that it tells."""

from tests.support.gateway import sandbox, shop_url

__all__ = ["sandbox", "shop_url"]
