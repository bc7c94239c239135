"""What visitors did with a campaign, counted by the hour."""

from importlib.resources import files

from tortoise import migrations
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Table ``funnel_hour``; no table that was there is touched."""

    dependencies = [("presale", "0024_list_mails")]

    initial = False

    operations = [ops.RunSQL(SQL.joinpath("funnel.sql").read_text(encoding="utf-8"))]
