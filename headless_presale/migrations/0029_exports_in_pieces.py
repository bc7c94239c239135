"""Copies of what is known of customers, cut into pieces."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Table ``personal_data_export_piece``; copies that can be fetched become one piece each."""

    dependencies = [("presale", "0028_personal_data_exports")]

    initial = False

    operations = [
        ops.CreateModel(
            name="PersonalDataExportPiece",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "export",
                    fields.ForeignKeyField(
                        "presale.PersonalDataExport",
                        source_field="export_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="pieces",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("attempt", fields.UUIDField()),
                ("number", fields.IntField()),
                ("content", fields.BinaryField()),
            ],
            options={
                "table": "personal_data_export_piece",
                "app": "presale",
                "unique_together": (("export", "attempt", "number"),),
                "pk_attr": "id",
                "table_description": "A piece of a copy; ``number`` counts from 0 in each attempt to write it.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="PersonalDataExport", name="attempt", field=fields.UUIDField(null=True)
        ),
        ops.RunSQL(
            "INSERT INTO personal_data_export_piece (export_id, attempt, number, content) "
            "SELECT id, id, 0, document FROM personal_data_export WHERE document IS NOT NULL"
        ),
        ops.RunSQL("UPDATE personal_data_export SET attempt = id WHERE document IS NOT NULL"),
        ops.RemoveField(model_name="PersonalDataExport", name="document"),
    ]
