"""Whoever is erased is found under the accounts that have become his."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """An index of the few events of one type."""

    dependencies = [("presale", "0026_erasing")]

    initial = False

    operations = [
        ops.RunSQL(
            "CREATE INDEX event_of_merging ON event ((payload ->> 'customer_id')) "
            "WHERE type = 'customer.merged'"
        ),
    ]
