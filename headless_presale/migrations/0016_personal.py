"""What is a customer's own: addresses, consents, choices of mails."""

from importlib.resources import files
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from headless_presale.customers.states import ConsentKind, ConsentSource, NotificationKind

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Tables of a customer's own; no table that was there is touched."""

    dependencies = [("presale", "0015_customers")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CustomerAddress",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "presale.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="addresses",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=200)),
                ("phone", fields.CharField(null=True, max_length=40)),
                ("country", fields.CharField(max_length=2)),
                ("region", fields.CharField(null=True, max_length=300)),
                ("city", fields.CharField(max_length=200)),
                ("line1", fields.CharField(max_length=300)),
                ("line2", fields.CharField(null=True, max_length=300)),
                ("postal_code", fields.CharField(null=True, max_length=300)),
                (
                    "preferred_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=1, db_default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_address",
                "app": "presale",
                "indexes": [Index(fields=["customer_id"], name="customer_address_by_customer")],
                "pk_attr": "id",
                "table_description": "An address of a customer's address book.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerConsent",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "presale.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="PRIVACY_POLICY: PRIVACY_POLICY\nTERMS_OF_SERVICE: TERMS_OF_SERVICE\nPERSONALISATION: PERSONALISATION\nDATA_SHARING: DATA_SHARING",
                        enum_type=ConsentKind,
                        max_length=20,
                    ),
                ),
                ("is_given", fields.BooleanField()),
                ("text_version", fields.CharField(max_length=40)),
                (
                    "source",
                    fields.CharEnumField(
                        description="ACCOUNT: ACCOUNT\nCHECKOUT: CHECKOUT\nSIGN_IN: SIGN_IN\nBANNER: BANNER",
                        enum_type=ConsentSource,
                        max_length=12,
                    ),
                ),
                ("locale", fields.CharField(max_length=10)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_consent",
                "app": "presale",
                "indexes": [
                    Index(fields=["customer_id", "id"], name="customer_consent_by_customer")
                ],
                "pk_attr": "id",
                "table_description": "A consent that was given or withdrawn. Append-only; a trigger sees to it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomerMailChoice",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "presale.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="mail_choices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="ORDERS: ORDERS\nSECURITY: SECURITY\nCAMPAIGN_OPENINGS: CAMPAIGN_OPENINGS\nNEWS: NEWS",
                        enum_type=NotificationKind,
                        max_length=20,
                    ),
                ),
                ("is_on", fields.BooleanField()),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer_mail_choice",
                "app": "presale",
                "unique_together": (("customer", "kind"),),
                "pk_attr": "id",
                "table_description": "Whether a customer wants mails of a kind; without a row the kind's own default counts.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(SQL.joinpath("personal.sql").read_text(encoding="utf-8")),
    ]
