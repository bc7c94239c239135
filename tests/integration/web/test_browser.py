"""Pages: who the browser is, where a form came from, and what a page may do."""

import re
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from headless_presale.identity.sessions import start_session
from headless_presale.web.browser import (
    csrf_token,
    current_session,
    page,
    require_csrf,
    safe_next,
    set_session_cookie,
    settings_of,
    sign_in_redirect,
)
from tests.support.accounts import make_account
from tests.support.pages import Browser, Site

pytestmark = pytest.mark.usefixtures("database", "clock")


async def _guarded(request: Request) -> Response:
    """A page like those that others build on these parts."""
    session = await current_session(request)
    if request.method == "POST":
        await require_csrf(request, session)
        return PlainTextResponse("done")
    if session is None:
        return sign_in_redirect(request)
    return PlainTextResponse(csrf_token(request, session))


async def _open_to_all(request: Request) -> Response:
    token = csrf_token(request, await current_session(request))
    return page(request, "continue.html", target="/x", headers={"X-Token": token})


async def _become(request: Request) -> Response:
    account_id = await make_account(request.query_params["email"])
    started = await start_session(account_id, factors=["pwd"], is_complete=True)
    response = PlainTextResponse("in")
    set_session_cookie(response, settings_of(request), started.cookie_value)
    return response


def make_site(**settings: str) -> Site:
    site = Site(**settings)
    site.app.router.routes[:0] = [
        Route("/guarded", _guarded, methods=["GET", "POST"]),
        Route("/open", _open_to_all),
        Route("/become", _become),
    ]
    return site


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with make_site().browser() as browser:
        yield browser


async def test_a_stranger_is_sent_to_sign_in_and_back(browser: Browser) -> None:
    answer = await browser.open("/guarded?a=1&b=%2F")

    assert answer.status == 303
    assert answer.location == "/sign-in?next=%2Fguarded%3Fa%3D1%26b%3D%252F"


async def test_somebody_signed_in_sends_a_form(browser: Browser) -> None:
    await browser.open("/become?email=ada@shop.example")
    token = (await browser.open("/guarded")).text

    assert (await browser.post("/guarded", csrf=token)).text == "done"


@pytest.mark.parametrize("token", ["", "guess", "\U0001f600"])
async def test_a_form_without_the_token_is_refused(browser: Browser, token: str) -> None:
    await browser.open("/become?email=ada@shop.example")

    answer = await browser.post("/guarded", csrf=token)

    assert answer.status == 403
    assert "not sent from our own page" in answer.text


async def test_the_token_of_another_session_is_refused(browser: Browser) -> None:
    # Given an attacker who has a session, and its token, of his own
    async with make_site().browser() as attacker:
        await attacker.open("/become?email=eve@shop.example")
        theirs = (await attacker.open("/guarded")).text
    await browser.open("/become?email=ada@shop.example")

    # When Ada's browser is made to send it
    answer = await browser.post("/guarded", csrf=theirs)

    assert answer.status == 403


async def test_a_form_that_the_browser_calls_foreign_is_refused(browser: Browser) -> None:
    await browser.open("/become?email=ada@shop.example")
    token = (await browser.open("/guarded")).text

    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
        browser.client.headers["sec-fetch-site"] = site
        assert (await browser.post("/guarded", csrf=token)).status == status


async def test_before_sign_in_the_token_belongs_to_the_browser(browser: Browser) -> None:
    # Given the token of one browser's page
    token = (await browser.open("/open")).headers["x-token"]

    # Then it counts there, and in no other browser, with or without a cookie of its own
    assert (await browser.post("/guarded", csrf=token)).status == 200
    async with make_site().browser() as other:
        assert (await other.post("/guarded", csrf=token)).status == 403
        await other.open("/open")
        assert (await other.post("/guarded", csrf=token)).status == 403


async def test_a_page_has_no_power(browser: Browser) -> None:
    headers = (await browser.open("/open")).headers

    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_cookies_on_http(browser: Browser) -> None:
    answer = await browser.open("/become?email=ada@shop.example")

    name, _, attributes = answer.headers["set-cookie"].partition("=")
    assert name == "presale_session"
    assert attributes.split("; ", 1)[1] == "HttpOnly; Path=/; SameSite=lax"


async def test_cookies_on_https() -> None:
    async with make_site(public_url="https://shop.test").browser() as browser:
        answer = await browser.open("/become?email=ada@shop.example")

    name, _, attributes = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-presale_session"
    assert attributes.split("; ", 1)[1] == "HttpOnly; Path=/; SameSite=lax; Secure"


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "account",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "/" + "a" * 5_000,
        "/\u2025/x",
        "//[",
    ],
)
def test_after_sign_in_nobody_is_sent_elsewhere(target: str | None) -> None:
    assert safe_next(target) == "/"


@pytest.mark.parametrize("target", ["/", "/admin/#/orders", "/oauth/authorize?a=b&c=%2F%2Fx"])
def test_after_sign_in_one_goes_on_where_one_was(target: str) -> None:
    assert safe_next(target) == target


async def test_the_language_is_chosen_and_kept(browser: Browser) -> None:
    assert "One moment" in (await browser.open("/open")).text
    assert "请稍候" in (await browser.open("/open", **{"accept-language": "zh-TW"})).text

    chosen = await browser.open("/open?lang=zh-CN")
    assert chosen.headers["content-language"] == "zh-CN"
    assert "请稍候" in (await browser.open("/open")).text
    assert "One moment" in (await browser.open("/open?lang=en")).text


async def test_style_is_kept_for_a_year_under_its_version(browser: Browser) -> None:
    page = (await browser.open("/open")).response.text
    addresses = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)

    for address in addresses:
        versioned = await browser.client.get(address)
        assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert versioned.headers["content-type"] == "text/css; charset=utf-8"
    address, *_ = addresses
    plain = await browser.client.get("/assets/pages.css")
    assert plain.headers["cache-control"] == "public, max-age=60"
    again = await browser.client.get(address, headers={"if-none-match": plain.headers["etag"]})
    assert again.status_code == 304
    assert (await browser.client.get("/assets/..%2Fbrowser.py")).status_code == 404
    assert (await browser.client.get("/assets/nothing.css")).status_code == 404
