"""What a picture shows, in words: for those who cannot see it."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """``media_asset``: ``alt``, ``translations``, ``version``."""

    dependencies = [("presale", "0009_sales")]

    initial = False

    operations = [
        ops.AddField(
            model_name="MediaAsset",
            name="alt",
            field=fields.CharField(max_length=512, default="", db_default=""),
        ),
        ops.AddField(
            model_name="MediaAsset",
            name="translations",
            field=fields.JSONField(
                default=dict, db_default="{}", encoder=JSON_DUMPS, decoder=loads
            ),
        ),
        ops.AddField(
            model_name="MediaAsset",
            name="version",
            field=fields.IntField(default=1, db_default=1),
        ),
    ]
