"""A shop as its merchant sees it: put together from what each part of the house knows of it."""

import strawberry

from headless_presale.identity import Scope
from headless_presale.shops import Shop
from resolvers.admin import audit, products
from schema.admin.audit import AuditEntryType, AuditFilterInput, question_of
from schema.admin.products import AdminProductType, ProductFilterInput, ProductSortInput
from schema.admin.products import question_of as product_question_of
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


@strawberry.type(name="AdminShop", description="A shop as its merchant sees it.")
class AdminShopType:
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
        description="Products, the newest first unless sorted otherwise. `totalCount` counts up to "
        "10,000.",
        extensions=requires(Scope.CATALOG_READ),
    )
    async def products(
        self,
        info: Info,
        filter: ProductFilterInput | None = None,
        sort: ProductSortInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AdminProductType]:
        page = await products.page_of_products(
            info.context,
            self.shop,
            product_question_of(filter, sort),
            page_request(first, after, last, before),
        )
        return connect(page, lambda listed: AdminProductType(row=listed.product))

    @strawberry.field(
        description="A product by its id or its handle; null if it is not of this shop.",
        extensions=requires(Scope.CATALOG_READ),
    )
    async def product(
        self, info: Info, id: strawberry.ID | None = None, handle: str | None = None
    ) -> AdminProductType | None:
        found = await products.find_product(info.context, self.shop, product_id=id, handle=handle)
        return None if found is None else AdminProductType(row=found)
