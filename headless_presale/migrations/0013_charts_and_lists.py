"""Charts read sums by hour where the time zone lets them; indexes that lists and logs lacked."""

from importlib.resources import files

from tortoise import migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """``sales_sum`` by the hour, beside that by the quarter.

    Orders of a campaign by state have their own indexes, the log one by time. Those that charts had
    read before there were sums go.
    """

    dependencies = [("presale", "0012_product_files")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="AuditEntry",
            index=Index(fields=["owner_id", "at", "id"], name="audit_entry_by_time"),
        ),
        ops.RemoveIndex(model_name="Order", name="sales_order_by_placed", fields=None),
        ops.RemoveIndex(model_name="Order", name="sales_order_by_campaign_placed", fields=None),
        ops.RemoveIndex(model_name="Payment", name="payment_by_captured", fields=None),
        ops.RemoveIndex(
            model_name="LedgerTransaction", name="ledger_transaction_refunds", fields=None
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(fields=["shop_id", "placed_at", "id"], name="sales_order_by_placed"),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["campaign_id", "placed_at", "id"], name="sales_order_by_campaign_placed"
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["campaign_id", "status", "placed_at", "id"],
                name="sales_order_by_campaign_status",
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=Index(
                fields=["campaign_id", "status", "total_minor", "id"],
                name="sales_order_by_campaign_status_total",
            ),
        ),
        ops.RunSQL(SQL.joinpath("sales_by_hour.sql").read_text(encoding="utf-8")),
    ]
