"""Messages to buyers: one row per message, written before it is sent."""

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Message(Model):
    """A mail to a buyer. ``(kind, subject_id)`` is unique: the same cause writes one mail."""

    id = fields.UUIDField(primary_key=True)
    kind = fields.CharField(max_length=40)
    subject_id = fields.UUIDField()
    recipient = fields.CharField(max_length=320)
    locale = fields.CharField(max_length=10)
    context = fields.JSONField[dict[str, Any]]()
    created_at = fields.DatetimeField()
    sent_at = fields.DatetimeField(null=True)

    class Meta:
        table = "message"
        unique_together = (("kind", "subject_id"),)
