"""Sums for charts, kept beside the books they come from."""

from importlib.resources import files

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """When an order was sold and gave its slots back; tables ``sales_sum`` and ``sales_change``."""

    dependencies = [("presale", "0008_webhooks")]

    initial = False

    operations = [
        ops.AddField(model_name="Order", name="sold_at", field=fields.DatetimeField(null=True)),
        ops.AddField(model_name="Order", name="released_at", field=fields.DatetimeField(null=True)),
        ops.RunSQL(SQL.joinpath("sales.sql").read_text(encoding="utf-8")),
    ]
