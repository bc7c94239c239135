"""What a shop has of products, for its merchant."""

import strawberry

from headless_presale.identity import Scope
from headless_presale.shops import Shop
from resolvers.admin import products
from schema.admin.products import (
    AdminProductType,
    ProductFilterInput,
    ProductSortInput,
    question_of,
)
from schema.nodes import After, Before, Connection, First, Last, connect, page_request
from schema.permissions import requires


@strawberry.type
class ProductsOfShop:
    """A part of ``AdminShop``."""

    shop: strawberry.Private[Shop]

    @strawberry.field(
        description="Products, the newest first unless sorted otherwise. `totalCount` counts up to "
        "10,000.",
        extensions=requires(Scope.CATALOG_READ),
    )
    async def products(
        self,
        filter: ProductFilterInput | None = None,
        sort: ProductSortInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AdminProductType]:
        page = await products.page_of_products(
            self.shop,
            question_of(filter, sort),
            page_request(first, after, last, before),
        )
        return connect(page, lambda listed: AdminProductType(row=listed.product))

    @strawberry.field(
        description="A product by its id or its handle; null if it is not of this shop.",
        extensions=requires(Scope.CATALOG_READ),
    )
    async def product(
        self, id: strawberry.ID | None = None, handle: str | None = None
    ) -> AdminProductType | None:
        found = await products.find_product(self.shop, product_id=id, handle=handle)
        return None if found is None else AdminProductType(row=found)
