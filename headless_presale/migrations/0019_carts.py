"""Carts that are kept on the server."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.kernel.migration_operations import CreateConstraints


class Migration(migrations.Migration):
    """Tables ``cart`` and ``cart_line``; no table that was there is touched."""

    dependencies = [("presale", "0018_own_orders")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Cart",
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
                        related_name="carts",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "presale.Customer",
                        source_field="customer_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="carts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("currency", fields.CharField(max_length=3)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "cart",
                "app": "presale",
                "indexes": [Index(fields=["expires_at"], name="cart_expiry")],
                "constraints": [
                    UniqueConstraint(
                        fields=("customer_id",),
                        name="cart_one_per_customer",
                        condition="customer_id IS NOT NULL",
                    )
                ],
                "pk_attr": "id",
                "table_description": "A cart of one shop. ``customer_id`` is null for a guest's, which its token opens.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SavedLine",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "cart",
                    fields.ForeignKeyField(
                        "presale.Cart",
                        source_field="cart_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="lines",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("item_id", fields.UUIDField()),
                ("quantity", fields.IntField()),
                ("shown", fields.JSONField()),
            ],
            options={
                "table": "cart_line",
                "app": "presale",
                "unique_together": (("cart", "item_id"),),
                "constraints": [
                    CheckConstraint(check="quantity BETWEEN 1 AND 100", name="cart_line_quantity")
                ],
                "pk_attr": "id",
                "table_description": "So many of one campaign item, and what they were shown at (see ``PricedUnits``).",
            },
            bases=["Model"],
        ),
        CreateConstraints("Cart", "SavedLine"),
    ]
