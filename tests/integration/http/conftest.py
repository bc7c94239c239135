"""The gateway of each test, the shop that it tells, and the same without a network."""

from tests.support.gateway import sandbox, shop_url
from tests.support.http import shop

__all__ = ["sandbox", "shop", "shop_url"]
