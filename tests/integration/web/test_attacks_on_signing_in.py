"""Attacks on signing in. Beside each stands its control: without the defence it succeeds."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from headless_presale.identity import (
    passwords,
    resets,
)
from headless_presale.identity import (
    sign_in as signing_in,
)
from headless_presale.identity.limits import Source
from headless_presale.identity.models import Account, SignInSession
from headless_presale.identity.sessions import NewSession, Session
from headless_presale.kernel import clock as clocks
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.web import mailed_links
from tests.support.accounts import PASSWORD, make_account, make_person, set_up_app
from tests.support.pages import Browser, Site
from tests.support.signing_in import SESSION, session_of, sign_in
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "clock")

ADA = "ada@shop.example"


# Guessing a password


async def guess_from_everywhere(guesses: list[str]) -> list[int]:
    """Try each guess from a network of its own; return how they were answered."""
    answers = []
    for number, guess in enumerate(guesses):
        async with Site().browser(address=f"198.51.{number}.1") as attacker:
            answers.append((await sign_in(attacker, password=guess)).status)
    return answers


GUESSES = [f"guess number {number}" for number in range(7)] + [PASSWORD]


async def test_many_networks_guess_no_more_than_one(ada: UUID) -> None:
    assert await guess_from_everywhere(GUESSES) == [422] * 5 + [429] * 3


async def test_without_the_limits_the_eighth_guess_is_in(
    ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    monkeypatch.setattr(signing_in, "take_attempt", _pass_by)

    assert await guess_from_everywhere(GUESSES) == [422] * 7 + [303]


async def test_the_owner_s_own_browser_is_not_kept_out(browser: Browser, ada: UUID) -> None:
    await sign_in(browser)
    await browser.open("/sign-out")
    await browser.send("/sign-out")
    await guess_from_everywhere(["wrong wrong wrong"] * 6)

    assert (await sign_in(browser)).status == 303


# Who has an account?


async def work_of(browser: Browser, path: str, emails: list[str], **values: str) -> list[Any]:
    """Return, for each address, the answer and the work it was: hashes and statements."""
    seen: list[Any] = []
    hashes: list[object] = []
    verify = passwords._verify

    def counting(password: str, stored: str | None) -> Any:
        hashes.append(None)
        return verify(password, stored)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_verify", counting)
        async with counted_statements() as sent:
            # The first one opens connections.
            for email in ["nobody@first.example", *emails]:
                await browser.open(path)
                sent.clear()
                hashes.clear()
                answer = await browser.send(path, email=email, **values)
                seen.append((answer.status, answer.text, len(hashes), list(sent)))
    return seen[1:]


async def everybody() -> list[str]:
    """Make every kind of account; return their addresses, and one that nobody has."""
    await make_person(ADA)
    await make_account("invited@shop.example")
    gone = await make_person("gone@shop.example")
    await Account.filter(id=gone).update(deactivated_at=clocks.now())
    return [ADA, "invited@shop.example", "gone@shop.example", "nobody@shop.example"]


async def test_signing_in_does_not_tell_who_has_an_account(browser: Browser) -> None:
    first, *others = await work_of(
        browser, "/sign-in", await everybody(), password="not the password"
    )

    assert first[2] == 1
    assert others == [first] * 3


async def test_without_the_dummy_hash_it_would(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    verify = passwords.verify_password

    async def only_where_there_is_one(password: str, stored: str | None) -> Any:
        return passwords.Verdict(False) if stored is None else await verify(password, stored)

    monkeypatch.setattr(signing_in, "verify_password", only_where_there_is_one)
    seen = await work_of(browser, "/sign-in", await everybody(), password="not the password")

    assert [hashes for _, _, hashes, _ in seen] == [1, 0, 0, 0]


async def test_asking_for_a_reset_does_not_tell_either(browser: Browser) -> None:
    first, *others = await work_of(browser, "/forgot-password", await everybody())

    assert others == [first] * 3


async def test_a_reset_that_looked_at_once_would(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the account is looked up, and the mail written, while the browser waits."""
    open_reset = resets.open_reset

    async def look_at_once(email: str, *, locale: str, source: Source) -> None:
        await open_reset(email, locale=locale)

    monkeypatch.setattr(mailed_links, "request_reset", look_at_once)
    seen = await work_of(browser, "/forgot-password", await everybody())

    assert len({len(statements) for _, _, _, statements in seen}) > 1


