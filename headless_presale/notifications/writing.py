"""Writing a message: a row, and the job that sends it, in the transaction of what it reports."""

from typing import Any
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.jsonb import to_jsonb
from headless_presale.kernel.unit_of_work import current_work


async def write_message(
    kind: str, subject_id: UUID, *, recipient: str, locale: str, context: dict[str, Any]
) -> None:
    """Write a message and ask for it to be sent; once per kind and subject."""
    row = await current_work().fetchrow(
        "INSERT INTO message (id, kind, subject_id, recipient, locale, context, created_at, "
        "failure) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, '') "
        "ON CONFLICT (kind, subject_id) DO NOTHING RETURNING id",
        new_id(),
        kind,
        subject_id,
        recipient,
        locale,
        to_jsonb(context),
        clock.now(),
    )
    if row is not None:
        reach("messages.written")
        await defer("notifications:send_message", message_id=str(row["id"]))
