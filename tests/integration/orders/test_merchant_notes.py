"""Notes of a merchant's: kept as they were written."""

import asyncpg
import pytest

from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.errors import (
    InvalidInput,
)
from headless_presale.kernel.events import acting_as
from headless_presale.orders import (
    AddNote,
    OrderNote,
    OrderView,
    add_note,
    merchant,
)
from headless_presale.payments import IdempotencyMismatch
from tests.integration.orders.deciding import STAFF, own, refused
from tests.support.money import (
    read,
)
from tests.support.state import stored_rows


class TestNotes:
    async def note(self, order: OrderView, text: str = "in blue", key: str = "n1") -> OrderNote:
        with acting_as(STAFF):
            return await add_note(AddNote(**own(order, key), text=text))

    async def test_a_note_is_kept_with_its_author_and_is_there_once(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        note = await self.note(paid)
        before = await stored_rows(database_admin)

        assert (await self.note(paid)).id == note.id
        assert await stored_rows(database_admin) == before
        assert (note.text, note.author, note.author_label) == (
            "in blue",
            str(STAFF),
            "lin@forge.example",
        )
        entry = await AuditEntry.get(action="order.note_add")
        assert entry.after == {"note_id": str(note.id)}
        assert (await read(paid.id)).version == paid.version
        await refused(self.note(paid, "in red"), IdempotencyMismatch, database_admin)

    async def test_it_is_never_changed(
        self, paid: OrderView, database_admin: asyncpg.Connection
    ) -> None:
        await self.note(paid)
        for sql in ("UPDATE order_note SET text = 'x'", "DELETE FROM order_note"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await database_admin.execute(sql)

    async def test_what_cannot_be_written_changes_nothing(
        self, paid: OrderView, monkeypatch: pytest.MonkeyPatch, database_admin: asyncpg.Connection
    ) -> None:
        for text in (" ", "x" * 2_001, "\x00"):
            await refused(self.note(paid, text), InvalidInput, database_admin)
        monkeypatch.setattr(merchant, "MOST_NOTES", 1)
        await self.note(paid)
        await refused(self.note(paid, "more", "n2"), InvalidInput, database_admin)
