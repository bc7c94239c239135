"""Orders have indexes by month and total; two that are not needed beside others go."""

from tortoise import migrations
from tortoise.migrations import operations as ops

from headless_presale.kernel.indexes import ExpressionIndex


class Migration(migrations.Migration):
    """Lists by total that are restricted in time walk each month, and so do all of a campaign's.

    What read a campaign's orders by id reads them in the index by the moment they were placed.
    """

    dependencies = [("presale", "0013_charts_and_lists")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Order",
            index=ExpressionIndex(
                fields=["shop_id"],
                expression="date_trunc('month', placed_at AT TIME ZONE 'UTC'), total_minor, id",
                name="sales_order_by_month_total",
                include=["placed_at", "status"],
            ),
        ),
        ops.AddIndex(
            model_name="Order",
            index=ExpressionIndex(
                fields=["campaign_id"],
                expression="date_trunc('month', placed_at AT TIME ZONE 'UTC'), total_minor, id",
                name="sales_order_by_campaign_month_total",
                include=["placed_at", "status"],
            ),
        ),
        ops.RemoveIndex(model_name="Order", name="sales_order_by_campaign", fields=None),
        ops.RemoveIndex(model_name="Order", name="sales_order_by_campaign_total", fields=None),
        # How many months there are is known to the planner only after this. Of a table without
        # orders it would know that there are none; see 0030.
        ops.RunSQL(
            "DO $$ BEGIN IF EXISTS (SELECT FROM sales_order) THEN ANALYZE sales_order; END IF; END $$",
            reverse_sql="",
        ),
    ]