# Codes that were seen


async def way_in(browser: Browser, code: str, kind: str = "totp") -> int:
    """Sign in with the password and a code; return how the code was answered."""
    await sign_in(browser)
    await browser.follow()
    return (await browser.send("/sign-in/verify", kind=kind, code=code)).status


async def test_a_code_over_somebody_s_shoulder_is_worth_nothing(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    totp, codes = await set_up_app(ada, clock)
    code = totp.at(clock.now())
    assert await way_in(browser, code) == 303
    assert await way_in_again(code) == 422

    async with Site().browser() as other:
        assert await way_in(other, codes[0], "recovery") == 303
    assert await way_in_again(codes[0], "recovery") == 422


async def way_in_again(code: str, kind: str = "totp") -> int:
    async with Site().browser(address="198.51.100.1") as attacker:
        return await way_in(attacker, code, kind)


async def test_without_being_used_up_a_code_would_count_again(
    browser: Browser, ada: UUID, clock: ManualClock, database_admin: asyncpg.Connection
) -> None:
    """Control."""
    totp, codes = await set_up_app(ada, clock)
    code = totp.at(clock.now())
    await way_in(browser, code)
    await database_admin.execute("UPDATE account SET totp_last_step = NULL")
    assert await way_in_again(code) == 303

    async with Site().browser() as other:
        await way_in(other, codes[0], "recovery")
    await database_admin.execute("UPDATE recovery_code SET used_at = NULL")
    assert await way_in_again(codes[0], "recovery") == 303


# A session that the attacker knows


async def test_a_planted_cookie_never_becomes_a_session(browser: Browser, ada: UUID) -> None:
    browser.cookies.set(SESSION, "planted")

    await sign_in(browser)

    assert (await browser.open("/account")).status == 200
    async with Site().browser() as attacker:
        attacker.cookies.set(SESSION, "planted")
        assert (await attacker.open("/account")).status == 303


async def fixate(browser: Browser, code: Callable[[], str]) -> int:
    """Know the cookie of a browser that waits for its second factor; use it once that is shown."""
    await sign_in(browser)
    known = session_of(browser)
    await browser.follow()
    await browser.send("/sign-in/verify", code=code())
    assert (await browser.open("/account")).status == 200
    async with Site().browser() as attacker:
        attacker.cookies.set(SESSION, known)
        return (await attacker.open("/account")).status


async def test_the_second_factor_changes_the_cookie(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    totp, _ = await set_up_app(ada, clock)

    assert await fixate(browser, lambda: totp.at(clock.now())) == 303
    assert await SignInSession.filter(ended_at=None).count() == 1


async def test_if_it_did_not_the_attacker_would_be_in(
    browser: Browser, ada: UUID, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the session is completed where it is."""
    totp, _ = await set_up_app(ada, clock)

    @shielded
    async def complete_in_place(session: Session, *, factor: str) -> NewSession:
        async with unit_of_work() as work:
            await work.execute(
                "UPDATE sign_in_session SET authenticated_at = $2 WHERE id = $1",
                session.id,
                clocks.now(),
            )
        return NewSession(session, session_of(browser))

    monkeypatch.setattr(signing_in, "complete_session", complete_in_place)

    assert await fixate(browser, lambda: totp.at(clock.now())) == 200


async def _pass_by(*_: object, **__: object) -> None:
    """Stand in for a defence, and defend nothing."""
