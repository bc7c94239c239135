"""The catalogue: products, their options, variants and media."""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from headless_presale.kernel.indexes import WhereIndex

if TYPE_CHECKING:
    from headless_presale.shops.models import Shop


class Product(Model):
    """Something a shop shows. ``handle`` is its address within the shop.

    ``description_html`` is sanitised when written. ``translations`` maps a locale to the texts
    that differ there: ``{"zh-CN": {"title": ..., "description_html": ...}}``.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="products", db_index=False, on_delete=fields.RESTRICT
    )
    handle = fields.CharField(max_length=255)
    title = fields.CharField(max_length=255)
    description_html = fields.TextField(default="")
    vendor = fields.CharField(max_length=255, default="")
    product_type = fields.CharField(max_length=255, default="")
    tags = ArrayField(element_type="text", default=list)
    is_published = fields.BooleanField(default=True)
    seo_title = fields.CharField(max_length=255, default="")
    seo_description = fields.TextField(default="")
    translations = fields.JSONField[dict[str, dict[str, str]]](default=dict)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    variants: fields.ReverseRelation["ProductVariant"]
    options: fields.ReverseRelation["ProductOption"]
    media: fields.ReverseRelation["ProductMedia"]

    class Meta:
        table = "product"
        unique_together = (("shop", "handle"),)
        indexes = (Index(fields=("shop_id", "id"), name="product_shop_id_id"),)


class ProductOption(Model):
    """An axis a product varies along, e.g. Size; ``position`` 1 to 3."""

    id = fields.UUIDField(primary_key=True)
    product_id: UUID
    product: fields.ForeignKeyRelation["Product"] = fields.ForeignKeyField(
        "presale.Product", related_name="options", db_index=False, on_delete=fields.CASCADE
    )
    position = fields.SmallIntField()
    name = fields.CharField(max_length=255)
    translations = fields.JSONField[dict[str, dict[str, str]]](default=dict)

    class Meta:
        table = "product_option"
        unique_together = (("product", "position"),)


class ProductVariant(Model):
    """What is sold: one combination of option values, in option order.

    Prices are minor units of the shop's currency. ``stock_on_hand`` is physical stock; presale
    capacity lives in slot pools and never touches it.
    """

    id = fields.UUIDField(primary_key=True)
    product_id: UUID
    product: fields.ForeignKeyRelation["Product"] = fields.ForeignKeyField(
        "presale.Product", related_name="variants", db_index=False, on_delete=fields.CASCADE
    )
    position = fields.IntField()
    sku = fields.CharField(max_length=255, null=True)
    option_values = ArrayField(element_type="text", default=list)
    price_minor = fields.BigIntField()
    compare_at_minor = fields.BigIntField(null=True)
    currency = fields.CharField(max_length=3)
    barcode = fields.CharField(max_length=255, default="")
    weight_grams = fields.IntField(null=True)
    weight_unit = fields.CharField(max_length=4, default="")
    is_shippable = fields.BooleanField(default=True)
    is_taxable = fields.BooleanField(default=True)
    stock_on_hand = fields.IntField(null=True)
    media_id: UUID | None
    media: fields.ForeignKeyNullableRelation["ProductMedia"] = fields.ForeignKeyField(
        "presale.ProductMedia", null=True, related_name="variants", on_delete=fields.SET_NULL
    )
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "product_variant"
        unique_together = (("product", "option_values"),)
        indexes = (
            WhereIndex(fields=("sku",), name="product_variant_by_sku", where="sku IS NOT NULL"),
        )
        constraints = (
            UniqueConstraint(
                fields=("product_id", "sku"),
                name="product_variant_sku_unique",
                condition="sku IS NOT NULL",
            ),
            CheckConstraint(check="price_minor >= 0", name="product_variant_price_not_negative"),
        )


class ProductMedia(Model):
    """A picture or film of a product. ``url`` is unique within the product."""

    id = fields.UUIDField(primary_key=True)
    product_id: UUID
    product: fields.ForeignKeyRelation["Product"] = fields.ForeignKeyField(
        "presale.Product", related_name="media", db_index=False, on_delete=fields.CASCADE
    )
    url = fields.CharField(max_length=2048)
    alt = fields.CharField(max_length=512, default="")
    position = fields.IntField()

    class Meta:
        table = "product_media"
        unique_together = (("product", "url"),)
