"""Shops register the documents of their storefronts, and may answer those alone."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Table ``trusted_document``; shops that are there answer every document, as before."""

    dependencies = [("presale", "0022_sign_in_flows")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Shop",
            name="trusted_documents_only",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="Shop",
            name="documents_version",
            field=fields.IntField(default=1, db_default=1),
        ),
        ops.CreateModel(
            name="TrustedDocument",
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
                        related_name="documents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("digest", fields.CharField(db_index=True, max_length=64)),
                ("name", fields.CharField(max_length=120)),
                ("text", fields.TextField(unique=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "trusted_document",
                "app": "presale",
                "unique_together": (("shop", "digest"),),
                "pk_attr": "id",
                "table_description": "A GraphQL document that a shop has registered; ``digest`` is the SHA-256 of its text.",
            },
            bases=["Model"],
        ),
    ]
