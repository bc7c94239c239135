"""Browsers that were sent to a sign-in provider."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """One table; no table that was there is touched."""

    dependencies = [("presale", "0021_notify_me")]

    initial = False

    operations = [
        ops.CreateModel(
            name="SignInFlow",
            fields=[
                (
                    "state_hash",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("browser_key_hash", fields.CharField(max_length=64)),
                (
                    "provider",
                    fields.ForeignKeyField(
                        "presale.SignInProvider",
                        source_field="provider_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="flows",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("redirect_uri", fields.CharField(max_length=2000)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_sign_in_flow",
                "app": "presale",
                "indexes": [
                    Index(fields=["provider_id"], name="customer_sign_in_flow_by_provider"),
                    Index(fields=["expires_at"], name="customer_sign_in_flow_expiry"),
                ],
                "pk_attr": "state_hash",
                "table_description": "A browser that was sent to a provider: its answer is taken once, and from this browser.",
            },
            bases=["Model"],
        ),
    ]
