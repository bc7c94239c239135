"""Orders of customers: tokens that can be revoked, lists by customer, profiles with a version."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """``sales_order.access_generation``, ``customer.phone`` and ``customer.version``.

    A customer's orders are listed from an index that has them in the order of the list.
    """

    dependencies = [("presale", "0017_storefront_origins")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Order",
            name="access_generation",
            field=fields.SmallIntField(default=0, db_default=0),
        ),
        ops.RemoveIndex(model_name="Order", name="sales_order_by_customer", fields=None),
        ops.AddIndex(
            model_name="Order",
            index=Index(fields=["customer_id", "placed_at", "id"], name="sales_order_by_customer"),
        ),
        ops.AddField(
            model_name="Customer",
            name="phone",
            field=fields.CharField(default="", max_length=40, db_default=""),
        ),
        ops.AddField(
            model_name="Customer",
            name="version",
            field=fields.IntField(default=1, db_default=1),
        ),
    ]
