"""One-time codes and recovery codes: right once, wrong ever after."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pyotp
import pytest

from headless_presale.identity.errors import FactorRefused, TooManyAttempts
from headless_presale.identity.events import SecurityChange
from headless_presale.identity.models import Account
from headless_presale.identity.passkeys import RelyingParty
from headless_presale.identity.recovery import replace_recovery_codes, use_recovery_code
from headless_presale.identity.sessions import Session, find_session, start_session
from headless_presale.identity.sign_in import (
    SecondFactor,
    second_factors_of,
    show_second_factor,
)
from headless_presale.identity.totp import begin_totp, confirm_totp, remove_totp, use_totp
from headless_presale.kernel.clock import ManualClock
from tests.support.accounts import make_account

pytestmark = pytest.mark.usefixtures("database", "clock")

PARTY = RelyingParty("http://shop.test", "Headless Presale")
STEP = timedelta(seconds=30)


async def enrol(clock: ManualClock) -> tuple[UUID, pyotp.TOTP, list[str]]:
    """Return an account with an authenticator app, one step after it was confirmed."""
    account_id = await make_account()
    totp = pyotp.TOTP((await begin_totp(account_id, issuer="Presale")).secret)
    codes = await confirm_totp(account_id, totp.at(clock.now()))
    clock.advance(STEP)
    return account_id, totp, codes


async def changes(admin: asyncpg.Connection) -> list[SecurityChange]:
    """Return what people were told of, in order."""
    rows = await admin.fetch(
        "SELECT payload->>'change' AS change FROM event "
        "WHERE type = 'account.security_changed' ORDER BY id"
    )
    return [SecurityChange(row["change"]) for row in rows]


async def pending(account_id: UUID) -> Session:
    return (await start_session(account_id, factors=["pwd"])).session


async def test_setting_up_an_app_shows_ten_recovery_codes(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    account_id, _, codes = await enrol(clock)

    factors = await second_factors_of(account_id)
    assert (factors.has_totp, factors.passkeys, factors.recovery_codes) == (True, 0, 10)
    assert len(set(codes)) == 10
    assert await changes(database_admin) == [SecurityChange.TOTP_ADDED]


async def test_the_secret_is_sealed_and_the_same_until_it_is_confirmed() -> None:
    account_id = await make_account()
    first = await begin_totp(account_id, issuer="Moonlit Forge")
    second = await begin_totp(account_id, issuer="Moonlit Forge")

    assert first == second
    assert first.address == (
        "otpauth://totp/Moonlit%20Forge:ada%40shop.example"
        f"?secret={first.secret}&issuer=Moonlit%20Forge"
    )
    assert first.secret not in str((await Account.get()).totp_secret)
    assert not (await second_factors_of(account_id)).is_needed


async def test_a_wrong_code_confirms_nothing(clock: ManualClock) -> None:
    account_id = await make_account()
    await begin_totp(account_id, issuer="Presale")

    with pytest.raises(FactorRefused):
        await confirm_totp(account_id, "000000x")

    assert not (await second_factors_of(account_id)).is_needed


async def test_the_code_that_confirmed_the_app_signs_nobody_in(clock: ManualClock) -> None:
    account_id = await make_account()
    totp = pyotp.TOTP((await begin_totp(account_id, issuer="Presale")).secret)
    code = totp.at(clock.now())
    await confirm_totp(account_id, code)

    assert not await use_totp(account_id, code)


async def test_a_code_counts_once(clock: ManualClock) -> None:
    account_id, totp, _ = await enrol(clock)
    code = totp.at(clock.now())

    assert await use_totp(account_id, f"{code[:3]} {code[3:]}")
    assert not await use_totp(account_id, code)


async def test_of_many_at_once_one_counts(clock: ManualClock) -> None:
    account_id, totp, _ = await enrol(clock)
    code = totp.at(clock.now())

    answers = await asyncio.gather(*(use_totp(account_id, code) for _ in range(10)))

    assert sorted(answers) == [False] * 9 + [True]


async def test_without_the_last_step_a_code_would_count_again(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    """The control of the replay: what remembers the step is what refuses it."""
    account_id, totp, _ = await enrol(clock)
    code = totp.at(clock.now())
    assert await use_totp(account_id, code)

    await database_admin.execute("UPDATE account SET totp_last_step = NULL")

    assert await use_totp(account_id, code)


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (1, True), (2, False)])
async def test_clocks_may_be_one_step_apart(clock: ManualClock, steps: int, is_right: bool) -> None:
    account_id, totp, _ = await enrol(clock)
    clock.advance(3 * STEP)

    assert await use_totp(account_id, totp.at(clock.now() + steps * STEP)) is is_right


async def test_after_a_later_code_an_earlier_one_is_too_late(clock: ManualClock) -> None:
    account_id, totp, _ = await enrol(clock)
    assert await use_totp(account_id, totp.at(clock.now() + STEP))

    assert not await use_totp(account_id, totp.at(clock.now()))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00" * 6])
async def test_what_is_no_code_is_wrong(clock: ManualClock, code: str) -> None:
    account_id, _, _ = await enrol(clock)

    assert not await use_totp(account_id, code)


async def test_a_recovery_code_counts_once_and_is_told(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    account_id, _, codes = await enrol(clock)

    assert await use_recovery_code(account_id, codes[0].upper().replace("-", " "))
    assert not await use_recovery_code(account_id, codes[0])

    assert (await second_factors_of(account_id)).recovery_codes == 10 - 1
    assert await changes(database_admin) == [
        SecurityChange.TOTP_ADDED,
        SecurityChange.RECOVERY_CODE_USED,
    ]


async def test_without_the_mark_a_recovery_code_would_count_again(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    """The control of the reuse."""
    account_id, _, codes = await enrol(clock)
    assert await use_recovery_code(account_id, codes[0])

    await database_admin.execute("UPDATE recovery_code SET used_at = NULL")

    assert await use_recovery_code(account_id, codes[0])


async def test_a_recovery_code_is_of_one_account(clock: ManualClock) -> None:
    _, _, codes = await enrol(clock)
    other = await make_account("bob@shop.example")

    assert not await use_recovery_code(other, codes[0])


async def test_new_codes_replace_the_old_ones(clock: ManualClock) -> None:
    account_id, _, old = await enrol(clock)

    new = await replace_recovery_codes(account_id)

    assert set(new).isdisjoint(old)
    assert not await use_recovery_code(account_id, old[0])
    assert await use_recovery_code(account_id, new[0])


async def test_codes_are_stored_as_keyed_hashes(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    _, _, codes = await enrol(clock)

    rows = await database_admin.fetch("SELECT recovery_code::text AS all FROM recovery_code")

    assert len(rows) == 10
    assert [code for code in codes for row in rows if code in row["all"]] == []


async def test_a_right_code_completes_the_session(clock: ManualClock) -> None:
    account_id, totp, _ = await enrol(clock)
    session = await pending(account_id)

    completed = await show_second_factor(
        session, SecondFactor.TOTP, totp.at(clock.now()), party=PARTY
    )

    found = await find_session(completed.cookie_value)
    assert found is not None
    assert (found.is_complete, found.factors) == (True, ("pwd", "otp"))


async def test_guessing_codes_meets_growing_pauses(clock: ManualClock) -> None:
    account_id, totp, _ = await enrol(clock)
    session = await pending(account_id)
    wrong = f"{(int(totp.at(clock.now())) + 500_000) % 1_000_000:06}"
    for _ in range(5):
        with pytest.raises(FactorRefused):
            await show_second_factor(session, SecondFactor.TOTP, wrong, party=PARTY)

    # The sixth is refused unseen, even a right one, of either kind
    for kind in (SecondFactor.TOTP, SecondFactor.RECOVERY):
        with pytest.raises(TooManyAttempts) as pause:
            await show_second_factor(session, kind, totp.at(clock.now()), party=PARTY)
        assert pause.value.retry_after_seconds == 5

    clock.advance(timedelta(seconds=5))
    completed = await show_second_factor(
        session, SecondFactor.TOTP, totp.at(clock.now()), party=PARTY
    )
    assert completed.session.is_complete


async def test_removing_the_last_factor_removes_the_codes(
    clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    account_id, totp, codes = await enrol(clock)

    await remove_totp(account_id)
    await remove_totp(account_id)

    factors = await second_factors_of(account_id)
    assert (factors.is_needed, factors.recovery_codes) == (False, 0)
    assert not await use_totp(account_id, totp.at(clock.now()))
    assert not await use_recovery_code(account_id, codes[0])
    assert await changes(database_admin) == [
        SecurityChange.TOTP_ADDED,
        SecurityChange.TOTP_REMOVED,
    ]
