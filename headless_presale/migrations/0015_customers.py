"""Customers of a shop: codes that are mailed, sign-ins, refresh tokens."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from headless_presale.kernel.indexes import WhereIndex


class Migration(migrations.Migration):
    """Tables of customers who sign in; no table that was there is touched."""

    dependencies = [("presale", "0014_orders_by_month")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Customer",
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
                        related_name="customers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("email", fields.CharField(max_length=320)),
                ("email_verified_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("name", fields.CharField(default="", max_length=120)),
                ("locale", fields.CharField(max_length=10)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer",
                "app": "presale",
                "unique_together": (("shop", "email"),),
                "pk_attr": "id",
                "table_description": "A buyer of one shop who has proven his address.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerCode",
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
                        related_name="customer_codes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("email", fields.CharField(max_length=320)),
                ("locale", fields.CharField(max_length=10)),
                ("attempts", fields.IntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_code",
                "app": "presale",
                "indexes": [
                    WhereIndex(
                        fields=["shop_id", "email"],
                        name="customer_code_open",
                        where="ended_at IS NULL",
                    ),
                    Index(fields=["expires_at"], name="customer_code_expiry"),
                ],
                "pk_attr": "id",
                "table_description": "A code that was mailed. It is derived from the id under the secret key, and stored nowhere.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerGrant",
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
                        related_name="grants",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_reason", fields.CharField(default="", max_length=40)),
            ],
            options={
                "table": "customer_grant",
                "app": "presale",
                "indexes": [
                    Index(fields=["customer_id"], name="customer_grant_by_customer"),
                    Index(fields=["expires_at"], name="customer_grant_expiry"),
                ],
                "pk_attr": "id",
                "table_description": "A sign-in: what a browser's tokens were issued under. Revoking it ends them.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerRefreshToken",
            fields=[
                (
                    "token_hash",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                (
                    "grant",
                    fields.ForeignKeyField(
                        "presale.CustomerGrant",
                        source_field="grant_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="refresh_tokens",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("parent_hash", fields.CharField(null=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "replaced_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "customer_refresh_token",
                "app": "presale",
                "indexes": [
                    Index(fields=["grant_id"], name="customer_refresh_token_by_grant"),
                    Index(fields=["parent_hash"], name="customer_refresh_token_by_parent"),
                    Index(fields=["expires_at"], name="customer_refresh_token_expiry"),
                ],
                "pk_attr": "token_hash",
                "table_description": "A refresh token: used once, then its successor counts. See ``identity/oauth/rotation.py``.",
            },
            bases=["Model"],
        ),
    ]
