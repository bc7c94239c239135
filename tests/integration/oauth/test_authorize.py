"""Asking a person: who is asked what, and where the browser goes with the answer."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest

from headless_presale.identity import ClientKind, OAuthClient, OAuthGrant, Role, Scope, add_member
from headless_presale.identity.models import OAuthCode, OAuthConsent
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.ids import hash_secret
from headless_presale.shops.models import Shop
from tests.conftest import ISSUER
from tests.support.oauth import (
    CALLBACK,
    VERIFIER,
    App,
    Person,
    admin_app,
    answer_of,
    challenge_of,
    make_app,
    make_person,
)
from tests.support.pages import Browser, Site
from tests.support.shop import make_shop
from tests.support.state import stored_rows


async def test_a_stranger_signs_in_first_and_comes_back(browser: Browser, app: App) -> None:
    page = await browser.open(app.address())

    assert page.status == 303
    where = urlsplit(page.location)
    assert where.path == "/sign-in"
    assert parse_qs(where.query)["next"] == [app.address()]


async def test_a_third_party_is_asked_about(owner: Person, app: App) -> None:
    page = await owner.browser.open(app.address())

    assert page.status == 200
    assert "Allow Planner?" in page.text
    assert "at Moonlit Forge" in page.text
    assert "owner@moonlit-forge.example" in page.text
    assert "See products and stock" in page.text
    assert "See orders with buyers' names and addresses" in page.text
    assert "Pay money back" not in page.text
    assert "planner.example" in page.text
    assert await OAuthGrant.all().count() == 0


async def test_yes_gives_a_code_to_the_registered_address(owner: Person, app: App) -> None:
    await owner.browser.open(app.address())

    page = await owner.browser.send("/oauth/authorize", decision="allow")

    # By a page, because a form's redirect may not leave the site.
    assert page.status == 200
    assert page.links[-1].startswith(CALLBACK + "?")
    answer = answer_of(page)
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("a-state", ISSUER)
    code = await OAuthCode.get().select_related("grant")
    assert code.code_hash == hash_secret(answer["code"])
    assert code.code_challenge == challenge_of(VERIFIER)
    assert code.expires_at == code.grant.expires_at == clock.now() + timedelta(seconds=60)
    assert code.grant.scopes == ["catalog:read", "orders:read"]
    assert code.grant.account_id == owner.account_id
    assert code.grant.factors == ["pwd", "otp"]
    entry = await AuditEntry.get(action="grant.issue")
    assert entry.actor == f"staff:{owner.account_id}"
    assert (entry.owner_id, entry.client_id) == (owner.shop.merchant_id, app.client_id)
    assert entry.after == {"scopes": ["catalog:read", "orders:read"]}


async def test_no_is_told_and_leaves_nothing(
    owner: Person, app: App, database_admin: asyncpg.Connection
) -> None:
    await owner.browser.open(app.address())
    before = await stored_rows(database_admin)

    page = await owner.browser.send("/oauth/authorize", decision="deny")

    assert answer_of(page) == {
        "error": "access_denied",
        "error_description": "The user said no.",
        "state": "a-state",
        "iss": ISSUER,
    }
    assert await stored_rows(database_admin) == before


async def test_what_was_allowed_is_not_asked_again_and_more_is(
    owner: Person, http: httpx.AsyncClient, shop: Shop
) -> None:
    app = await make_app(http, shop)
    await owner.allow(app, scope="catalog:read")

    again = await owner.browser.open(app.address(scope="catalog:read"))
    assert again.status == 303
    assert again.location.startswith(CALLBACK + "?code=")

    more = await owner.browser.open(app.address(scope="catalog:read orders:read"))
    assert more.status == 200
    await owner.browser.send("/oauth/authorize", decision="allow")
    assert (await OAuthConsent.get()).scopes == ["catalog:read", "orders:read"]
    assert (await owner.browser.open(app.address())).status == 303


@pytest.mark.parametrize(
    ("kind", "uri", "is_asked"),
    [
        (ClientKind.PUBLIC, "http://127.0.0.1/cb", True),
        (ClientKind.PUBLIC, "http://localhost:3000/cb", True),
        (ClientKind.PUBLIC, "https://planner.example/cb", False),
        (ClientKind.WEB, "http://127.0.0.1:3000/cb", False),
    ],
)
async def test_a_program_on_the_users_machine_is_asked_about_every_time(
    owner: Person, http: httpx.AsyncClient, shop: Shop, kind: ClientKind, uri: str, is_asked: bool
) -> None:
    app = await make_app(http, shop, kind, redirect_uri=uri)
    await owner.allow(app)

    again = await owner.browser.open(app.address())

    assert again.status == (200 if is_asked else 303)
    if is_asked:
        assert "runs on your own device" in again.text


async def test_our_own_admin_is_not_asked_about(owner: Person, http: httpx.AsyncClient) -> None:
    admin = admin_app(http, ISSUER)

    for _ in range(2):
        page = await owner.browser.open(admin.address())
        assert page.status == 303
        assert page.location.startswith(f"{ISSUER}/admin/?code=")

    grant = await OAuthGrant.first()
    assert grant is not None
    assert grant.scopes == sorted(Scope)
    assert await OAuthClient.filter(merchant_id=None).count() == 1
    assert await OAuthConsent.all().count() == 0


async def test_somebody_of_two_houses_chooses(owner: Person, http: httpx.AsyncClient) -> None:
    other = await make_shop("other")
    await add_member(other.merchant_id, owner.account_id, Role.ANALYST)
    admin = admin_app(http, ISSUER)

    page = await owner.browser.open(admin.address())
    assert page.status == 200
    assert "Which merchant?" in page.text
    await owner.browser.send("/oauth/authorize", decision="allow", merchant=str(other.merchant_id))

    grant = await OAuthGrant.get()
    assert grant.merchant_id == other.merchant_id
    assert "orders:refund" not in grant.scopes


async def test_a_role_bounds_what_is_granted(
    site: Site, browser: Browser, http: httpx.AsyncClient, shop: Shop
) -> None:
    app = await make_app(
        http, shop, scopes=frozenset({Scope.ORDERS_READ, Scope.ORDERS_REFUND, Scope.MEMBERS_WRITE})
    )
    analyst = await make_person(site.settings, browser, shop, Role.ANALYST)

    page = await browser.open(app.address())
    assert "Pay money back" not in page.text
    tokens = await analyst.tokens(app)

    assert tokens["scope"] == "orders:read"
    assert (await OAuthGrant.get()).scopes == ["orders:read"]


async def test_an_application_of_another_house_gets_nothing(
    owner: Person, http: httpx.AsyncClient
) -> None:
    theirs = await make_app(http, await make_shop("other"))

    page = await owner.browser.open(theirs.address())
    assert "does not belong to a merchant" in page.text
    forced = await owner.browser.send(
        "/oauth/authorize", decision="allow", merchant=str(owner.shop.merchant_id)
    )
    assert forced.status == 303
    assert forced.location.startswith("/oauth/authorize?")
    await owner.browser.open(theirs.address())
    back = await owner.browser.send("/oauth/authorize", decision="deny")
    assert answer_of(back)["error"] == "access_denied"
    assert await OAuthGrant.all().count() == 0


@pytest.mark.parametrize("merchant", ["", "x", "0197a3f0-0000-7000-8000-00000000000e"])
async def test_a_merchant_that_is_none_of_ones_own_gets_nothing(
    owner: Person, app: App, merchant: str
) -> None:
    await owner.browser.open(app.address())

    page = await owner.browser.send("/oauth/authorize", decision="allow", merchant=merchant)

    assert page.location.startswith("/oauth/authorize?")
    assert await OAuthGrant.all().count() == 0


async def test_a_session_that_has_ended_meanwhile_is_asked_to_sign_in(
    owner: Person, app: App
) -> None:
    await owner.browser.open(app.address())
    owner.browser.cookies.clear()

    page = await owner.browser.send("/oauth/authorize", decision="allow")

    assert page.location == app.address()
    assert (await owner.browser.follow()).location.startswith("/sign-in?next=")
    assert await OAuthGrant.all().count() == 0


FAULTS: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": 'a"b'}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"scope": "no:such"}, "invalid_scope"),
    ({"scope": "orders:refund"}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ({"response_mode": "fragment"}, "invalid_request"),
]


@pytest.mark.parametrize(("changes", "error"), FAULTS)
async def test_the_application_is_told_what_is_wrong(
    owner: Person, app: App, changes: dict[str, str | None], error: str
) -> None:
    page = await owner.browser.open(app.address(**changes))

    assert page.status == 303
    assert page.location.startswith(CALLBACK + "?")
    answer = answer_of(page)
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "a-state", ISSUER)
    assert await OAuthGrant.all().count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": "0197a3f0-0000-7000-8000-00000000000c"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": 'https://evil.example/"\\'},
        {"state": "ä"},
        {"state": "a" * 4_000},
        {"redirect_uri": "https://evil.example/", "response_type": "token"},
    ],
)
async def test_nobody_is_sent_to_where_it_is_not_known_who_waits(
    owner: Person, app: App, changes: dict[str, str | None]
) -> None:
    page = await owner.browser.open(app.address(**changes))

    assert page.status == 400
    assert page.location == ""
    assert "This request cannot be answered" in page.text
    assert [link for link in page.links if link.startswith("http")] == []


async def test_a_parameter_that_comes_twice_is_refused(owner: Person, app: App) -> None:
    page = await owner.browser.open(app.address() + "&redirect_uri=https://evil.example/")

    assert page.status == 400


async def test_an_application_that_was_turned_off_is_unknown(owner: Person, app: App) -> None:
    await OAuthClient.filter(id=app.client_id).update(disabled_at=clock.now())

    assert (await owner.browser.open(app.address())).status == 400


async def test_a_service_sends_nobody_here(
    owner: Person, http: httpx.AsyncClient, shop: Shop
) -> None:
    service = await make_app(http, shop, ClientKind.SERVICE)

    assert (await owner.browser.open(service.address())).status == 400


async def test_it_is_asked_in_chinese(owner: Person, app: App) -> None:
    page = await owner.browser.open(app.address() + "&lang=zh-CN")

    assert "允许“Planner”访问？" in page.text
    assert "查看商品与库存" in page.text
    sent = await owner.browser.send("/oauth/authorize", decision="allow")
    assert "正在返回 Planner" in sent.text
    assert answer_of(sent)["state"] == "a-state"


async def test_a_second_account_may_be_used(owner: Person, app: App) -> None:
    page = await owner.browser.open(app.address())

    (link,) = [link for link in page.links if link.startswith("/sign-in?")]
    query = parse_qs(urlsplit(link).query)
    assert query == {"next": [app.address()], "again": ["1"]}
