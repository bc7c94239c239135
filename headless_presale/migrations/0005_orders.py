"""Orders as merchants work with them: found fast, written about, given back in part."""

from importlib.resources import files
from uuid import UUID, uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state_apps import StateApps

from headless_presale.kernel.ids import display_number
from headless_presale.kernel.indexes import ExpressionIndex, WhereIndex
from headless_presale.kernel.migration_operations import CreateConstraints

SQL = files("headless_presale.migrations.sql")
BATCH = 10_000


async def fill_numbers(_: StateApps, editor: BaseSchemaEditor) -> None:
    """Give every order that is there its number and its quantity.

    The number is a hash that the database cannot make. In batches: the whole table need not fit
    into this process.
    """
    last = UUID(int=0)
    while rows := await editor.client.execute_query_dict(
        "SELECT id FROM sales_order WHERE id > $1 ORDER BY id LIMIT $2", [last, BATCH]
    ):
        ids = [UUID(str(row["id"])) for row in rows]
        await editor.client.execute_query(
            "UPDATE sales_order o SET number = n.number, quantity = (SELECT coalesce(sum(l.quantity)"
            ", 0) FROM order_line l WHERE l.order_id = o.id) "
            "FROM unnest($1::uuid[], $2::text[]) AS n(id, number) WHERE o.id = n.id",
            [ids, [display_number(order_id) for order_id in ids]],
        )
        last = ids[-1]


class Migration(migrations.Migration):
    """Notes and refunds of merchants; numbers, quantities and indexes of orders."""

    dependencies = [("presale", "0004_identity")]

    initial = False

    operations = [
        ops.CreateModel(
            name="MerchantRefund",
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
                        related_name="merchant_refunds",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "order",
                    fields.ForeignKeyField(
                        "presale.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="merchant_refunds",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("request_hash", fields.CharField(max_length=64)),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("reason", fields.CharField(max_length=200)),
                ("author", fields.CharField(max_length=80)),
                ("author_label", fields.CharField(max_length=320)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "merchant_refund",
                "app": "presale",
                "constraints": [
                    CheckConstraint(
                        check="amount_minor > 0", name="merchant_refund_amount_positive"
                    )
                ],
                "indexes": [
                    Index(fields=["order_id", "created_at"], name="merchant_refund_by_order"),
                    Index(fields=["shop_id"], name="merchant_refund_by_shop"),
                ],
                "pk_attr": "id",
                "table_description": "Money that the merchant decided to give back: one row per decision, whatever legs it is of.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderNote",
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
                        related_name="order_notes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "order",
                    fields.ForeignKeyField(
                        "presale.Order",
                        source_field="order_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="notes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("text", fields.CharField(max_length=2000)),
                ("author", fields.CharField(max_length=80)),
                ("author_label", fields.CharField(max_length=320)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "order_note",
                "app": "presale",
                "indexes": [
                    Index(fields=["order_id", "at", "id"], name="order_note_by_order"),
                    Index(fields=["shop_id"], name="order_note_by_shop"),
                ],
                "pk_attr": "id",
                "table_description": "What the staff wrote down about an order, for each other. Append-only; a trigger sees to it.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Order",
            name="number",
            field=fields.CharField(null=True, max_length=9),
        ),
        ops.AddField(model_name="Order", name="quantity", field=fields.IntField(null=True)),
        ops.RunPython(fill_numbers),
        ops.AlterField(model_name="Order", name="number", field=fields.CharField(max_length=9)),
        ops.AlterField(model_name="Order", name="quantity", field=fields.IntField()),
        ops.RemoveIndex(
            model_name="Order",
            name="sales_order_by_shop",
            fields=None,
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["shop_id", "placed_at", "id", "status", "quantity"],
                name="sales_order_by_placed",
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(fields=["shop_id", "total_minor", "id"], name="sales_order_by_total"),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["shop_id", "status", "placed_at", "id"], name="sales_order_by_status_placed"
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["shop_id", "status", "total_minor", "id"],
                name="sales_order_by_status_total",
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["campaign_id", "placed_at", "id", "status", "quantity"],
                name="sales_order_by_campaign_placed",
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["campaign_id", "total_minor", "id"], name="sales_order_by_campaign_total"
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=ExpressionIndex(
                fields=["shop_id"],
                name="sales_order_by_number",
                expression="number text_pattern_ops",
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=ExpressionIndex(
                fields=["shop_id"],
                name="sales_order_by_email",
                expression="lower(buyer ->> 'email') text_pattern_ops",
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=ExpressionIndex(
                fields=["shop_id"],
                name="sales_order_by_name",
                expression="lower(buyer ->> 'name') text_pattern_ops",
            ),
        ),
        ops.AddIndex(
            model_name="Payment",
            index=Index(
                fields=["shop_id", "captured_at", "amount_minor", "currency", "order_id"],
                name="payment_by_captured",
            ),
        ),
        ops.AddIndex(
            model_name="LedgerTransaction",
            index=WhereIndex(
                fields=["shop_id", "booked_at"],
                name="ledger_transaction_refunds",
                where="kind = 'refund_paid'",
            ),
        ),
        CreateConstraints("MerchantRefund"),
        ops.RunSQL(SQL.joinpath("orders.sql").read_text(encoding="utf-8")),
    ]
