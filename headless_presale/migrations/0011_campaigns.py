"""A batch says how many slots it has, so that nobody counts them."""

from importlib.resources import files

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """``production_batch.capacity``, filled by one count of each batch there is."""

    dependencies = [("presale", "0010_media_texts")]

    initial = False

    operations = [
        ops.AddField(
            model_name="ProductionBatch",
            name="capacity",
            field=fields.IntField(db_default=0),
        ),
        ops.RunSQL(SQL.joinpath("campaigns.sql").read_text(encoding="utf-8")),
    ]
