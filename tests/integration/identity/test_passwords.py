"""Passwords: which are taken, how they are kept, and that a miss costs what a hit costs."""

import asyncio
from datetime import timedelta

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from headless_presale.identity import passwords
from headless_presale.identity.errors import PasswordFault, PasswordRefused, TooManyAttempts
from headless_presale.identity.limits import Source
from headless_presale.identity.models import Account
from headless_presale.identity.passwords import (
    check_new_password,
    common_passwords,
    hash_password,
    verify_password,
)
from headless_presale.identity.sessions import find_session
from headless_presale.identity.sign_in import change_password, sign_in_with_password
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import Unavailable
from tests.support.accounts import PASSWORD, make_account
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "clock")

HOME = Source(address="192.0.2.1")


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every comparison of a password with a hash."""
    made: list[str] = []
    verify = Argon2Hasher.verify

    def note(self: Argon2Hasher, password: str | bytes, hash: str | bytes) -> bool:
        made.append(str(hash)[:30])
        return verify(self, password, hash)

    monkeypatch.setattr(Argon2Hasher, "verify", note)
    return made


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("", PasswordFault.TOO_SHORT),
        ("a" * 9, PasswordFault.TOO_SHORT),
        ("x" * 129, PasswordFault.TOO_LONG),
        ("PassWord123", PasswordFault.COMMON),
        ("1234567890", PasswordFault.COMMON),
        ("abababababab", PasswordFault.COMMON),
        ("ada.lovelace@shop.example", PasswordFault.OWN_ADDRESS),
        ("ADA.LOVELACE", PasswordFault.OWN_ADDRESS),
    ],
)
def test_some_passwords_are_refused(password: str, fault: PasswordFault) -> None:
    with pytest.raises(PasswordRefused) as refusal:
        check_new_password(password, email="ada.lovelace@shop.example")

    assert refusal.value.fault is fault


@pytest.mark.parametrize(
    "password", ["abcd567890"[::-1], "x1y2" + "x" * 124, "正确的马电池订书钉密码"]
)
def test_others_are_taken(password: str) -> None:
    check_new_password(password, email="ada@shop.example")


def test_the_list_holds_what_the_length_would_let_through() -> None:
    assert len(common_passwords()) >= 100
    assert [one for one in common_passwords() if len(one) < 10 or one != one.casefold()] == []


async def test_a_password_is_stored_as_argon2id_and_found_again() -> None:
    stored = await hash_password(PASSWORD)

    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert (await verify_password(PASSWORD, stored)).is_right
    assert not (await verify_password(PASSWORD + "!", stored)).is_right
    assert stored != await hash_password(PASSWORD)


async def test_an_accent_typed_in_two_ways_is_one_password() -> None:
    stored = await hash_password("crème brûlée 42")

    assert (await verify_password("cre\u0300me bru\u0302le\u0301e 42", stored)).is_right


async def test_older_parameters_are_renewed_at_sign_in() -> None:
    # Given a hash made with less work than today
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8_192),)).hash(PASSWORD)
    await make_account(password_hash=weak)

    # When somebody signs in with the right password
    assert await sign_in_with_password("ada@shop.example", PASSWORD, source=HOME, user_agent="")

    # Then it is stored with today's work, and still right
    stored = (await Account.get()).password_hash
    assert stored != weak
    assert "m=65536,t=3" in str(stored)
    assert (await verify_password(PASSWORD, stored)).new_hash is None


async def test_signing_in_begins_a_complete_session_without_a_second_factor() -> None:
    account_id = await make_account(password_hash=await hash_password(PASSWORD))

    started = await sign_in_with_password(
        " Ada@SHOP.Example", PASSWORD, source=HOME, user_agent="Browser/1"
    )

    assert started is not None
    session = await find_session(started.cookie_value)
    assert session is not None
    assert (session.account_id, session.is_complete, session.factors, session.user_agent) == (
        account_id,
        True,
        ("pwd",),
        "Browser/1",
    )


@pytest.mark.parametrize("case", ["unknown", "no password", "deactivated", "wrong"])
async def test_whether_there_is_an_account_does_not_show_in_the_work(
    case: str, verifications: list[str], clock: ManualClock
) -> None:
    # Given what a wrong password of an account costs
    stored = await hash_password(PASSWORD)
    await make_account(password_hash=stored)
    await make_account("nobody.yet@shop.example")
    await make_account("gone@shop.example", password_hash=stored, deactivated_at=clock.now())
    async with counted_statements() as cost:
        await sign_in_with_password("ada@shop.example", "wrong wrong", source=HOME, user_agent="")
    compared = len(verifications)

    # When the same is tried where it cannot succeed
    email = {
        "unknown": "nobody@shop.example",
        "no password": "nobody.yet@shop.example",
        "deactivated": "gone@shop.example",
        "wrong": "ada@shop.example",
    }[case]
    async with counted_statements() as sent:
        began = await sign_in_with_password(
            email, "wrong wrong", source=Source(address="198.51.100.7"), user_agent=""
        )

    # Then it is the same no, after the same statements and the same number of comparisons
    assert began is None
    assert list(sent) == list(cost)
    assert len(verifications) - compared == compared == 1


async def test_without_the_dummy_hash_an_unknown_address_would_be_quicker(
    verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the test above would notice."""
    monkeypatch.setattr(
        passwords, "_verify", lambda password, stored: passwords.Verdict(stored is not None)
    )

    await sign_in_with_password("nobody@shop.example", "wrong wrong", source=HOME, user_agent="")

    assert verifications == []


