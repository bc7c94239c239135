"""Orders are not analysed while there are few of them."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Each line and each slot of an order looks whether the order is there.

    How it looks each session plans once, by what is known of the table then. Where that is a page
    or two it goes through all orders, and goes on so while a rush makes thousands of them, until
    the table is analysed anew. Of a table that was never analysed PostgreSQL supposes ten pages,
    and takes the index. So it is analysed, and vacuumed, when there are more than that.
    """

    dependencies = [("presale", "0029_exports_in_pieces")]

    initial = False

    operations = [
        ops.RunSQL(
            "ALTER TABLE sales_order SET ("
            "autovacuum_analyze_threshold = 1000, autovacuum_vacuum_threshold = 1000)",
            reverse_sql="ALTER TABLE sales_order RESET ("
            "autovacuum_analyze_threshold, autovacuum_vacuum_threshold)",
        ),
    ]
