"""Webhooks: where merchants' systems are told of events, what they were told, and their answers."""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model
from headless_presale.webhooks.states import DeliveryStatus, DisabledReason

if TYPE_CHECKING:
    from headless_presale.shops.models import Merchant


class WebhookEndpoint(Model):
    """An address of a merchant's system, and which events it is told of.

    ``event_types`` are names of events (``order.placed``) or of a family (``order.*``);
    ``shop_ids`` None means all shops of the merchant, those to come included. The secrets are
    sealed: both sign while the one before the last rotation is good. ``failure_count`` is how many
    attempts in a row failed, ``failing_since`` when that began, ``paused_until`` a rest between
    them. A deleted endpoint is nothing to anybody and goes when its deliveries have gone.
    """

    id = fields.UUIDField(primary_key=True)
    merchant_id: UUID
    merchant: fields.ForeignKeyRelation["Merchant"] = fields.ForeignKeyField(
        "presale.Merchant",
        related_name="webhook_endpoints",
        db_index=False,
        on_delete=fields.RESTRICT,
    )
    shop_ids = ArrayField(element_type="uuid", null=True)
    url = fields.CharField(max_length=2000)
    description = fields.CharField(max_length=200)
    event_types = ArrayField(element_type="text")
    secret = fields.TextField()
    previous_secret = fields.TextField(null=True)
    previous_secret_expires_at = fields.DatetimeField(null=True)
    disabled_at = fields.DatetimeField(null=True)
    disabled_reason = fields.CharEnumField(DisabledReason, max_length=12, null=True)
    failure_count = fields.IntField(default=0)
    failing_since = fields.DatetimeField(null=True)
    paused_until = fields.DatetimeField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField()
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "webhook_endpoint"
        indexes = (
            Index(fields=("merchant_id", "id"), name="webhook_endpoint_by_merchant"),
            WhereIndex(
                fields=("merchant_id",),
                name="webhook_endpoint_listening",
                where="disabled_at IS NULL AND deleted_at IS NULL",
            ),
        )
        constraints = (
            CheckConstraint(
                check="(disabled_at IS NULL) = (disabled_reason IS NULL)",
                name="webhook_endpoint_off_for_a_reason",
            ),
            CheckConstraint(
                check="(previous_secret IS NULL) = (previous_secret_expires_at IS NULL)",
                name="webhook_endpoint_old_secret_ends",
            ),
            CheckConstraint(
                check="cardinality(event_types) > 0", name="webhook_endpoint_has_event_types"
            ),
        )


class WebhookDelivery(Model):
    """One event for one endpoint; its id is the ``webhook-id`` of every attempt.

    A trigger on ``event`` writes it in the transaction of the event. ``next_attempt_at`` is when it
    is due; a worker that takes it in hand moves it ahead, so that another one tries again should
    that worker die. A test has no ``event_id`` and no ``shop_id``.

    ``endpoint_id`` has no foreign key: it would lock the endpoint's row in every order.
    """

    id = fields.UUIDField(primary_key=True)
    endpoint_id: UUID
    endpoint: fields.ForeignKeyRelation[WebhookEndpoint] = fields.ForeignKeyField(
        "presale.WebhookEndpoint",
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
        on_delete=fields.NO_ACTION,
    )
    event_id = fields.BigIntField(null=True)
    shop_id = fields.UUIDField(null=True)
    type = fields.CharField(max_length=60)
    status = fields.CharEnumField(DeliveryStatus, max_length=12)
    attempts = fields.IntField()
    next_attempt_at = fields.DatetimeField()
    occurred_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "webhook_delivery"
        indexes = (
            Index(fields=("endpoint_id", "id"), name="webhook_delivery_by_endpoint"),
            WhereIndex(
                fields=("endpoint_id", "next_attempt_at"),
                name="webhook_delivery_due",
                where="status = 'PENDING'",
            ),
            WhereIndex(
                fields=("endpoint_id", "id"),
                name="webhook_delivery_dead",
                where="status = 'FAILED'",
            ),
        )
        constraints = (
            UniqueConstraint(fields=("endpoint_id", "event_id"), name="webhook_delivery_once"),
            CheckConstraint(
                check="(finished_at IS NULL) = (status = 'PENDING')",
                name="webhook_delivery_ends_once",
            ),
        )


class WebhookAttempt(Model):
    """One request and what came of it. ``response_code`` is null where no answer came."""

    id = fields.BigIntField(primary_key=True, generated=True)
    delivery_id: UUID
    delivery: fields.ForeignKeyRelation[WebhookDelivery] = fields.ForeignKeyField(
        "presale.WebhookDelivery",
        related_name="log",
        db_index=False,
        on_delete=fields.RESTRICT,
    )
    number = fields.IntField()
    at = fields.DatetimeField()
    url = fields.CharField(max_length=2000)
    response_code = fields.IntField(null=True)
    response_body = fields.TextField()
    error = fields.CharField(max_length=200)
    duration_ms = fields.IntField()

    class Meta:
        table = "webhook_attempt"
        indexes = (Index(fields=("delivery_id", "id"), name="webhook_attempt_by_delivery"),)
