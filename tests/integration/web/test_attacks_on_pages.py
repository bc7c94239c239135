"""Attacks on pages and forms. Beside each stands its control: without the defence it succeeds."""

import re
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
    reset_token,
)
from headless_presale.identity.limits import Source
from headless_presale.identity.resets import write_reset
from headless_presale.identity.sign_in import sign_in_with_password
from headless_presale.kernel.clock import ManualClock
from headless_presale.web import account, applications, authorize, factors, mailed_links
from headless_presale.web import sign_in as pages
from headless_presale.web.routes import ROUTES
from tests.support.accounts import PASSWORD, make_person, set_up_app
from tests.support.pages import Browser, Page, Site
from tests.support.shop import make_shop
from tests.support.signing_in import sign_in
from tests.support.state import stored_rows

pytestmark = pytest.mark.usefixtures("database", "clock")

ADA, EVE = "ada@shop.example", "eve@shop.example"
NEW = "a new sentence to know"


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
ELSEWHERE = {"/oauth/authorize", "/account/applications/end", "/notify-me/confirm"}
ENDPOINTS = {"/oauth/token", "/oauth/revoke", "/oauth/introspect", "/notify-me/unsubscribe"}
"""Called by programs with credentials of their own, a mailed link among them; no cookie counts
there."""


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
