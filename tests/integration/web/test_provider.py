"""Signing in at an outside issuer: whom it lets in, and the lies that are not believed."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import ECKey

from headless_presale.identity.models import Account, ExternalIdentity, SignInSession
from headless_presale.kernel.clock import ManualClock
from headless_presale.settings import Settings
from headless_presale.web import provider, provider_app
from tests.support.accounts import make_account, make_person, set_up_app
from tests.support.oidc_issuer import (
    CLIENT_ID,
    CLIENT_SECRET,
    Issuer,
    running_issuer,
    shared_secret_key,
)
from tests.support.pages import Browser, Page, Site

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


def site_of(issuer: Issuer, **settings: Any) -> Site:
    return Site(
        oidc_issuer=issuer.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_name="Forge ID",
        **settings,
    )


@pytest.fixture
async def visitor(issuer: Issuer) -> AsyncIterator[Browser]:
    async with site_of(issuer).browser() as browser:
        yield browser


async def go(browser: Browser, way: str = "/sign-in/provider?next=/account") -> Page:
    """Go to the issuer and come back with its answer."""
    there = await browser.open(way)
    assert there.status == 302, there.text
    return await browser.open(await answer_to(there))


async def answer_to(there: Page) -> str:
    """Go to the issuer; return the address to which it sends the browser back."""
    async with httpx.AsyncClient(trust_env=False) as outside:
        location: str = (await outside.get(there.location)).headers["location"]
    return location


async def answer_of_an_attacker(issuer: Issuer) -> tuple[str, str]:
    """Let Eve sign in as herself; return where she would be sent back to, and her cookie."""
    await make_account("eve@shop.example")
    issuer.claims["email"] = "eve@shop.example"
    async with site_of(issuer).browser() as attacker:
        back = await answer_to(await attacker.open("/sign-in/provider"))
        return back, attacker.cookies["presale_provider"]


async def is_in(browser: Browser) -> bool:
    return (await browser.open("/account")).status == 200


async def test_the_button_leads_there_and_back(visitor: Browser, issuer: Issuer) -> None:
    await make_account()
    page = await visitor.open("/sign-in?next=/account")
    assert "Continue with Forge ID" in page.text

    way = next(link for link in page.links if link.startswith("/sign-in/provider"))
    answer = await go(visitor, way)

    assert (answer.status, answer.location) == (303, "/account")
    assert "ada@shop.example" in (await visitor.follow()).text
    assert issuer.asked["code_challenge_method"] == "S256"
    assert issuer.asked["scope"] == "openid email profile"
    assert len(issuer.asked["nonce"]) >= 20
    assert (await SignInSession.get()).factors == ["fed"]


async def test_the_address_may_come_from_userinfo(visitor: Browser, issuer: Issuer) -> None:
    await make_account()
    issuer.userinfo = dict(issuer.claims)
    issuer.claims = {"sub": "subject-1"}

    assert (await go(visitor)).status == 303


async def test_userinfo_of_somebody_else_is_not_taken(visitor: Browser, issuer: Issuer) -> None:
    await make_account()
    issuer.userinfo = {**issuer.claims, "sub": "somebody-else"}
    issuer.claims = {"sub": "subject-1"}

    assert (await go(visitor)).status == 400
    assert await ExternalIdentity.all().count() == 0


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 1.5])
async def test_an_unverified_address_lets_nobody_in(
    visitor: Browser, issuer: Issuer, verified: object
) -> None:
    await make_account()
    issuer.claims["email_verified"] = verified

    answer = await go(visitor)

    assert answer.status == 403
    assert "does not vouch for your e-mail address" in answer.text
    assert not await is_in(visitor)
    assert await ExternalIdentity.all().count() == 0


async def test_a_stranger_is_told_to_ask_for_an_invitation(visitor: Browser) -> None:
    answer = await go(visitor)

    assert answer.status == 403
    assert "Ask for an invitation." in answer.text
    assert await Account.all().count() == 0


async def test_the_same_subject_with_another_address_is_the_same_account(
    visitor: Browser, issuer: Issuer
) -> None:
    ada = await make_account()
    await go(visitor)
    await make_account("eve@shop.example")
    issuer.claims["email"] = "eve@shop.example"

    async with site_of(issuer).browser() as again:
        await go(again)
        assert "ada@shop.example" in (await again.open("/account")).text
    assert (await ExternalIdentity.get()).account_id == ada


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another-client"},
    "another audience, asked for by us": {"aud": "another-client", "azp": CLIENT_ID},
    "no audience": {"aud": None},
    "another nonce": {"nonce": "of-an-earlier-sign-in"},
    "no nonce": {"nonce": None},
    "too old": {"exp": int(time.time()) - 1_000},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_that_is_not_for_us_is_refused(
    visitor: Browser, issuer: Issuer, lie: str
) -> None:
    await make_account()
    issuer.lies = LIES[lie]

    answer = await go(visitor)

    assert answer.status == 400
    assert issuer.redeemed == 1
    assert not await is_in(visitor)
    assert await ExternalIdentity.all().count() == 0


async def test_the_audience_is_checked_because_we_ask_for_it(
    visitor: Browser, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: without our options Authlib takes a token that was made for another client."""
    await make_account()
    issuer.lies = LIES["another audience, asked for by us"]
    redeem = provider_app.ProviderApp.authorize_access_token

    async def without_options(self: Any, request: Any, **_: Any) -> Any:
        return await redeem(self, request)

    monkeypatch.setattr(provider_app.ProviderApp, "authorize_access_token", without_options)

    assert (await go(visitor)).status == 303


