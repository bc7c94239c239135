"""Messages: one row per message, written before it is sent."""

from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model


class MessageKind(StrEnum):
    """What a message to a buyer is about.

    Names its templates: ``templates/<locale>/<kind>.html``.
    """

    ORDER_CONFIRMED = "order_confirmed"
    BALANCE_REMINDER = "balance_reminder"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_FORFEITED = "order_forfeited"
    ORDER_REFUNDED = "order_refunded"
    LATE_PAYMENT_REFUSED = "late_payment_refused"
    ORDER_LINK_RENEWED = "order_link_renewed"


class AccountMailKind(StrEnum):
    """What a mail to somebody who signs in is about."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"
    SECURITY_CHANGED = "security_changed"
    WEBHOOK_DISABLED = "webhook_disabled"
    SIGN_IN_CODE = "sign_in_code"
    PERSONAL_DATA_READY = "personal_data_ready"


class ListMailKind(StrEnum):
    """What a mail to somebody on a notify-me list is about."""

    NOTIFY_ME_CONFIRM = "notify_me_confirm"
    CAMPAIGN_OPENED = "campaign_opened"


class Message(Model):
    """A mail to a buyer. ``(kind, subject_id)`` is unique: the same cause writes one mail.

    ``context`` holds the facts as they were when the message was written; what changes later does
    not alter what is said. ``claimed_until`` is set while a worker sends it, so that a second one
    keeps off; it runs out by itself if that worker dies. A message ends up sent or failed, never
    both; ``failure`` says why.
    """

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharField(max_length=40)
    subject_id = fields.UUIDField()
    recipient = fields.CharField(max_length=320)
    locale = fields.CharField(max_length=10)
    context = fields.JSONField[dict[str, Any]]()
    created_at = fields.DatetimeField()
    claimed_until = fields.DatetimeField(null=True)
    sent_at = fields.DatetimeField(null=True)
    failed_at = fields.DatetimeField(null=True)
    failure = fields.CharField(max_length=500, default="")

    class Meta:
        table = "message"
        unique_together = (("kind", "subject_id"),)
        indexes = (
            Index(fields=("recipient",), name="message_by_recipient"),
            WhereIndex(
                fields=("created_at",),
                name="message_of_lists",
                where="kind IN ('campaign_opened', 'notify_me_confirm')",
            ),
        )
        constraints = (
            CheckConstraint(
                check="sent_at IS NULL OR failed_at IS NULL", name="message_sent_or_failed"
            ),
        )
