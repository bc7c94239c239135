"""The merchant's catalogue: versions, uploaded pictures, imports as jobs, indexes of the lists."""

from importlib.resources import files
from uuid import uuid4

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.catalog.states import ImportStatus
from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.migration_operations import CreateConstraints

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Tables ``media_asset`` and ``product_import``; a version for every product there is."""

    dependencies = [("presale", "0005_orders")]

    initial = False

    operations = [
        ops.CreateModel(
            name="MediaAsset",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="media_assets",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("sha256", fields.CharField(max_length=64)),
                ("mime", fields.CharField(max_length=40)),
                ("width", fields.IntField()),
                ("height", fields.IntField()),
                ("sizes", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("bytes", fields.BigIntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "media_asset",
                "app": "presale",
                "unique_together": (("shop", "sha256"),),
                "constraints": [
                    CheckConstraint(
                        check="sha256 ~ '^[0-9a-f]{64}$'", name="media_asset_sha256_format"
                    ),
                    CheckConstraint(
                        check="width > 0 AND height > 0 AND bytes > 0",
                        name="media_asset_has_content",
                    ),
                ],
                "indexes": [Index(fields=["sha256"], name="media_asset_by_content")],
                "pk_attr": "id",
                "table_description": "A picture of a shop, in several sizes. Never changed: other content is another asset.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductImport",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="product_imports",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("upload_id", fields.UUIDField()),
                ("file_name", fields.CharField(max_length=255)),
                ("currency", fields.CharField(max_length=3)),
                (
                    "status",
                    fields.CharEnumField(
                        description="QUEUED: QUEUED\nRUNNING: RUNNING\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED\nCANCELLED: CANCELLED",
                        enum_type=ImportStatus,
                        max_length=12,
                    ),
                ),
                ("is_dry_run", fields.BooleanField()),
                ("is_atomic", fields.BooleanField()),
                ("bytes_done", fields.BigIntField(default=0)),
                ("bytes_total", fields.BigIntField()),
                ("report", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("failure", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("runs", fields.IntField(default=0)),
                ("requested_by", fields.CharField(max_length=320)),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "product_import",
                "app": "presale",
                "constraints": [
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
                ],
                "indexes": [
                    Index(fields=["shop_id", "id"], name="product_import_by_shop"),
                    Index(fields=["upload_id"], name="product_import_by_upload"),
                ],
                "pk_attr": "id",
                "table_description": "A product file that a worker imports, or has imported.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Product",
            name="version",
            field=fields.IntField(default=1, db_default=1),
        ),
        ops.AddIndex(
            model_name="Product",
            index=Index(fields=["shop_id", "updated_at", "id"], name="product_by_update"),
        ),
        ops.AddField(
            model_name="ProductMedia",
            name="asset",
            field=fields.ForeignKeyField(
                "presale.MediaAsset",
                source_field="asset_id",
                null=True,
                db_constraint=True,
                to_field="id",
                db_index=False,
                related_name="shown_in",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddIndex(
            model_name="ProductMedia",
            index=WhereIndex(
                fields=["asset_id"], name="product_media_by_asset", where="asset_id IS NOT NULL"
            ),
        ),
        CreateConstraints("MediaAsset", "ProductImport"),
        ops.RunSQL(SQL.joinpath("catalog.sql").read_text(encoding="utf-8")),
    ]
