"""The notify-me list of campaigns: who waits, who unsubscribed, whether a shop has it confirmed."""

from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from headless_presale.kernel.indexes import WhereIndex


class Migration(migrations.Migration):
    """Two tables, and a column of shops that has a value for those there are."""

    dependencies = [("presale", "0020_sign_in_providers")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Shop",
            name="notify_double_opt_in",
            field=fields.BooleanField(default=True, db_default=True),
        ),
        ops.CreateModel(
            name="CampaignWatcher",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "campaign",
                    fields.ForeignKeyField(
                        "presale.Campaign",
                        source_field="campaign_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="watchers",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("person", fields.UUIDField()),
                ("email", fields.CharField(null=True, max_length=320)),
                ("locale", fields.CharField(max_length=10)),
                ("source", fields.CharField(max_length=100)),
                ("consented_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "confirmed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("told_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "campaign_watcher",
                "app": "presale",
                "unique_together": (("campaign", "person"),),
                "indexes": [
                    WhereIndex(
                        fields=["campaign_id", "id"],
                        name="campaign_watcher_to_tell",
                        where="told_at IS NULL AND confirmed_at IS NOT NULL",
                    ),
                    WhereIndex(
                        fields=["consented_at"],
                        name="campaign_watcher_unconfirmed",
                        where="confirmed_at IS NULL",
                    ),
                    WhereIndex(
                        fields=["campaign_id"],
                        name="campaign_watcher_with_email",
                        where="email IS NOT NULL",
                    ),
                    Index(fields=["person"], name="campaign_watcher_by_person"),
                ],
                "pk_attr": "id",
                "table_description": "Somebody who asked to be told when one campaign opens, and agreed to get a mail for it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Unsubscribed",
            fields=[
                (
                    "person",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "notify_me_unsubscribed",
                "app": "presale",
                "pk_attr": "person",
                "table_description": "A person who wants no more mails about openings of a shop; kept without an address.",
            },
            bases=["Model"],
        ),
    ]
