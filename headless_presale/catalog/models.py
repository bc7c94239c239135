"""The catalogue: products, their options, variants and media; and imports of product files."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.catalog.states import ImportStatus
from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.media.models import MediaAsset
    from headless_presale.shops.models import Shop


class Product(Model):
    """Something a shop shows. ``handle`` is its address within the shop.

    ``description_html`` is sanitised when written. ``translations`` maps a locale to the texts
    that differ there: ``{"zh-CN": {"title": ..., "description_html": ...}}``. ``version`` covers
    the product with its options, variants and media: a change of any of them raises it.
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
    version = fields.IntField(default=1, db_default=1)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    variants: fields.ReverseRelation["ProductVariant"]
    options: fields.ReverseRelation["ProductOption"]
    media: fields.ReverseRelation["ProductMedia"]

    class Meta:
        table = "product"
        unique_together = (("shop", "handle"),)
        # sql/catalog.sql adds those over expressions, by title and for the search by prefix;
        # sql/product_tags.sql the one over tags.
        indexes = (
            Index(fields=("shop_id", "id"), name="product_shop_id_id"),
            Index(fields=("shop_id", "updated_at", "id"), name="product_by_update"),
            Index(fields=("shop_id", "vendor", "id"), name="product_by_vendor"),
            Index(fields=("shop_id", "product_type", "id"), name="product_by_type"),
        )


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
    """A picture or film of a product. ``url`` is unique within the product.

    One that was uploaded here names its ``asset``, and its ``url`` is a path on this service; one
    that lies elsewhere has an absolute address.
    """

    id = fields.UUIDField(primary_key=True)
    product_id: UUID
    product: fields.ForeignKeyRelation["Product"] = fields.ForeignKeyField(
        "presale.Product", related_name="media", db_index=False, on_delete=fields.CASCADE
    )
    url = fields.CharField(max_length=2048)
    alt = fields.CharField(max_length=512, default="")
    position = fields.IntField()
    asset_id: UUID | None
    asset: fields.ForeignKeyNullableRelation["MediaAsset"] = fields.ForeignKeyField(
        "presale.MediaAsset",
        null=True,
        related_name="shown_in",
        db_index=False,
        on_delete=fields.RESTRICT,
    )

    class Meta:
        table = "product_media"
        unique_together = (("product", "url"),)
        indexes = (
            WhereIndex(
                fields=("asset_id",), name="product_media_by_asset", where="asset_id IS NOT NULL"
            ),
        )


class ProductFile(Model):
    """A product file that was uploaded. Its content lies in pieces, in order.

    ``sha256`` is that of the whole file, so that a shop has each file once. ``name`` is what it
    was called where it came from.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="product_files", db_index=False, on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=255)
    sha256 = fields.CharField(max_length=64)
    bytes = fields.BigIntField()
    uploaded_at = fields.DatetimeField()

    class Meta:
        table = "product_file"
        unique_together = (("shop", "sha256"),)
        indexes = (Index(fields=("uploaded_at",), name="product_file_by_age"),)


class ProductFilePiece(Model):
    """A piece of a product file; ``number`` counts from 0."""

    id = fields.BigIntField(primary_key=True, generated=True)
    file_id: UUID
    file: fields.ForeignKeyRelation["ProductFile"] = fields.ForeignKeyField(
        "presale.ProductFile", related_name="pieces", db_index=False, on_delete=fields.CASCADE
    )
    number = fields.IntField()
    content = fields.BinaryField()

    class Meta:
        table = "product_file_piece"
        unique_together = (("file", "number"),)


class ProductImport(Model):
    """A product file that a worker imports, or has imported.

    ``upload_id`` names the ``ProductFile``, which is gone some days after. ``report`` is an
    ``ImportReport`` as JSON: what the run that came to the end has found; ``failure`` says why
    there is none.
    ``runs`` counts how often a worker has begun it: more than one means that a worker died, and
    that the report calls unchanged what the earlier run had written.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="product_imports", db_index=False, on_delete=fields.RESTRICT
    )
    upload_id = fields.UUIDField()
    file_name = fields.CharField(max_length=255)
    currency = fields.CharField(max_length=3)
    status = fields.CharEnumField(ImportStatus, max_length=12)
    is_dry_run = fields.BooleanField()
    is_atomic = fields.BooleanField()
    bytes_done = fields.BigIntField(default=0)
    bytes_total = fields.BigIntField()
    report = fields.JSONField[dict[str, Any] | None](null=True)
    failure = fields.JSONField[dict[str, Any] | None](null=True)
    runs = fields.IntField(default=0)
    requested_by = fields.CharField(max_length=320)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    started_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "product_import"
        indexes = (
            Index(fields=("shop_id", "id"), name="product_import_by_shop"),
            Index(fields=("upload_id",), name="product_import_by_upload"),
        )
        constraints = (
            UniqueConstraint(
                fields=("shop_id",),
                name="product_import_one_open",
                condition="status IN ('QUEUED', 'RUNNING')",
            ),
            CheckConstraint(
                check="bytes_done >= 0 AND bytes_done <= bytes_total",
                name="product_import_progress_in_bounds",
            ),
            CheckConstraint(
                check="(finished_at IS NULL) = (status IN ('QUEUED', 'RUNNING'))",
                name="product_import_ends_once",
            ),
        )
