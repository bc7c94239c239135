"""Payments, refunds, what gateways told us, and the double-entry ledger."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model
from headless_presale.payments.states import PaymentLeg, PaymentStatus, RefundStatus

if TYPE_CHECKING:
    from headless_presale.shops.models import Shop


class Payment(Model):
    """One leg of an order, asked of one gateway. At most one per leg is pending or captured.

    ``id`` is the reference and idempotency key that the gateway gets, so asking again after a
    broken connection finds the same intent.
    """

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="payments", db_index=False, on_delete=fields.RESTRICT
    )
    order_id = fields.UUIDField()
    leg = fields.CharEnumField(PaymentLeg, max_length=8)
    gateway = fields.CharField(max_length=30)
    status = fields.CharEnumField(PaymentStatus, max_length=12)
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    intent_id = fields.CharField(max_length=120, null=True)
    client_action = fields.JSONField[dict[str, Any]](null=True)
    failure_code = fields.CharField(max_length=60, default="")
    created_at = fields.DatetimeField()
    captured_at = fields.DatetimeField(null=True)

    refunds: fields.ReverseRelation["Refund"]

    class Meta:
        table = "payment"
        indexes = (
            Index(fields=("order_id",), name="payment_by_order"),
            WhereIndex(fields=("created_at",), name="payment_pending", where="status = 'PENDING'"),
        )
        constraints = (
            UniqueConstraint(
                fields=("order_id", "leg"),
                name="payment_one_open_per_leg",
                condition="status IN ('PENDING', 'CAPTURED')",
            ),
            UniqueConstraint(
                fields=("gateway", "intent_id"),
                name="payment_intent_unique",
                condition="intent_id IS NOT NULL",
            ),
            CheckConstraint(check="amount_minor > 0", name="payment_amount_positive"),
        )


class PaymentKey(Model):
    """A ``paymentStart`` idempotency key of an order and the request it stood for."""

    id = fields.UUIDField(primary_key=True)
    request_hash = fields.CharField(max_length=64)
    payment_id: UUID
    payment: fields.ForeignKeyRelation["Payment"] = fields.ForeignKeyField(
        "presale.Payment", related_name="keys", db_index=False, on_delete=fields.RESTRICT
    )
    created_at = fields.DatetimeField()

    class Meta:
        table = "payment_key"


class GatewayEvent(Model):
    """What a gateway told us: one row, and so one effect, per event id."""

    id = fields.UUIDField(primary_key=True)
    gateway = fields.CharField(max_length=30)
    event_id = fields.CharField(max_length=120)
    type = fields.CharField(max_length=60)
    outcome = fields.CharField(max_length=40)
    payload = fields.JSONField[dict[str, Any]]()
    received_at = fields.DatetimeField()

    class Meta:
        table = "gateway_event"
        unique_together = (("gateway", "event_id"),)


class Refund(Model):
    """Money going back on one captured payment. ``id`` is the gateway's idempotency key."""

    id = fields.UUIDField(primary_key=True)
    payment_id: UUID
    payment: fields.ForeignKeyRelation["Payment"] = fields.ForeignKeyField(
        "presale.Payment", related_name="refunds", db_index=False, on_delete=fields.RESTRICT
    )
    status = fields.CharEnumField(RefundStatus, max_length=10)
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    reason = fields.CharField(max_length=60)
    gateway_refund_id = fields.CharField(max_length=120, null=True)
    created_at = fields.DatetimeField()
    settled_at = fields.DatetimeField(null=True)
    attempts = fields.IntField(default=0)

    class Meta:
        table = "refund"
        # One refund per payment and reason: asking twice for the same cause moves money once.
        unique_together = (("payment", "reason"),)
        indexes = (
            WhereIndex(
                fields=("created_at",),
                name="refund_open",
                where="status IN ('REQUESTED', 'SUBMITTED', 'FAILED')",
            ),
        )
        constraints = (CheckConstraint(check="amount_minor > 0", name="refund_amount_positive"),)


class LedgerTransaction(Model):
    """One booking: entries that add up to zero. Append-only; the database checks both."""

    id = fields.UUIDField(primary_key=True)
    shop_id: UUID
    shop: fields.ForeignKeyRelation["Shop"] = fields.ForeignKeyField(
        "presale.Shop", related_name="bookings", db_index=False, on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=40)
    source = fields.CharField(max_length=120, unique=True)
    """What caused it, e.g. ``capture:<payment id>``: the same cause books once."""
    order_id = fields.UUIDField()
    booked_at = fields.DatetimeField()

    class Meta:
        table = "ledger_transaction"
        indexes = (Index(fields=("order_id",), name="ledger_transaction_by_order"),)


class LedgerEntry(Model):
    """One side of a booking: positive is a debit, negative a credit, in minor units."""

    id = fields.BigIntField(primary_key=True, generated=True)
    transaction_id: UUID
    transaction: fields.ForeignKeyRelation["LedgerTransaction"] = fields.ForeignKeyField(
        "presale.LedgerTransaction", related_name="entries", on_delete=fields.RESTRICT
    )
    account = fields.CharField(max_length=40)
    amount_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)

    class Meta:
        table = "ledger_entry"
        constraints = (CheckConstraint(check="amount_minor <> 0", name="ledger_entry_not_zero"),)
