"""A shop names the sites whose pages may use it; those there are name none."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Column ``shop.storefront_origins``."""

    dependencies = [("presale", "0016_personal")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Shop",
            name="storefront_origins",
            field=fields.JSONField(
                default=list, db_default="[]", encoder=JSON_DUMPS, decoder=loads
            ),
        ),
    ]
