"""What the matrix relies on: a change of a single letter is seen, and undone."""

import asyncpg
import pytest

from tests.graphql.admin.tenancy.asking import Asker


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE merchant SET name = name || '.' WHERE name = 'Merchant of ours'",
        "UPDATE staff_member SET version = version + 1 WHERE role = 'SUPPORT'",
        "DELETE FROM oauth_grant",
        "INSERT INTO event (topic, type, payload, actor, created_at) "
        "VALUES ('note:1', 'x', '{}', 'nobody', now())",
        "WITH one AS (DELETE FROM invitation RETURNING *) "
        "INSERT INTO merchant (id, name, created_at) SELECT id, email, created_at FROM one",
    ],
)
async def test_a_change_is_seen_and_undone(
    asker: Asker, database_admin: asyncpg.Connection, change: str
) -> None:
    before, rows = await asker.state(), await asker.rows()

    await database_admin.execute(change)
    assert await asker.state() != before

    await asker.put_back()
    assert await asker.state() == before
    assert await asker.rows() == rows


async def test_two_rows_that_swap_a_value_are_a_change(
    asker: Asker, database_admin: asyncpg.Connection
) -> None:
    before = await asker.state()

    await database_admin.execute(
        "UPDATE merchant AS one SET name = other.name FROM merchant AS other "
        "WHERE one.id <> other.id AND one.name LIKE 'Merchant of %' "
        "AND other.name LIKE 'Merchant of %'"
    )

    after = await asker.state()
    assert {name for name in before if after[name] != before[name]} == {"merchant"}
