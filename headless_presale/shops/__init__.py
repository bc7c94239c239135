"""Shops: whose storefront it is, in which currency and language."""

from headless_presale.shops.errors import ShopNotFound, ShopSlugTaken
from headless_presale.shops.models import Merchant, Shop
from headless_presale.shops.service import (
    CreateShop,
    RenameMerchant,
    create_shop,
    ensure_shop,
    find_shop,
    get_shop,
    get_shop_by_id,
    rename_merchant,
    shop_name,
)

__all__ = [
    "CreateShop",
    "Merchant",
    "RenameMerchant",
    "Shop",
    "ShopNotFound",
    "ShopSlugTaken",
    "create_shop",
    "ensure_shop",
    "find_shop",
    "get_shop",
    "get_shop_by_id",
    "rename_merchant",
    "shop_name",
]
