"""Shops: whose storefront it is, in which currency and language."""

from headless_presale.shops.errors import ShopFixed, ShopNotFound, ShopSlugTaken
from headless_presale.shops.models import Merchant, Shop
from headless_presale.shops.origins import is_used_from, list_named_origins
from headless_presale.shops.policies import POLICY_BOUNDS, Bounds, ShopPolicies
from headless_presale.shops.service import (
    CreateShop,
    RenameMerchant,
    create_shop,
    ensure_shop,
    find_shop,
    get_shop,
    get_shop_by_id,
    mail_locale,
    rename_merchant,
    shop_name,
)
from headless_presale.shops.settings import (
    UpdatePolicies,
    UpdateShop,
    has_product,
    update_policies,
    update_shop,
)

__all__ = [
    "POLICY_BOUNDS",
    "Bounds",
    "CreateShop",
    "Merchant",
    "RenameMerchant",
    "Shop",
    "ShopFixed",
    "ShopNotFound",
    "ShopPolicies",
    "ShopSlugTaken",
    "UpdatePolicies",
    "UpdateShop",
    "create_shop",
    "ensure_shop",
    "find_shop",
    "get_shop",
    "get_shop_by_id",
    "has_product",
    "is_used_from",
    "list_named_origins",
    "mail_locale",
    "rename_merchant",
    "shop_name",
    "update_policies",
    "update_shop",
]
