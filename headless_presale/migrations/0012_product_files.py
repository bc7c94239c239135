"""Product files that were uploaded; indexes of the lists of products by vendor, type and tag."""

from importlib.resources import files
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Tables ``product_file`` and ``product_file_piece``; three indexes of ``product``."""

    dependencies = [("presale", "0011_campaigns")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ProductFile",
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
                        related_name="product_files",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=255)),
                ("sha256", fields.CharField(max_length=64)),
                ("bytes", fields.BigIntField()),
                ("uploaded_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "product_file",
                "app": "presale",
                "unique_together": (("shop", "sha256"),),
                "indexes": [Index(fields=["uploaded_at"], name="product_file_by_age")],
                "pk_attr": "id",
                "table_description": "A product file that was uploaded. Its content lies in pieces, in order.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProductFilePiece",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "file",
                    fields.ForeignKeyField(
                        "presale.ProductFile",
                        source_field="file_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="pieces",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("number", fields.IntField()),
                ("content", fields.BinaryField()),
            ],
            options={
                "table": "product_file_piece",
                "app": "presale",
                "unique_together": (("file", "number"),),
                "pk_attr": "id",
                "table_description": "A piece of a product file; ``number`` counts from 0.",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="Product",
            index=Index(fields=["shop_id", "vendor", "id"], name="product_by_vendor"),
        ),
        ops.AddIndex(
            model_name="Product",
            index=Index(fields=["shop_id", "product_type", "id"], name="product_by_type"),
        ),
        ops.RunSQL(SQL.joinpath("product_tags.sql").read_text(encoding="utf-8")),
    ]
