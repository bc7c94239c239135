"""More than was granted, and forms that no page of ours sent; each with its control."""

from typing import Any

import httpx
import pytest

from headless_presale.identity import (
    ClientKind,
    OAuthClient,
    OAuthGrant,
    Role,
    Scope,
    find_principal,
    read_bearer,
)
from headless_presale.identity.oauth import authorization, server
from headless_presale.identity.scopes import ROLE_SCOPES
from headless_presale.shops.models import Shop
from headless_presale.web import authorize
from tests.conftest import ISSUER
from tests.support.oauth import App, Person, admin_app, answer_of, make_app, make_person
from tests.support.pages import Browser, Site

MORE = "catalog:read orders:read orders:refund"


def _as_asked(self: Any, scope: str) -> str:
    return scope


# Authorize


async def test_an_application_gets_no_more_than_it_was_registered_for(
    owner: Person, app: App
) -> None:
    page = await owner.browser.open(app.address(scope=MORE))

    assert answer_of(page)["error"] == "invalid_scope"
    assert await OAuthGrant.all().count() == 0


async def test_control_scopes_as_they_are_asked_for(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server._Client, "get_allowed_scope", _as_asked)

    tokens = await owner.tokens(app, scope=MORE)

    assert tokens["scope"] == MORE
    # Even then the token is worth no more than client and role allow at this moment.
    claims = await read_bearer(f"Bearer {tokens['access_token']}")
    assert claims is not None
    principal = await find_principal(claims)
    assert principal is not None
    assert Scope.ORDERS_REFUND not in principal.scopes


async def test_nobody_gives_an_application_more_than_he_has(
    site: Site, browser: Browser, http: httpx.AsyncClient, shop: Shop
) -> None:
    analyst = await make_person(site.settings, browser, shop, Role.ANALYST)

    tokens = await analyst.tokens(admin_app(http, ISSUER))

    assert frozenset(tokens["scope"].split()) == ROLE_SCOPES[Role.ANALYST]


async def test_control_without_the_role_he_would(
    site: Site,
    browser: Browser,
    http: httpx.AsyncClient,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authorization, "ROLE_SCOPES", dict.fromkeys(Role, frozenset(Scope)))
    analyst = await make_person(site.settings, browser, shop, Role.ANALYST)

    tokens = await analyst.tokens(admin_app(http, ISSUER))

    assert frozenset(tokens["scope"].split()) == frozenset(Scope)


# Refresh


async def test_a_refresh_gives_no_more_than_was_granted(owner: Person, app: App) -> None:
    tokens = await owner.tokens(app, scope="catalog:read")

    for scope in ("catalog:read orders:read", "orders:read", MORE, "no:such"):
        answer = await app.refresh(tokens["refresh_token"], scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    # and nothing was used up
    assert (await app.refresh(tokens["refresh_token"])).json()["scope"] == "catalog:read"


async def test_control_a_refresh_that_does_not_compare(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server._RefreshGrant, "_validate_token_scope", lambda self, token: None)
    tokens = await owner.tokens(app, scope="catalog:read")

    answer = await app.refresh(tokens["refresh_token"], scope=MORE)

    assert answer.json()["scope"] == MORE


# Client credentials


async def test_a_service_gets_no_more_than_it_was_registered_for(
    http: httpx.AsyncClient, shop: Shop
) -> None:
    erp = await make_app(http, shop, ClientKind.SERVICE)

    for scope in (MORE, "members:write", "no:such"):
        answer = await erp.post("/oauth/token", grant_type="client_credentials", scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert await OAuthGrant.all().count() == 0


async def test_control_a_service_that_is_given_what_it_asks_for(
    http: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server._Client, "get_allowed_scope", _as_asked)
    erp = await make_app(http, shop, ClientKind.SERVICE)

    answer = await erp.post("/oauth/token", grant_type="client_credentials", scope=MORE)

    assert answer.json()["scope"] == MORE


async def test_an_application_for_people_cannot_serve_itself(app: App) -> None:
    answer = await app.post("/oauth/token", grant_type="client_credentials")

    assert answer.json()["error"] == "unauthorized_client"


# The consent page


@pytest.mark.parametrize("csrf", [None, "", "guess"])
async def test_a_yes_from_another_site_is_no_yes(owner: Person, app: App, csrf: str | None) -> None:
    page = await owner.browser.open(app.address())
    fields = {**page.form("/oauth/authorize").fields, "decision": "allow"}
    del fields["csrf"]

    answer = await owner.browser.post(app.address(), **fields, **({"csrf": csrf} if csrf else {}))

    assert answer.status == 403
    assert await OAuthGrant.all().count() == 0


async def test_a_yes_of_somebody_else_is_no_yes(
    site: Site, owner: Person, app: App, shop: Shop
) -> None:
    async with site.browser() as browser:
        await make_person(site.settings, browser, shop, Role.ADMIN)
        theirs = (await browser.open(app.address())).form("/oauth/authorize").fields

    answer = await owner.browser.post(app.address(), **theirs, decision="allow")

    assert answer.status == 403
    assert await OAuthGrant.all().count() == 0


async def test_a_form_that_the_browser_calls_foreign_is_refused(owner: Person, app: App) -> None:
    await owner.browser.open(app.address())
    owner.browser.client.headers["sec-fetch-site"] = "cross-site"

    assert (await owner.browser.send("/oauth/authorize", decision="allow")).status == 403
    assert await OAuthGrant.all().count() == 0


async def test_control_without_the_token_any_site_says_yes(
    owner: Person, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_by(request: object, session: object) -> None:
        """Check nothing."""

    monkeypatch.setattr(authorize, "require_csrf", pass_by)

    page = await owner.browser.post(
        app.address(), decision="allow", merchant=str(owner.shop.merchant_id)
    )

    assert "code" in answer_of(page)


async def test_the_page_is_framed_nowhere_and_kept_nowhere(owner: Person, app: App) -> None:
    for page in (
        await owner.browser.open(app.address()),
        await owner.browser.send("/oauth/authorize", decision="allow"),
        await owner.browser.open("/account/applications"),
        await owner.browser.open(app.address(client_id="nobody")),
    ):
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"


async def test_what_an_application_is_called_is_text(
    owner: Person, http: httpx.AsyncClient, shop: Shop
) -> None:
    app = await make_app(http, shop)
    await OAuthClient.filter(id=app.client_id).update(name="<script>alert(1)</script>")

    page = await owner.browser.open(app.address())

    assert "<script>alert" not in page.response.text
    assert "Allow <script>alert(1)</script>?" in page.text