async def test_a_token_by_another_key_is_refused(visitor: Browser, issuer: Issuer) -> None:
    await make_account()
    issuer.signs_with = (ECKey.generate_key("P-256", {"kid": "one"}), "ES256")

    assert (await go(visitor)).status == 400
    assert not await is_in(visitor)


async def test_a_token_by_a_shared_secret_is_refused(visitor: Browser, issuer: Issuer) -> None:
    await make_account()
    issuer.signs_with = (shared_secret_key(), "HS256")

    assert (await go(visitor)).status == 400
    assert not await is_in(visitor)


async def test_an_answer_without_an_id_token_is_refused(visitor: Browser, issuer: Issuer) -> None:
    await make_account()
    issuer.has_id_token = False

    assert (await go(visitor)).status == 400


async def test_another_provider_at_the_address_is_not_used(
    visitor: Browser, issuer: Issuer
) -> None:
    issuer.discovery_lies = {"issuer": "https://evil.example"}

    assert (await visitor.open("/sign-in/provider")).status == 503
    issuer.discovery_lies = {}
    assert (await visitor.open("/sign-in/provider")).status == 302


async def test_an_answer_that_another_browser_asked_for_is_refused(
    visitor: Browser, issuer: Issuer
) -> None:
    """An attacker who sends his own answer's address to Ada would sign her in as himself."""
    back, _ = await answer_of_an_attacker(issuer)

    # Without any flow of her own, and in the middle of one
    assert (await visitor.open(back)).status == 400
    await visitor.open("/sign-in/provider")
    assert (await visitor.open(back)).status == 400
    assert issuer.redeemed == 0
    assert await SignInSession.all().count() == 0


async def test_the_state_is_what_keeps_a_foreign_answer_out(
    visitor: Browser, issuer: Issuer
) -> None:
    """Control: with the attacker's cookie in the browser, his answer is taken."""
    back, stolen = await answer_of_an_attacker(issuer)

    visitor.cookies.set("presale_provider", stolen)
    assert (await visitor.open(back)).status == 303


async def test_an_answer_counts_once_and_for_ten_minutes(
    visitor: Browser, issuer: Issuer, clock: ManualClock
) -> None:
    await make_account()
    there = await visitor.open("/sign-in/provider")
    back = await answer_to(there)
    clock.move_to(clock.now().replace(hour=13))

    late = await visitor.open(back)

    assert late.status == 400
    assert "took too long" in late.text


