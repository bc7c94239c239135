"""A version for every order there is: what its merchant changes carries the one that was read."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Column ``sales_order.version``."""

    dependencies = [("presale", "0006_catalog")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Order",
            name="version",
            field=fields.IntField(default=1, db_default=1),
        ),
    ]
