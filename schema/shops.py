"""A shop: where every storefront read starts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from headless_presale.payments import list_gateways
from headless_presale.shops import Shop, shop_name
from resolvers import customer_sign_in, shops
from resolvers.campaigns import await_progress
from schema.campaigns import READS_PROGRESS, CampaignType
from schema.catalog import ProductType
from schema.customer_sign_in import SignInProviderType
from schema.enums import CampaignStatus
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    Node,
    connect,
    page_request,
)
from schema.payments import PaymentGateway
from schema.scalars import CurrencyCode
from schema.transport.lookahead import asks_for

ProductHandle = Annotated[str, strawberry.argument(description="`Product.handle`.")]
Statuses = Annotated[
    list[CampaignStatus] | None,
    strawberry.argument(description="Any of these; an empty list means any at all."),
]
CampaignHandle = Annotated[str, strawberry.argument(description="`Campaign.handle`.")]


@strawberry.type(name="Shop", description="A merchant's storefront.")
class ShopType(Node):
    """Everything below it belongs to this shop alone."""

    shop: strawberry.Private[Shop]

    def identity(self) -> tuple[str, UUID]:
        return "Shop", self.shop.id

    @strawberry.field(description="Its address, which inputs take as `shop`.")
    def slug(self) -> str:
        return self.shop.slug

    @strawberry.field(description="In the language of Accept-Language, else in the shop's.")
    def name(self, info: Info) -> str:
        return shop_name(self.shop, info.context.locale)

    @strawberry.field(description="What its catalogue is priced in.")
    def currency(self) -> CurrencyCode:
        return CurrencyCode(self.shop.currency)

    @strawberry.field(description="The language of texts that have no translation.")
    def default_locale(self) -> str:
        return self.shop.default_locale

    @strawberry.field(description="Where its customers can sign in besides by mail, oldest first.")
    async def sign_in_providers(self) -> list[SignInProviderType]:
        found = await customer_sign_in.providers_of(self.shop)
        return [SignInProviderType(row=row) for row in found]

    @strawberry.field(description="How it is paid: what there is to choose from at the checkout.")
    def payment_gateways(self) -> list[PaymentGateway]:
        return [PaymentGateway(name=name) for name in list_gateways()]

    @strawberry.field(description="The moment this answer is about.")
    def server_time(self, info: Info) -> datetime:
        return info.context.at

    @strawberry.field(description="Published products, oldest first.")
    async def products(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ProductType]:
        request = page_request(first, after, last, before)
        page = await shops.page_of_products(self.shop, request)
        return connect(page, lambda product: ProductType(product=product, shop=self.shop))

    @strawberry.field(description="A published product; null if there is none such.")
    async def product(self, handle: ProductHandle) -> ProductType | None:
        product = await shops.find_product(self.shop, handle)
        return None if product is None else ProductType(product=product, shop=self.shop)

    @strawberry.field(description="Published campaigns, the latest opening first.")
    async def campaigns(
        self,
        info: Info,
        statuses: Statuses = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[CampaignType]:
        request = page_request(first, after, last, before)
        page = await shops.page_of_campaigns(info.context, self.shop, statuses, request)
        if asks_for(info, READS_PROGRESS):
            await await_progress(info.context, page.rows)
        return connect(page, lambda campaign: CampaignType(snapshot=campaign, shop=self.shop))

    @strawberry.field(description="A published campaign; null if there is none such.")
    async def campaign(self, info: Info, handle: CampaignHandle) -> CampaignType | None:
        campaign = await shops.find_campaign(info.context, self.shop, handle)
        if campaign is not None and asks_for(info, READS_PROGRESS):
            await await_progress(info.context, [campaign])
        return None if campaign is None else CampaignType(snapshot=campaign, shop=self.shop)
