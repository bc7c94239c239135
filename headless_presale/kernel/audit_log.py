"""The audit log: who changed what, when, through which client, from what to what.

A use case records its change in its own transaction: there is no change without its entry and no
entry without its change. Entries are never altered; a trigger of the database sees to it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from headless_presale.kernel import clock
from headless_presale.kernel.events import acting
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.models import Model
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.kernel.versions import plain

MAX_LABEL_LENGTH = 320


class AuditEntry(Model):
    """One change. ``before`` and ``after`` hold the fields that differ, and only those.

    ``owner_id`` is the shop or the merchant whose log it is in. Something new has an empty
    ``before``, something removed an empty ``after``.
    """

    id = fields.BigIntField(primary_key=True, generated=True)
    owner_id = fields.UUIDField()
    at = fields.DatetimeField()
    actor = fields.CharField(max_length=80)
    actor_label = fields.CharField(max_length=320)
    client_id = fields.CharField(max_length=80)
    request_id = fields.CharField(max_length=64)
    action = fields.CharField(max_length=60)
    subject_type = fields.CharField(max_length=40)
    subject_id = fields.UUIDField()
    subject_label = fields.CharField(max_length=320)
    before = fields.JSONField[dict[str, Any]]()
    after = fields.JSONField[dict[str, Any]]()

    class Meta:
        table = "audit_entry"
        indexes = (
            Index(fields=("owner_id", "id"), name="audit_entry_by_owner"),
            Index(fields=("owner_id", "at", "id"), name="audit_entry_by_time"),
            Index(fields=("owner_id", "action", "id"), name="audit_entry_by_action"),
            Index(fields=("owner_id", "actor", "id"), name="audit_entry_by_actor"),
            Index(fields=("subject_id", "id"), name="audit_entry_by_subject"),
        )


async def record_change(
    work: UnitOfWork,
    *,
    action: str,
    owner_id: UUID,
    subject_type: str,
    subject_id: UUID,
    subject_label: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write a change into the log of its owner; part of the transaction that makes the change.

    Args:
        action: noun and verb, as the mutation is called: ``campaign.publish``.
        owner_id: the shop it is about; the merchant where it is about none of its shops.
        subject_type: the noun as the API knows it: ``Campaign``.
        subject_label: how people call the subject, so that an entry is readable when it is gone.
        before, after: the subject's fields around the change; equal ones are left out. Never a
            secret: whoever may read the log would know it.
    """
    old, new = plain(before or {}), plain(after or {})
    both = [key for key in old if key in new and old[key] == new[key]]
    actor = acting()
    await work.execute(
        "INSERT INTO audit_entry (owner_id, at, actor, actor_label, client_id, request_id, action, "
        "subject_type, subject_id, subject_label, before, after) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12::jsonb)",
        owner_id,
        clock.now(),
        str(actor),
        actor.label[:MAX_LABEL_LENGTH],
        actor.client_id,
        actor.request_id,
        action,
        subject_type,
        subject_id,
        subject_label[:MAX_LABEL_LENGTH],
        to_jsonb({key: value for key, value in old.items() if key not in both}),
        to_jsonb({key: value for key, value in new.items() if key not in both}),
    )
    reach("audit.recorded")
