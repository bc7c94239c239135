"""Webhooks: endpoints, deliveries, attempts; an event is addressed to those who listen."""

from importlib.resources import files
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.migration_operations import CreateConstraints
from headless_presale.webhooks.states import DeliveryStatus, DisabledReason

SQL = files("headless_presale.migrations.sql")


class Migration(migrations.Migration):
    """Tables of webhooks, and the trigger on ``event`` that addresses them."""

    dependencies = [("presale", "0007_order_version")]

    initial = False

    operations = [
        ops.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "merchant",
                    fields.ForeignKeyField(
                        "presale.Merchant",
                        source_field="merchant_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="webhook_endpoints",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("shop_ids", ArrayField(null=True, element_type="UUID")),
                ("url", fields.CharField(max_length=2000)),
                ("description", fields.CharField(max_length=200)),
                ("event_types", ArrayField(element_type="TEXT")),
                ("secret", fields.TextField(unique=False)),
                ("previous_secret", fields.TextField(null=True, unique=False)),
                (
                    "previous_secret_expires_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "disabled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "disabled_reason",
                    fields.CharEnumField(
                        null=True,
                        description="MERCHANT: MERCHANT\nGONE: GONE\nFAILING: FAILING",
                        enum_type=DisabledReason,
                        max_length=12,
                    ),
                ),
                ("failure_count", fields.IntField(default=0)),
                (
                    "failing_since",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "paused_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=1)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("deleted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "webhook_endpoint",
                "app": "presale",
                "constraints": [
                    CheckConstraint(
                        check="(disabled_at IS NULL) = (disabled_reason IS NULL)",
                        name="webhook_endpoint_off_for_a_reason",
                    ),
                    CheckConstraint(
                        check="(previous_secret IS NULL) = (previous_secret_expires_at IS NULL)",
                        name="webhook_endpoint_old_secret_ends",
                    ),
                    CheckConstraint(
                        check="cardinality(event_types) > 0",
                        name="webhook_endpoint_has_event_types",
                    ),
                ],
                "indexes": [
                    Index(fields=["merchant_id", "id"], name="webhook_endpoint_by_merchant"),
                    WhereIndex(
                        fields=["merchant_id"],
                        name="webhook_endpoint_listening",
                        where="disabled_at IS NULL AND deleted_at IS NULL",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "An address of a merchant's system, and which events it is told of.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "endpoint",
                    fields.ForeignKeyField(
                        "presale.WebhookEndpoint",
                        source_field="endpoint_id",
                        db_constraint=False,
                        to_field="id",
                        db_index=False,
                        related_name="deliveries",
                        on_delete=OnDelete.NO_ACTION,
                    ),
                ),
                ("event_id", fields.BigIntField(null=True)),
                ("shop_id", fields.UUIDField(null=True)),
                ("type", fields.CharField(max_length=60)),
                (
                    "status",
                    fields.CharEnumField(
                        description="PENDING: PENDING\nDELIVERED: DELIVERED\nFAILED: FAILED",
                        enum_type=DeliveryStatus,
                        max_length=12,
                    ),
                ),
                ("attempts", fields.IntField()),
                ("next_attempt_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("occurred_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "webhook_delivery",
                "app": "presale",
                "constraints": [
                    UniqueConstraint(
                        fields=("endpoint_id", "event_id"), name="webhook_delivery_once"
                    ),
                    CheckConstraint(
                        check="(finished_at IS NULL) = (status = 'PENDING')",
                        name="webhook_delivery_ends_once",
                    ),
                ],
                "indexes": [
                    Index(fields=["endpoint_id", "id"], name="webhook_delivery_by_endpoint"),
                    WhereIndex(
                        fields=["endpoint_id", "next_attempt_at"],
                        name="webhook_delivery_due",
                        where="status = 'PENDING'",
                    ),
                    WhereIndex(
                        fields=["endpoint_id", "id"],
                        name="webhook_delivery_dead",
                        where="status = 'FAILED'",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One event for one endpoint; its id is the ``webhook-id`` of every attempt.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookAttempt",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "delivery",
                    fields.ForeignKeyField(
                        "presale.WebhookDelivery",
                        source_field="delivery_id",
                        db_constraint=True,
                        to_field="id",
                        db_index=False,
                        related_name="log",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.IntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("url", fields.CharField(max_length=2000)),
                ("response_code", fields.IntField(null=True)),
                ("response_body", fields.TextField(unique=False)),
                ("error", fields.CharField(max_length=200)),
                ("duration_ms", fields.IntField()),
            ],
            options={
                "table": "webhook_attempt",
                "app": "presale",
                "indexes": [
                    Index(fields=["delivery_id", "id"], name="webhook_attempt_by_delivery")
                ],
                "pk_attr": "id",
                "table_description": "One request and what came of it. ``response_code`` is null where no answer came.",
            },
            bases=["Model"],
        ),
        CreateConstraints("WebhookEndpoint", "WebhookDelivery"),
        ops.RunSQL(SQL.joinpath("webhooks.sql").read_text(encoding="utf-8")),
    ]
