"""The job queue's tables, as procrastinate 3.10 ships them (MIT licence).

The text is a copy, so that this migration does the same for ever; a test compares it with the
installed package, and an upgrade of the package adds its own migration.
"""

from importlib.resources import files

from tortoise import migrations
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Procrastinate's tables and functions."""

    dependencies = [("presale", "0002_slots_and_ledger")]
    operations = [ops.RunSQL(SQL.joinpath("procrastinate_3_10.sql").read_text(encoding="utf-8"))]
