"""The catalogue: what a shop shows, in which languages, and how it gets in from a product file."""

from headless_presale.catalog.drafts import RowError
from headless_presale.catalog.errors import ProductNotFound, UnreadableProductFile
from headless_presale.catalog.events import ProductsChanged
from headless_presale.catalog.import_plan import MissingVariant
from headless_presale.catalog.importer import ImportProducts, ImportReport, import_products
from headless_presale.catalog.models import Product, ProductMedia, ProductOption, ProductVariant
from headless_presale.catalog.service import (
    MAX_PAGE_SIZE,
    LocalizedOption,
    LocalizedProduct,
    OptionTranslation,
    SetTranslation,
    count_products,
    find_products,
    find_variants,
    get_product,
    list_media,
    list_options,
    list_products,
    list_variants,
    localized,
    localized_option,
    set_translation,
)

__all__ = [
    "MAX_PAGE_SIZE",
    "ImportProducts",
    "ImportReport",
    "LocalizedOption",
    "LocalizedProduct",
    "MissingVariant",
    "OptionTranslation",
    "Product",
    "ProductMedia",
    "ProductNotFound",
    "ProductOption",
    "ProductVariant",
    "ProductsChanged",
    "RowError",
    "SetTranslation",
    "UnreadableProductFile",
    "count_products",
    "find_products",
    "find_variants",
    "get_product",
    "import_products",
    "list_media",
    "list_options",
    "list_products",
    "list_variants",
    "localized",
    "localized_option",
    "set_translation",
]
