"""Reads."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headless_presale.shops import Shop
from resolvers import campaigns, carts, catalog, order_access, shops
from resolvers.admin import merchant, staff
from resolvers.errors import ArgumentInvalid
from resolvers.global_ids import find_node_id
from schema.admin.merchant import MerchantType, Viewer
from schema.campaigns import CampaignItemType, CampaignType
from schema.carts import CartType
from schema.catalog import ProductType, VariantType
from schema.customers import CustomerType
from schema.nodes import Info, Node
from schema.orders import OrderId, OrderToken, OrderType
from schema.permissions import customer_only, requires
from schema.shops import ShopType

Slug = Annotated[str, strawberry.argument(description="`Shop.slug`, such as `moonlit-forge`.")]
CartId = Annotated[strawberry.ID, strawberry.argument(description="`Cart.id`.")]
CartToken = Annotated[
    str | None,
    strawberry.argument(
        description="`cartToken` of the payload that made it; one's own cart needs none."
    ),
]
NodeId = Annotated[strawberry.ID, strawberry.argument(description="The `id` of a `Node`.")]


@strawberry.type(
    description="Reads: a storefront's start at `shop`, a merchant's at `merchant`; a buyer's "
    "order needs its token, a signed-in customer starts at `me`."
)
class Query:
    """What anybody may ask, and the two doors to what needs an access token."""

    @strawberry.field(description="A shop by its slug.")
    async def shop(self, info: Info, slug: Slug) -> ShopType | None:
        shop = await shops.find_shop(info.context, slug)
        return None if shop is None else ShopType(shop=shop)

    @strawberry.field(
        description="An order for the holder of its token, and for its own customer without one; "
        "null for everybody else."
    )
    async def order(self, info: Info, id: OrderId, token: OrderToken = None) -> OrderType | None:
        order = await order_access.find_own_order(info.context, id, token)
        return None if order is None else OrderType(order=order)

    @strawberry.field(
        description="A cart for the holder of its token, or without one for its customer; null for "
        "everybody else. Priced as it is read, to be asked again whenever it is shown."
    )
    async def cart(self, info: Info, id: CartId, token: CartToken = None) -> CartType | None:
        cart = await carts.find_cart(info.context, id, token)
        return None if cart is None else CartType(cart=cart)

    @strawberry.field(
        description="A public thing by its global id: shops, products, variants, campaigns, items."
    )
    async def node(self, info: Info, id: NodeId) -> Node | None:
        found = find_node_id(id)
        if found is None:
            raise ArgumentInvalid("This is not a global id.", code="ID_INVALID")
        info.context.allow_reuse()
        return await _find_node(info, *found)

    @strawberry.field(description="Who you are and what you may do.", extensions=requires())
    async def viewer(self, info: Info) -> Viewer:
        return Viewer(
            principal=info.context.principal, account=await staff.find_account(info.context)
        )

    @strawberry.field(
        description="Your merchant: where everything that is not for buyers starts.",
        extensions=requires(),
    )
    async def merchant(self, info: Info) -> MerchantType:
        return MerchantType(row=await merchant.get_merchant(info.context))

    @strawberry.field(
        description="The customer who is signed in, in the shop of the token. Ask for it with one "
        "alone: without, the whole answer is `UNAUTHENTICATED`.",
        extensions=customer_only(),
    )
    async def me(self, info: Info) -> CustomerType:
        return CustomerType(customer=info.context.customer.customer)

    @strawberry.field(description="The server's clock.")
    def server_time(self, info: Info) -> datetime:
        return info.context.at


async def _find_node(info: Info, kind: str, uuid: UUID) -> Node | None:
    match kind:
        case "Shop":
            shop = await _shop(info, uuid)
            return None if shop is None else ShopType(shop=shop)
        case "Product":
            product = await catalog.find_published_product(info.context, uuid)
            if product is None:
                return None
            shop = await _shop(info, product.shop_id)
            return None if shop is None else ProductType(product=product, shop=shop)
        case "ProductVariant":
            variant = await info.context.loaders.variants.load(uuid)
            if variant is None or not variant.product.is_published:
                return None
            shop = await _shop(info, variant.product.shop_id)
            if shop is None:
                return None
            return VariantType(variant=variant, product_row=variant.product, shop=shop)
        case "Campaign":
            campaign = await campaigns.find_public_campaign(info.context, uuid)
            if campaign is None:
                return None
            shop = await _shop(info, campaign.shop_id)
            return None if shop is None else CampaignType(snapshot=campaign, shop=shop)
        case "CampaignItem":
            offer = await campaigns.find_public_item(info.context, uuid)
            if offer is None:
                return None
            campaign, item = offer
            shop = await _shop(info, campaign.shop_id)
            if shop is None:
                return None
            return CampaignItemType(item=item, snapshot=campaign, shop=shop)
        case _:
            return None


async def _shop(info: Info, shop_id: UUID) -> Shop | None:
    """Return the shop that a node belongs to, unless it may not be used by this caller."""
    shop = await info.context.loaders.shops.load(shop_id)
    if shop is not None:
        await info.context.shops.check(shop)
    return shop