async def test_guessing_meets_growing_pauses(clock: ManualClock) -> None:
    await make_account(password_hash=await hash_password(PASSWORD))
    tried, waits = 0, []
    for _ in range(14):
        try:
            await sign_in_with_password(
                "ada@shop.example", "wrong wrong", source=HOME, user_agent=""
            )
            tried += 1
        except TooManyAttempts as pause:
            waits.append(pause.retry_after_seconds)
            clock.advance(pause_of(pause))

    # Five are free, then every second one meets the next pause.
    assert (tried, waits) == (9, [2, 4, 8, 16, 32])


async def test_hundred_guesses_at_once_are_no_more_than_five() -> None:
    await make_account(password_hash=await hash_password(PASSWORD))

    answers = await asyncio.gather(
        *(
            sign_in_with_password(
                "ada@shop.example", f"guess number {n}", source=HOME, user_agent=""
            )
            for n in range(30)
        ),
        return_exceptions=True,
    )

    assert sum(answer is None for answer in answers) == 5
    assert sum(isinstance(answer, TooManyAttempts) for answer in answers) == 30 - 5


async def test_only_so_many_wait_for_a_hash() -> None:
    everybody = passwords.AT_ONCE + passwords.WAITING + 8

    answers = await asyncio.gather(
        *(verify_password(PASSWORD, None) for _ in range(everybody)), return_exceptions=True
    )

    assert sum(isinstance(answer, Unavailable) for answer in answers) == 8


async def test_changing_the_password_signs_other_browsers_out() -> None:
    # Given somebody signed in twice
    await make_account(password_hash=await hash_password(PASSWORD))
    here = await sign_in_with_password("ada@shop.example", PASSWORD, source=HOME, user_agent="")
    there = await sign_in_with_password("ada@shop.example", PASSWORD, source=HOME, user_agent="")
    assert here is not None
    assert there is not None

    # When the old password is wrong nothing happens
    assert not await change_password(here.session, "wrong wrong", "a new passphrase", source=HOME)
    assert await find_session(there.cookie_value) is not None

    # When it is right the other browser is out, and only the new one is a password
    assert await change_password(here.session, PASSWORD, "a new passphrase", source=HOME)
    assert await find_session(here.cookie_value) is not None
    assert await find_session(there.cookie_value) is None
    sign_in = sign_in_with_password
    assert await sign_in("ada@shop.example", PASSWORD, source=HOME, user_agent="") is None
    assert await sign_in("ada@shop.example", "a new passphrase", source=HOME, user_agent="")


def pause_of(pause: TooManyAttempts) -> timedelta:
    return timedelta(seconds=pause.retry_after_seconds)
