"""What an order's page shows beside the order: the item as it is now, with its picture."""

from typing import Any

from headless_presale.catalog.models import ProductMedia, ProductVariant
from headless_presale.kernel.ids import new_id
from headless_presale.payments.gateways import set_gateways
from tests.graphql.endpoint import Api
from tests.graphql.ordering import Placed
from tests.support.memory_gateway import MemoryGateway

LINES = """
query ($id: ID!, $token: String!) { order(id: $id, token: $token) { lines {
  title campaignItemId
  campaignItem { id campaign { handle } product { handle } variant { media { url alt } } } } } }
"""


async def line_of(api: Api, placed: Placed) -> dict[str, Any]:
    (line,) = (await api.ask(LINES, **placed.key)).data["order"]["lines"]
    found: dict[str, Any] = line
    return found


async def test_a_line_leads_to_its_item_and_the_picture_of_its_variant(
    api: Api, placed: Placed
) -> None:
    variant = await ProductVariant.get(sku="FOX-1")
    pictures = [
        await ProductMedia.create(
            id=new_id(),
            product_id=variant.product_id,
            url=f"https://cdn.example/{name}.jpg",
            alt=name,
            position=position,
        )
        for position, name in enumerate(("front", "back"))
    ]
    line = await line_of(api, placed)
    assert line["campaignItem"] == {
        "id": line["campaignItemId"],
        "campaign": {"handle": "nebula-fox"},
        "product": {"handle": "fox-1"},
        # It is not said which of the product's pictures shows it.
        "variant": {"media": None},
    }

    await ProductVariant.filter(id=variant.id).update(media_id=pictures[1].id)

    assert (await line_of(api, placed))["campaignItem"]["variant"]["media"] == {
        "url": "https://cdn.example/back.jpg",
        "alt": "back",
    }


async def test_a_storefront_asks_which_gateways_there_are(api: Api, placed: Placed) -> None:
    query = '{ shop(slug: "moonlit-forge") { paymentGateways { name } } }'
    assert (await api.ask(query)).data["shop"]["paymentGateways"] == []

    set_gateways([MemoryGateway("alpha"), MemoryGateway("beta")])
    try:
        found = (await api.ask(query)).data["shop"]["paymentGateways"]
    finally:
        set_gateways([])
    assert found == [{"name": "alpha"}, {"name": "beta"}]
