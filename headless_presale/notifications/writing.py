"""Writing a message: a row, and the job that sends it, in the transaction of what it reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jobs import defer, defer_many
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message to one of many. Arguments as those of :func:`write_message`."""

    subject_id: UUID
    recipient: str
    locale: str
    context: dict[str, Any]


async def write_messages(
    kind: str, letters: Sequence[Letter], *, queue: str, sent_at_once: int
) -> None:
    """Write a message to each and ask for all to be sent, in two statements.

    Args:
        queue: whose workers send them.
        sent_at_once: how many of them one job sends.
    """
    rows = await current_work().fetch(
        "INSERT INTO message (id, kind, subject_id, recipient, locale, context, created_at, "
        "failure) SELECT id, $1, subject_id, recipient, locale, context::jsonb, $2, '' "
        "FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[]) "
        "AS letter (id, subject_id, recipient, locale, context) "
        "ON CONFLICT (kind, subject_id) DO NOTHING RETURNING id",
        kind,
        clock.now(),
        [new_id() for _ in letters],
        [letter.subject_id for letter in letters],
        [letter.recipient for letter in letters],
        [letter.locale for letter in letters],
        [to_jsonb(letter.context) for letter in letters],
    )
    reach("messages.batch_written")
    ids = [str(row["id"]) for row in rows]
    await defer_many(
        "notifications:send_messages",
        [
            {"message_ids": ids[first : first + sent_at_once]}
            for first in range(0, len(ids), sent_at_once)
        ],
        queue=queue,
    )
