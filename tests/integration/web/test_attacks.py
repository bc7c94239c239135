"""Attacks on the pages. Beside each stands its control: without the defence it succeeds."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import pytest
from starlette.routing import Route

from headless_presale.identity import (
    InviteStaff,
    Role,
    invitation_token,
    invite_staff,
    passwords,
    reset_token,
    resets,
)
from headless_presale.identity import (
    sign_in as signing_in,
)
from headless_presale.identity.limits import Source
from headless_presale.identity.models import Account, SignInSession
from headless_presale.identity.resets import write_reset
from headless_presale.identity.sessions import NewSession, Session
from headless_presale.identity.sign_in import sign_in_with_password
from headless_presale.kernel import clock as clocks
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.web import account, applications, authorize, factors, mailed_links
from headless_presale.web import sign_in as pages
from headless_presale.web.routes import ROUTES
from tests.support.accounts import PASSWORD, make_account, make_person, set_up_app
from tests.support.pages import Browser, Page, Site
from tests.support.shop import make_shop
from tests.support.signing_in import SESSION, session_of, sign_in
from tests.support.state import stored_rows
from tests.support.statements import counted_statements

pytestmark = pytest.mark.usefixtures("database", "clock")

ADA, EVE = "ada@shop.example", "eve@shop.example"
NEW = "a new sentence to know"


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


# Forms of other sites

MODULES = (account, applications, authorize, factors, mailed_links, pages)
FORMS = {
    "/sign-in": {"email": EVE, "password": PASSWORD},
    "/sign-in/verify": {"kind": "totp"},
    "/sign-out": {},
    "/forgot-password": {"email": ADA},
    "/reset-password": {"password": NEW, "repeat": NEW},
    "/invitation": {},
    "/account/password": {"old": PASSWORD, "password": NEW, "repeat": NEW},
    "/account/recovery-codes": {},
    "/account/sessions/end": {},
    "/account/sessions/end-others": {},
    "/account/authenticator": {},
    "/account/authenticator/remove": {},
    "/account/passkeys/new": {},
    "/account/passkeys/remove": {},
}
"""What an attacker's page would make Ada's browser send. Consent and applications have tests of
their own, beside them."""
ELSEWHERE = {"/oauth/authorize", "/account/applications/end"}
ENDPOINTS = {"/oauth/token", "/oauth/revoke", "/oauth/introspect"}
"""Called by programs with credentials of their own; no cookie counts there."""


def forms_of_pages() -> set[str]:
    return {
        route.path
        for route in ROUTES
        if isinstance(route, Route)
        and "POST" in (route.methods or ())
        and route.path not in ENDPOINTS
    }


def test_every_form_of_a_page_is_attacked() -> None:
    assert forms_of_pages() - ELSEWHERE == set(FORMS)


class Victim:
    """Ada at her browser, and all that an attacker may want to happen there."""

    def __init__(self, browser: Browser, ada: UUID, clock: ManualClock) -> None:
        self.browser, self.ada, self.clock = browser, ada, clock
        self.code = ""
        self.reset = ""
        self.invitation = ""
        self.session = ""

    async def get_ready(self, path: str) -> None:
        """Bring everything to where the form could be sent."""
        await make_person(EVE)
        if path == "/sign-in/verify":
            totp, _ = await set_up_app(self.ada, self.clock)
            self.code = totp.at(self.clock.now())
        reset = await write_reset(self.ada)
        self.reset = f"?{urlencode({'token': reset_token(reset)})}"
        shop = await make_shop()
        offer = InviteStaff(
            merchant_id=shop.merchant_id, email=ADA, role=Role.SUPPORT, invited_by="Bob"
        )
        invitation = await invite_staff(offer)
        self.invitation = f"?{urlencode({'token': invitation_token(invitation.id)})}"
        source = Source(address="203.0.113.9")
        other = await sign_in_with_password(ADA, PASSWORD, source=source, user_agent="")
        assert other is not None
        self.session = str(other.session.id)
        if path not in ("/sign-in", "/forgot-password", "/reset-password"):
            await sign_in(self.browser)
        if path in ("/account/recovery-codes", "/account/authenticator/remove"):
            await set_up_app(self.ada, self.clock)
        if path == "/account/authenticator":
            await self.browser.open(path)
        await self.browser.open("/sign-in?again=1")

    async def be_made_to_send(self, path: str) -> Page:
        """Send the form as a page of another site would: with the cookies, without a token."""
        values = dict(FORMS[path])
        if path == "/sign-in/verify":
            values["code"] = self.code
        if path == "/account/sessions/end":
            values["id"] = self.session
        query = {"/reset-password": self.reset, "/invitation": self.invitation}.get(path, "")
        return await self.browser.post(path + query, **values)


@pytest.fixture
async def victim(browser: Browser, ada: UUID, clock: ManualClock) -> Victim:
    return Victim(browser, ada, clock)


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_another_site_changes_nothing(
    victim: Victim,
    path: str,
    database_admin: asyncpg.Connection,
) -> None:
    await victim.get_ready(path)
    before = await stored_rows(database_admin)

    answer = await victim.be_made_to_send(path)

    assert answer.status == 403
    assert "was not sent from our own page" in answer.text
    assert await stored_rows(database_admin) == before


HARMLESS = {"/account/authenticator", "/account/passkeys/new", "/account/passkeys/remove"}
"""An attacker would need more than a form for these: a code of the app, an authenticator's answer,
the id of a passkey."""


@pytest.mark.parametrize("path", sorted(set(FORMS) - HARMLESS))
async def test_without_the_token_it_would_have_its_way(
    victim: Victim,
    path: str,
    database_admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Control."""
    await victim.get_ready(path)
    before = await stored_rows(database_admin)
    for module in MODULES:
        if hasattr(module, "require_csrf"):
            monkeypatch.setattr(module, "require_csrf", _pass_by)

    answer = await victim.be_made_to_send(path)

    assert answer.status in (200, 303)
    assert await stored_rows(database_admin) != before


