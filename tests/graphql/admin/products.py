"""A product made over GraphQL, and what is asked about it."""

from typing import Any

from headless_presale.shops.models import Shop
from resolvers.global_ids import seal
from tests.graphql.endpoint import Api

ERRORS = """
userErrors {
  __typename code message field
  ... on VersionConflictError { currentVersion conflicts { field yours current } }
}
"""
PRODUCT = """
fragment Whole on AdminProduct {
  id handle title descriptionHtml vendor productType tags isPublished version
  seoTitle seoDescription
  options { id name values }
  variants {
    id sku optionValues price { minor currency } compareAtPrice { minor } barcode weightGrams
    weightUnit isShippable isTaxable stockOnHand media { url }
  }
  media { id url alt }
  translations {
    locale title descriptionHtml seoTitle seoDescription
    options { optionId name values { value text } }
  }
}
"""
CUP: dict[str, Any] = {
    "title": "Cup",
    "descriptionHtml": '<p onclick="x()">Blue</p>',
    "tags": ["winter", "cups"],
    "options": ["Size"],
    "variants": [
        {"priceMinor": 2_000, "optionValues": ["S"], "sku": "CUP-S"},
        {"priceMinor": 3_000, "optionValues": ["L"], "sku": "CUP-L", "stockOnHand": 4},
    ],
    "media": [{"url": "https://example.com/1.jpg", "alt": "Front"}],
}


async def ask(
    api: Api, token: str, mutation: str, *, language: str = "en", **input: Any
) -> dict[str, Any]:
    """Send one mutation about a product; return its payload."""
    name = f"{mutation[0].upper()}{mutation[1:]}"
    is_deletion = mutation == "productDelete"
    many = mutation in ("productsUpdate", "variantPricesSet")
    shown = "deletedId" if is_deletion else f"product{'s' if many else ''} {{ ...Whole }}"
    query = (
        f"mutation ($input: {name}Input!) {{ {mutation}(input: $input) {{ {shown} {ERRORS} }} }}"
        f"{'' if is_deletion else PRODUCT}"
    )
    reply = await api.ask(query, bearer=token, language=language, input=input)
    payload: dict[str, Any] = reply.data[mutation]
    return payload


async def make_product(api: Api, token: str, shop: Shop, **changes: Any) -> dict[str, Any]:
    """Make a product of two variants; return it."""
    made = await ask(
        api, token, "productCreate", shopId=seal("Shop", shop.id), **{**CUP, **changes}
    )
    assert made["userErrors"] == []
    product: dict[str, Any] = made["product"]
    return product
