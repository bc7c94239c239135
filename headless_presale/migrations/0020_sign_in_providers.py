"""Customers may come by way of a provider outside, and then have no address."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.customers.states import ProviderKind
from headless_presale.kernel.migration_operations import CreateConstraints


class Migration(migrations.Migration):
    """Providers of shops, what they call customers; an address is not needed any more."""

    dependencies = [("presale", "0019_carts")]

    initial = False

    operations = [
        ops.AlterModelOptions(
            name="Customer",
            options={
                "table": "customer",
                "app": "presale",
                "unique_together": (("shop", "email"),),
                "pk_attr": "id",
                "table_description": "A buyer of one shop who has proven who he is.",
            },
        ),
        ops.AlterField(
            model_name="Customer", name="email", field=fields.CharField(null=True, max_length=320)
        ),
        ops.AlterField(
            model_name="Customer",
            name="email_verified_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.CreateModel(
            name="SignInProvider",
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
                        related_name="sign_in_providers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="WECHAT: WECHAT\nOIDC: OIDC",
                        enum_type=ProviderKind,
                        max_length=8,
                    ),
                ),
                ("issuer", fields.CharField(max_length=500)),
                ("client_id", fields.CharField(max_length=200)),
                ("secret", fields.TextField(null=True, unique=False)),
                ("name", fields.CharField(max_length=60)),
                ("redirect_uris", ArrayField(element_type="TEXT")),
                (
                    "disabled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_sign_in_provider",
                "app": "presale",
                "unique_together": (("shop", "issuer"),),
                "constraints": [
                    CheckConstraint(
                        check="kind <> 'WECHAT' OR secret IS NOT NULL",
                        name="customer_sign_in_provider_wechat_has_secret",
                    )
                ],
                "pk_attr": "id",
                "table_description": "Where customers of a shop may prove who they are, outside of this house.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerIdentity",
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
                        related_name="identities",
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
                        related_name="customer_identities",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="WECHAT: WECHAT\nOIDC: OIDC",
                        enum_type=ProviderKind,
                        max_length=8,
                    ),
                ),
                ("issuer", fields.CharField(max_length=500)),
                ("subject", fields.CharField(max_length=255)),
                ("union_id", fields.CharField(null=True, max_length=255)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_identity",
                "app": "presale",
                "unique_together": (("shop", "issuer", "subject"),),
                "indexes": [Index(fields=["customer_id"], name="customer_identity_by_customer")],
                "pk_attr": "id",
                "table_description": "What an outside provider calls a customer: WeChat's openid, an issuer's subject.",
            },
            bases=["Model"],
        ),
        CreateConstraints("SignInProvider"),
    ]
