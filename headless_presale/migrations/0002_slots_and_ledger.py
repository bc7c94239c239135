"""What Tortoise does not model: composite keys of slots and quotas, the ledger's own checks."""

from importlib.resources import files

from tortoise import migrations
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Tables ``slot`` and ``customer_quota``; triggers of the ledger."""

    dependencies = [("presale", "0001_initial")]
    operations = [
        ops.RunSQL(SQL.joinpath("slots.sql").read_text(encoding="utf-8")),
        ops.RunSQL(SQL.joinpath("ledger.sql").read_text(encoding="utf-8")),
    ]
