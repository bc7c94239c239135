"""The audit log: written with the change or not at all, and never altered."""

from uuid import uuid4

import asyncpg
import pytest

from headless_presale.kernel.audit_log import AuditEntry, record_change
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work


@shielded
async def change(*, breaks_off: bool = False, **values: object) -> None:
    async with unit_of_work() as work:
        await record_change(
            work,
            action="thing.update",
            owner_id=uuid4(),
            subject_type="Thing",
            subject_id=uuid4(),
            before={"price": 100, "name": "a", "at": None, **values},
            after={"price": 120, "name": "a", "at": None, "new": [1]},
        )
        if breaks_off:
            raise ValueError("something else went wrong")


async def test_only_what_differs_is_kept(database: str, clock: ManualClock) -> None:
    await change(gone=True)

    entry = await AuditEntry.get()
    assert entry.before == {"price": 100, "gone": True}
    assert entry.after == {"price": 120, "new": [1]}
    assert (entry.actor, entry.at) == ("system", clock.now())


async def test_a_change_that_did_not_happen_has_no_entry(database: str) -> None:
    with pytest.raises(ValueError, match="something else"):
        await change(breaks_off=True)

    assert await AuditEntry.all().count() == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET actor = 'cli'", "DELETE FROM audit_entry"]
)
async def test_an_entry_is_never_altered(
    database: str, database_admin: asyncpg.Connection, statement: str
) -> None:
    await change()

    with pytest.raises(asyncpg.RestrictViolationError):
        await database_admin.execute(statement)

    assert (await AuditEntry.get()).actor == "system"
