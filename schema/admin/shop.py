"""A shop as its merchant sees it: put together from what each part of the house knows of it."""

import strawberry

from headless_presale.analytics import SalesInterval
from headless_presale.identity import Scope
from headless_presale.shops import Shop
from resolvers.admin import analytics, audit, campaigns, media, orders, sign_in_providers
from schema.admin.analytics import SalesChartType, SalesFrom, SalesUntil
from schema.admin.audit import AuditEntryType, AuditFilterInput, question_of
from schema.admin.campaigns import (
    AdminCampaignFilterInput,
    AdminCampaignSortInput,
    AdminCampaignType,
)
from schema.admin.imports import ImportsOfShop
from schema.admin.media import MediaAssetType
from schema.admin.orders import (
    AdminOrderConnection,
    AdminOrderType,
    OrderFilterInput,
    OrderSortInput,
    connect_orders,
)
from schema.admin.orders import question_of as order_question_of
from schema.admin.policies import ShopPoliciesType, ShopSettingsType, policies_of
from schema.admin.shop_products import ProductsOfShop
from schema.admin.sign_in_providers import AdminSignInProviderType
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.permissions import requires
from schema.scalars import CurrencyCode
from schema.transport.costs import Cost


@strawberry.type(name="AdminShop", description="A shop as its merchant sees it.")
class AdminShopType(ProductsOfShop, ImportsOfShop):
    """Who it is; its fields beyond that name what they require."""

    shop: strawberry.Private[Shop]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Shop", self.shop.id)

    @strawberry.field
    def slug(self) -> str:
        return self.shop.slug

    @strawberry.field(description="In the shop's own language.")
    def name(self) -> str:
        return self.shop.name

    @strawberry.field
    def currency(self) -> CurrencyCode:
        return CurrencyCode(self.shop.currency)

    @strawberry.field(description="Rises with each change of settings or policies.")
    def version(self) -> int:
        return self.shop.version

    @strawberry.field(
        description="What it is called and how it is reached.",
        extensions=requires(Scope.SETTINGS_READ),
    )
    def settings(self) -> ShopSettingsType:
        return ShopSettingsType(shop=self.shop)

    @strawberry.field(
        description="Its own numbers, with their bounds.", extensions=requires(Scope.SETTINGS_READ)
    )
    def policies(self) -> ShopPoliciesType:
        return policies_of(self.shop)

    @strawberry.field(
        description="Where its customers can sign in besides by mail, the oldest first.",
        extensions=requires(Scope.SETTINGS_READ),
    )
    async def sign_in_providers(self) -> list[AdminSignInProviderType]:
        found = await sign_in_providers.providers_of(self.shop)
        return [AdminSignInProviderType(row=row) for row in found]

    @strawberry.field(
        description="Its pictures, the newest first.", extensions=requires(Scope.CATALOG_READ)
    )
    async def media(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[MediaAssetType]:
        page = await media.page_of_media(self.shop, page_request(first, after, last, before))
        return connect(page, lambda row: MediaAssetType(row=row))

    @strawberry.field(
        description="Its campaigns, drafts included; by default the latest opening first.",
        extensions=requires(Scope.CAMPAIGNS_READ),
    )
    async def campaigns(
        self,
        info: Info,
        filter: AdminCampaignFilterInput | None = None,
        sort: AdminCampaignSortInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AdminCampaignType]:
        order = sort or AdminCampaignSortInput()
        page = await campaigns.page_of_campaigns(
            info.context,
            self.shop,
            page_request(first, after, last, before),
            statuses=(filter and filter.statuses) or (),
            search=(filter and filter.search) or "",
            sort=order.by,
            is_descending=order.is_descending,
        )
        return connect(page, lambda row: AdminCampaignType(row=row, shop=self.shop))

    @strawberry.field(
        description="A campaign by its id or by its handle; null if the shop has none such.",
        extensions=requires(Scope.CAMPAIGNS_READ),
    )
    async def campaign(
        self, info: Info, id: strawberry.ID | None = None, handle: str | None = None
    ) -> AdminCampaignType | None:
        row = await campaigns.find_campaign(self.shop, id=id, handle=handle)
        return None if row is None else AdminCampaignType(row=row, shop=self.shop)

    @strawberry.field(
        description="Changes of the shop and what is in it, the newest first.",
        extensions=requires(Scope.AUDIT_READ),
    )
    async def audit_log(
        self,
        info: Info,
        filter: AuditFilterInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AuditEntryType]:
        page = await audit.page_of_entries(
            info.context,
            self.shop.id,
            question_of(filter),
            page_request(first, after, last, before),
        )
        return connect(page, lambda row: AuditEntryType(row=row))

    @strawberry.field(
        description="Slots and money over time, of the shop or of one campaign; null if that is "
        "not the shop's. At most 400 buckets.",
        extensions=requires(Scope.ANALYTICS_READ),
        directives=[Cost(weight=50)],
    )
    async def sales(
        self,
        from_: SalesFrom,
        until: SalesUntil,
        by: SalesInterval,
        campaign_id: strawberry.ID | None = None,
    ) -> SalesChartType | None:
        chart = await analytics.find_sales(
            self.shop, begins_at=from_, ends_at=until, by=by, campaign_id=campaign_id
        )
        return None if chart is None else SalesChartType(row=chart)

    @strawberry.field(
        description="Orders, the newest first unless sorted otherwise.",
        extensions=requires(Scope.ORDERS_READ),
    )
    async def orders(
        self,
        info: Info,
        filter: OrderFilterInput | None = None,
        sort: OrderSortInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> AdminOrderConnection:
        page = await orders.page_of_orders(
            info.context,
            [self.shop],
            order_question_of(filter, sort),
            page_request(first, after, last, before),
        )
        return connect_orders(page)

    @strawberry.field(
        description="An order by its id or its number, as people write it; null if it is not of "
        "this shop. Of several with one number, the latest.",
        extensions=requires(Scope.ORDERS_READ),
    )
    async def order(
        self, info: Info, id: strawberry.ID | None = None, number: str | None = None
    ) -> AdminOrderType | None:
        found = await orders.find_order(info.context, self.shop, order_id=id, number=number)
        return None if found is None else AdminOrderType(order=found)