# Frames, caches, scripts


async def test_no_page_is_framed_kept_or_runs_anything_inline(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    strangers = ["/sign-in", "/sign-out", "/forgot-password", "/reset-password", "/invitation"]
    shown = [await browser.open(path) for path in strangers]
    shown.append(await browser.post("/sign-in", email=ADA, password=PASSWORD))
    shown.append(await sign_in(browser, password="wrong wrong"))
    await sign_in(browser)
    for path in ("/account", "/account/authenticator", "/account/passkeys/new", "/sign-out"):
        shown.append(await browser.open(path))
    await set_up_app(ada, clock)
    async with Site().browser() as other:
        await sign_in(other)
        shown.append(await other.follow())

    assert {page.status for page in shown} == {200, 403, 410, 422}
    for page in shown:
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        html = page.response.text
        assert (
            re.findall(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style|javascript:", html) == []
        )


# Addresses to go on to

TRAPS = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "/\t/evil.example",
    "javascript:alert(1)",
)


async def ends_at(browser: Browser, trap: str) -> list[str]:
    """Return where every way through sign-in leads with a trap as the address to go on to."""
    query = urlencode({"next": trap})
    await browser.open(f"/sign-in?{query}")
    first = await browser.send("/sign-in", email=ADA, password=PASSWORD)
    again = await browser.open(f"/sign-in?{query}")
    await browser.open("/sign-in?again=1")
    forged = await browser.send("/sign-in", email=ADA, password=PASSWORD, next=trap)
    return [first.location, again.location, forged.location]


@pytest.mark.parametrize("trap", TRAPS)
async def test_nobody_is_led_elsewhere(browser: Browser, ada: UUID, trap: str) -> None:
    assert await ends_at(browser, trap) == ["/", "/", "/"]


async def test_without_the_check_one_would_be(
    browser: Browser, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control."""
    monkeypatch.setattr(pages, "safe_next", lambda target: target)

    assert await ends_at(browser, TRAPS[0]) == [TRAPS[0]] * 3


async def _pass_by(*_: object, **__: object) -> None:
    """Stand in for a defence, and defend nothing."""
