"""Copies of what is known of customers."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Table ``personal_data_export``; no table that was there is touched."""

    dependencies = [("presale", "0027_merged_customers")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PersonalDataExport",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "presale.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="exports",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "shop",
                    fields.ForeignKeyField(
                        "presale.Shop",
                        source_field="shop_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="personal_data_exports",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("locale", fields.CharField(max_length=10)),
                ("token_hash", fields.CharField(max_length=64)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ready_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("document", fields.BinaryField(null=True)),
            ],
            options={
                "table": "personal_data_export",
                "app": "presale",
                "indexes": [
                    Index(
                        fields=["customer_id", "asked_at"],
                        name="personal_data_export_by_customer",
                    ),
                    Index(fields=["shop_id"], name="personal_data_export_by_shop"),
                    Index(fields=["expires_at"], name="personal_data_export_expiry"),
                ],
                "pk_attr": "id",
                "table_description": "A copy of what is known of a customer, made because he asked; a day later it is gone.",
            },
            bases=["Model"],
        ),
    ]