async def test_nobody_is_sent_elsewhere_afterwards(visitor: Browser) -> None:
    await make_account()

    answer = await go(visitor, "/sign-in/provider?next=https://evil.example/")

    assert answer.location == "/"


async def test_the_provider_s_no_is_told(visitor: Browser) -> None:
    await visitor.open("/sign-in/provider")

    answer = await visitor.open(f"{provider.CALLBACK}?error=access_denied&state=x")

    assert answer.status == 403
    assert "did not sign you in" in answer.text


async def test_a_provider_that_is_away_is_told() -> None:
    site = Site(oidc_issuer="http://127.0.0.1:1", oidc_client_id=CLIENT_ID)
    async with site.browser() as browser:
        answer = await browser.open("/sign-in/provider")

    assert (answer.status, answer.headers["retry-after"]) == (503, "30")


async def test_beside_our_own_sign_in_a_second_factor_is_asked_for(
    visitor: Browser, clock: ManualClock
) -> None:
    await set_up_app(await make_person(), clock)

    assert (await go(visitor)).location == "/sign-in/verify?next=%2Faccount"
    assert not await is_in(visitor)


async def test_signing_in_again_has_to_be_that(visitor: Browser, issuer: Issuer) -> None:
    await make_person()
    # A glance at the provider's session is a sign-in, but no fresh one.
    await go(visitor)
    assert "confirm first that it is you" in (await visitor.open("/account")).text

    stale = await go(visitor, "/sign-in/provider?next=/account&again=1")
    assert (issuer.asked["prompt"], issuer.asked["max_age"]) == ("login", "0")
    assert stale.location == "/account?done=not_fresh"
    shown = await visitor.follow()
    assert "did not confirm that you were there" in shown.text
    assert "confirm first that it is you" in shown.text

    issuer.claims["auth_time"] = int(time.time())
    assert (await go(visitor, "/sign-in/provider?next=/account&again=1")).status == 303
    assert "confirm first that it is you" not in (await visitor.open("/account")).text


async def test_alone_the_provider_replaces_our_own_pages(
    issuer: Issuer, clock: ManualClock
) -> None:
    ada = await make_person()
    await set_up_app(ada, clock)
    async with site_of(issuer, sign_in="oidc").browser() as browser:
        answer = await browser.open("/sign-in?next=/account")
        assert answer.location == "/sign-in/provider?next=%2Faccount"
        for path in ("/sign-in/verify", "/forgot-password", "/reset-password"):
            assert (await browser.open(path)).status == 404
        assert (await browser.post("/sign-in", email="ada@shop.example")).status == 404
        assert (await go(browser)).location == "/account"
        shown = await browser.open("/account")
        assert "You sign in at your organisation's provider" in shown.text
        assert [form.action for form in shown.forms] == ["/account/sessions/end-others"]
        for path in ("authenticator", "passkeys/new"):
            assert (await browser.open(f"/account/{path}")).status == 404
        csrf = shown.forms[0].fields["csrf"]
        for path in ("password", "recovery-codes", "authenticator/remove", "passkeys/remove"):
            assert (await browser.post(f"/account/{path}", csrf=csrf)).status == 404


async def test_without_a_provider_there_is_no_such_page(browser: Browser, ada: UUID) -> None:
    assert (await browser.open("/sign-in/provider")).status == 404
    assert (await browser.open(provider.CALLBACK)).status == 404
    assert "or" not in (await browser.open("/sign-in")).text.split()


@pytest.mark.parametrize(
    "values",
    [
        {"sign_in": "oidc"},
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "http://id.example", "oidc_client_id": "x"},
        {"oidc_issuer": "https://id.example", "oidc_client_id": "x", "oidc_scopes": "email"},
    ],
)
def test_half_a_provider_is_no_provider(values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"PRESALE_OIDC|https://"):
        Settings.model_validate(values)
