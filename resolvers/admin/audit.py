"""Who changed what."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from headless_presale.kernel.audit_log import AuditEntry
from resolvers.context import RequestContext
from resolvers.errors import ArgumentInvalid, reads
from resolvers.global_ids import find_node_id
from resolvers.paging import Page, PageRequest, page_by_id, serial_cursors

MAX_TEXT_LENGTH = 80

_OUT_OF_ORDER = timedelta(hours=1)
"""Entries are in the order of their ids, which is that of their moments but for this much at most:
transactions take seconds, and clocks of several machines differ. So a log is entered at a moment
without being walked from its end."""


ENTRY_CURSORS = serial_cursors("audit")

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuestion:
    """Which entries are wanted; what is None does not matter.

    Attributes:
        subject_id: a global id of what was changed.
        actor: as an entry names who acted.
        action: such as ``campaign.publish``; a text that ends in ``.`` means all that begin so.
        since, until: from and before these moments.
    """

    subject_id: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@reads
async def page_of_entries(
    context: RequestContext, owner_id: UUID, question: AuditQuestion, request: PageRequest
) -> Page[AuditEntry]:
    """Return entries of one log, the newest first.

    Raises:
        ArgumentInvalid: a filter cannot be used.
    """
    rows = AuditEntry.filter(owner_id=owner_id)
    if question.subject_id is not None:
        found = find_node_id(question.subject_id)
        if found is None:
            raise ArgumentInvalid("'subjectId' is not a global id.", code="ID_INVALID")
        rows = rows.filter(subject_type=found[0], subject_id=found[1])
    if question.actor is not None:
        rows = rows.filter(actor=_text(question.actor, "actor"))
    if question.action is not None:
        action = _text(question.action, "action")
        rows = rows.filter(**{"action__startswith" if action.endswith(".") else "action": action})
    if question.since is not None:
        rows = rows.filter(at__gte=question.since)
        before = AuditEntry.filter(owner_id=owner_id, at__lt=_earlier(question.since))
        if (bound := await before.order_by("-at", "-id").first()) is not None:
            rows = rows.filter(id__gt=bound.id)
    if question.until is not None:
        rows = rows.filter(at__lt=question.until)
        behind = AuditEntry.filter(owner_id=owner_id, at__gte=_later(question.until))
        if (bound := await behind.order_by("at", "id").first()) is not None:
            rows = rows.filter(id__lt=bound.id)
    return await page_by_id(rows, request, cursors=ENTRY_CURSORS)


def _earlier(at: datetime) -> datetime:
    return max(at, _FIRST + _OUT_OF_ORDER) - _OUT_OF_ORDER


def _later(at: datetime) -> datetime:
    return min(at, _LAST - _OUT_OF_ORDER) + _OUT_OF_ORDER


def _text(value: str, argument: str) -> str:
    if not value or len(value) > MAX_TEXT_LENGTH or "\x00" in value:
        raise ArgumentInvalid(f"'{argument}' must have 1 to {MAX_TEXT_LENGTH} characters.")
    return value
