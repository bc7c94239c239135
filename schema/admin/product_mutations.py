"""What a merchant does with products. Everything is all or nothing, and recorded in the log."""

import strawberry

from headless_presale.catalog import Product, ProductVariant
from headless_presale.identity import Scope
from resolvers.admin import product_parts, products
from resolvers.admin.product_parts import OptionTexts, PriceWish
from resolvers.admin.products import OptionWish
from resolvers.errors import Answer
from schema.admin.product_inputs import (
    PRODUCT_FIELDS,
    TEXT_FIELDS,
    VARIANT_FIELDS,
    ProductCreateInput,
    ProductDeleteInput,
    ProductMediaAddInput,
    ProductMediaRemoveInput,
    ProductMediaReorderInput,
    ProductMediaUpdateInput,
    ProductsUpdateInput,
    ProductTranslationRemoveInput,
    ProductTranslationSetInput,
    ProductUpdateInput,
    VariantCreateInput,
    VariantDeleteInput,
    VariantPricesSetInput,
    VariantUpdateInput,
    given,
)
from schema.admin.products import AdminProductType, AdminVariantType
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.permissions import requires


@strawberry.type
class ProductCreatePayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductUpdatePayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class ProductsUpdatePayload:
    products: list[AdminProductType] | None
    user_errors: list[UserError]


@strawberry.type
class VariantCreatePayload:
    product: AdminProductType | None
    variant: AdminVariantType | None
    user_errors: list[UserError]


@strawberry.type
class VariantUpdatePayload:
    product: AdminProductType | None
    variant: AdminVariantType | None
    user_errors: list[UserError]


@strawberry.type
class VariantDeletePayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class VariantPricesSetPayload:
    products: list[AdminProductType] | None
    user_errors: list[UserError]


@strawberry.type
class ProductMediaAddPayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductMediaUpdatePayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductMediaReorderPayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductMediaRemovePayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductTranslationSetPayload:
    product: AdminProductType | None
    user_errors: list[UserError]


@strawberry.type
class ProductTranslationRemovePayload:
    product: AdminProductType | None
    user_errors: list[UserError]


def _product(answer: Answer[Product]) -> AdminProductType | None:
    return None if answer.value is None else AdminProductType(row=answer.value)


def _products(answer: Answer[list[Product]]) -> list[AdminProductType] | None:
    return None if answer.value is None else [AdminProductType(row=row) for row in answer.value]


def _both(
    answer: Answer[tuple[Product, ProductVariant]],
) -> tuple[AdminProductType | None, AdminVariantType | None]:
    if answer.value is None:
        return None, None
    product, variant = answer.value
    return AdminProductType(row=product), AdminVariantType(row=variant)


