"""People can be forgotten."""

from importlib.resources import files
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Table ``erasure``; an index of ``message``; texts that erasing may empty."""

    dependencies = [("presale", "0025_funnel")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Erasure",
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
                        related_name="erasures",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("asked_by", fields.CharField(max_length=80)),
                ("orders", fields.IntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "erasure",
                "app": "presale",
                "indexes": [Index(fields=["shop_id", "id"], name="erasure_by_shop")],
                "pk_attr": "id",
                "table_description": "A person was erased. ``id`` is random, and the ``customer_id`` of his orders from then on.",
            },
            bases=["Model"],
        ),
        ops.AddIndex(
            model_name="Message",
            index=Index(fields=["recipient"], name="message_by_recipient"),
        ),
        ops.RunSQL(SQL.joinpath("erasing.sql").read_text(encoding="utf-8")),
    ]
