"""Sessions: what a cookie stands for, for how long, and what becomes of it at sign-in."""

from datetime import timedelta

import asyncpg
import pytest

from headless_presale.identity.models import Account
from headless_presale.identity.sessions import (
    ABSOLUTE,
    FRESH,
    IDLE,
    NOTE_EVERY,
    PENDING,
    complete_session,
    end_session,
    end_sessions_of,
    find_session,
    list_sessions,
    set_challenge,
    start_session,
    take_challenge,
)
from headless_presale.kernel.clock import ManualClock
from tests.support.accounts import make_account

pytestmark = pytest.mark.usefixtures("database", "clock")


async def test_the_first_factor_signs_nobody_in() -> None:
    started = await start_session(await make_account(), factors=["pwd"])

    found = await find_session(started.cookie_value)

    assert found == started.session
    assert not found.is_complete
    assert not found.is_fresh


async def test_completing_changes_the_cookie_and_the_old_one_is_dead() -> None:
    # Given a session whose cookie somebody else may know
    started = await start_session(await make_account(), factors=["pwd"])

    # When it is completed
    completed = await complete_session(started.session, factor="otp")

    # Then the new value is signed in with both factors, and the old one is nothing
    assert completed is not None
    found = await find_session(completed.cookie_value)
    assert found is not None
    assert found.is_complete
    assert found.factors == ("pwd", "otp")
    assert completed.cookie_value != started.cookie_value
    assert await find_session(started.cookie_value) is None


async def test_a_session_is_completed_once() -> None:
    started = await start_session(await make_account(), factors=["pwd"])
    assert await complete_session(started.session, factor="otp") is not None

    assert await complete_session(started.session, factor="otp") is None
    assert len(await list_sessions(started.session.account_id)) == 1


async def test_only_a_hash_is_stored(database_admin: asyncpg.Connection) -> None:
    started = await start_session(await make_account(), factors=["pwd"])

    row = await database_admin.fetchrow("SELECT sign_in_session::text AS all FROM sign_in_session")

    assert row is not None
    assert started.cookie_value not in row["all"]


@pytest.mark.parametrize("value", ["", "guess", "\x00", "\ud800", "x" * 10_000])
async def test_an_unknown_cookie_is_nobody(value: str) -> None:
    assert await find_session(value) is None


async def test_the_second_factor_is_waited_for_ten_minutes(clock: ManualClock) -> None:
    started = await start_session(await make_account(), factors=["pwd"])
    clock.advance(PENDING - timedelta(seconds=1))
    assert await find_session(started.cookie_value) is not None

    clock.advance(timedelta(seconds=1))

    assert await find_session(started.cookie_value) is None
    assert await complete_session(started.session, factor="otp") is None


async def test_use_keeps_a_session_and_idleness_ends_it(clock: ManualClock) -> None:
    started = await start_session(await make_account(), factors=["pwd"], is_complete=True)

    # Used an hour before it would end, it lasts its whole time from then on
    clock.advance(IDLE - timedelta(hours=1))
    assert await find_session(started.cookie_value) is not None
    clock.advance(IDLE - timedelta(seconds=1))
    assert await find_session(started.cookie_value) is not None

    clock.advance(IDLE)
    assert await find_session(started.cookie_value) is None


async def test_however_much_it_is_used_it_ends_after_a_week(clock: ManualClock) -> None:
    started = await start_session(await make_account(), factors=["pwd"], is_complete=True)
    hours = 0
    while await find_session(started.cookie_value) is not None:
        clock.advance(timedelta(hours=6))
        hours += 6

    assert hours == ABSOLUTE / timedelta(hours=1) == 168


async def test_use_within_minutes_writes_nothing(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    started = await start_session(await make_account(), factors=["pwd"], is_complete=True)
    began = clock.now()
    seen = "SELECT last_seen_at FROM sign_in_session"

    clock.advance(NOTE_EVERY - timedelta(seconds=1))
    await find_session(started.cookie_value)
    assert await database_admin.fetchval(seen) == began

    clock.advance(timedelta(seconds=1))
    await find_session(started.cookie_value)
    assert await database_admin.fetchval(seen) == began + NOTE_EVERY


async def test_it_is_fresh_for_ten_minutes(clock: ManualClock) -> None:
    started = await start_session(await make_account(), factors=["pwd"], is_complete=True)
    clock.advance(FRESH)
    assert started.session.is_fresh

    clock.advance(timedelta(seconds=1))
    assert not started.session.is_fresh


async def test_a_deactivated_account_is_signed_in_nowhere(clock: ManualClock) -> None:
    started = await start_session(await make_account(), factors=["pwd"], is_complete=True)
    await Account.all().update(deactivated_at=clock.now())

    assert await find_session(started.cookie_value) is None


async def test_signing_out_ends_one_and_everywhere_ends_all_others() -> None:
    account_id = await make_account()
    first, second, third = [
        await start_session(account_id, factors=["pwd"], is_complete=True) for _ in range(3)
    ]
    stranger = await start_session(
        await make_account("bob@shop.test"), factors=["pwd"], is_complete=True
    )

    await end_session(first.session.id)
    await end_session(first.session.id)
    assert await find_session(first.cookie_value) is None

    assert await end_sessions_of(account_id, keep=[second.session.id]) == 3 - 1 - 1
    assert await find_session(second.cookie_value) is not None
    assert await find_session(third.cookie_value) is None
    assert await find_session(stranger.cookie_value) is not None


async def test_a_challenge_is_answered_once() -> None:
    started = await start_session(await make_account(), factors=["pwd"])
    await set_challenge(started.session.id, "c2VjcmV0")

    assert await take_challenge(started.session.id) == "c2VjcmV0"
    assert await take_challenge(started.session.id) is None