@strawberry.type
class ProductMutation:
    @strawberry.mutation(
        description="Make a product with its variants. A repetition answers PRODUCT_HANDLE_TAKEN.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_create(self, info: Info, input: ProductCreateInput) -> ProductCreatePayload:
        made = await products.create(
            info.context,
            shop_id=input.shop_id,
            fields=given(input, PRODUCT_FIELDS),
            options=input.options,
            variants=[given(variant, VARIANT_FIELDS) for variant in input.variants],
            media=[medium.to_wish() for medium in input.media],
        )
        return ProductCreatePayload(product=_product(made), user_errors=user_errors(made.refusals))

    @strawberry.mutation(
        description="Change a product: its texts, tags, options, and whether it is shown.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_update(self, info: Info, input: ProductUpdateInput) -> ProductUpdatePayload:
        options = input.options
        changed = await products.update(
            info.context,
            product_id=input.product_id,
            version=input.version,
            changes=given(input, PRODUCT_FIELDS),
            options=None
            if options is None
            else [OptionWish(name=o.name, option_id=o.option_id, value=o.value) for o in options],
        )
        return ProductUpdatePayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Delete a product that no campaign has ever presold; hide others instead.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_delete(self, info: Info, input: ProductDeleteInput) -> ProductDeletePayload:
        gone = await products.delete(
            info.context, product_id=input.product_id, version=input.version
        )
        return ProductDeletePayload(
            deleted_id=input.product_id if gone.value else None,
            user_errors=user_errors(gone.refusals),
        )

    @strawberry.mutation(
        description="Show, hide or tag many products of a shop.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def products_update(
        self, info: Info, input: ProductsUpdateInput
    ) -> ProductsUpdatePayload:
        changed = await products.update_many(
            info.context,
            shop_id=input.shop_id,
            products=[(product.product_id, product.version) for product in input.products],
            is_published=input.is_published,
            add_tags=input.add_tags,
            remove_tags=input.remove_tags,
        )
        return ProductsUpdatePayload(
            products=_products(changed), user_errors=user_errors(changed.refusals)
        )


@strawberry.type
class VariantMutation:
    @strawberry.mutation(
        description="Add a variant behind the others.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def variant_create(self, info: Info, input: VariantCreateInput) -> VariantCreatePayload:
        made = await product_parts.create_one(
            info.context,
            product_id=input.product_id,
            version=input.version,
            fields=given(input, VARIANT_FIELDS),
        )
        product, variant = _both(made)
        return VariantCreatePayload(
            product=product, variant=variant, user_errors=user_errors(made.refusals)
        )

    @strawberry.mutation(
        description="Change a variant. Campaigns and orders keep their own prices.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def variant_update(self, info: Info, input: VariantUpdateInput) -> VariantUpdatePayload:
        changed = await product_parts.update_one(
            info.context,
            variant_id=input.variant_id,
            version=input.version,
            changes=given(input, VARIANT_FIELDS),
        )
        product, variant = _both(changed)
        return VariantUpdatePayload(
            product=product, variant=variant, user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Delete a variant that no campaign has ever presold.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def variant_delete(self, info: Info, input: VariantDeleteInput) -> VariantDeletePayload:
        gone = await product_parts.delete_one(
            info.context, variant_id=input.variant_id, version=input.version
        )
        return VariantDeletePayload(product=_product(gone), user_errors=user_errors(gone.refusals))

    @strawberry.mutation(
        description="Set prices of many variants. Campaigns and orders keep their own prices.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def variant_prices_set(
        self, info: Info, input: VariantPricesSetInput
    ) -> VariantPricesSetPayload:
        wishes = [
            PriceWish(
                variant_id=price.variant_id,
                version=price.version,
                changes=given(price, ("price_minor", "compare_at_minor")),
            )
            for price in input.prices
        ]
        changed = await product_parts.set_all_prices(
            info.context, shop_id=input.shop_id, prices=wishes
        )
        return VariantPricesSetPayload(
            products=_products(changed), user_errors=user_errors(changed.refusals)
        )


@strawberry.type
class ProductMediaMutation:
    @strawberry.mutation(
        description="Show more pictures of a product.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_media_add(
        self, info: Info, input: ProductMediaAddInput
    ) -> ProductMediaAddPayload:
        changed = await product_parts.add_pictures(
            info.context,
            product_id=input.product_id,
            version=input.version,
            media=[medium.to_wish() for medium in input.media],
        )
        return ProductMediaAddPayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Say what a picture shows.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_media_update(
        self, info: Info, input: ProductMediaUpdateInput
    ) -> ProductMediaUpdatePayload:
        changed = await product_parts.describe_picture(
            info.context,
            media_id=input.media_id,
            version=input.version,
            alt=input.alt,
        )
        return ProductMediaUpdatePayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Show pictures in another order.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_media_reorder(
        self, info: Info, input: ProductMediaReorderInput
    ) -> ProductMediaReorderPayload:
        changed = await product_parts.order_pictures(
            info.context,
            product_id=input.product_id,
            version=input.version,
            media_ids=input.media_ids,
        )
        return ProductMediaReorderPayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Show pictures no longer; variants that showed one show none.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_media_remove(
        self, info: Info, input: ProductMediaRemoveInput
    ) -> ProductMediaRemovePayload:
        changed = await product_parts.remove_pictures(
            info.context,
            product_id=input.product_id,
            version=input.version,
            media_ids=input.media_ids,
        )
        return ProductMediaRemovePayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )


@strawberry.type
class ProductTranslationMutation:
    @strawberry.mutation(
        description="Store texts in one language; what is left out keeps its translation.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_translation_set(
        self, info: Info, input: ProductTranslationSetInput
    ) -> ProductTranslationSetPayload:
        texts = given(input, TEXT_FIELDS)
        changed = await product_parts.set_texts(
            info.context,
            product_id=input.product_id,
            version=input.version,
            locale=input.locale,
            texts={name: text or "" for name, text in texts.items()},
            options=[
                OptionTexts(
                    option_id=option.option_id,
                    name=option.name,
                    values={value.value: value.text for value in option.values},
                )
                for option in input.options
            ],
        )
        return ProductTranslationSetPayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Forget all texts in one language.",
        extensions=requires(Scope.CATALOG_WRITE),
    )
    async def product_translation_remove(
        self, info: Info, input: ProductTranslationRemoveInput
    ) -> ProductTranslationRemovePayload:
        changed = await product_parts.remove_texts(
            info.context,
            product_id=input.product_id,
            version=input.version,
            locale=input.locale,
        )
        return ProductTranslationRemovePayload(
            product=_product(changed), user_errors=user_errors(changed.refusals)
        )
