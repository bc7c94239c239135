"""An application that a merchant lets in, and the browser of the person who uses it."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest

from headless_presale.identity import (
    ALL_SCOPES,
    ClientKind,
    ClientWish,
    ClientWithSecret,
    Role,
    Scope,
    add_member,
    create_client,
    find_principal,
    read_bearer,
)
from headless_presale.identity.oauth import tokens
from headless_presale.identity.oauth.clients import ADMIN_CLIENT
from headless_presale.identity.oauth.parameters import TokenRequest
from headless_presale.identity.oauth.server import Rows
from headless_presale.identity.sessions import start_session
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.settings import Settings
from headless_presale.shops.models import Shop
from headless_presale.web.cookies import cookie_name
from tests.conftest import SECRET_KEY
from tests.support.accounts import make_account
from tests.support.api import api_serving
from tests.support.pages import Browser, Page
from tests.support.servers import bind_free_port
from tests.support.shop import make_shop

VERIFIER = "a-verifier-of-forty-three-letters-or-more-0123456789"
CALLBACK = "https://planner.example/callback"
READ = frozenset({Scope.CATALOG_READ, Scope.ORDERS_READ})


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class App:
    """A registered application.

    Attributes:
        http: speaks to the token endpoint.
    """

    client_id: str
    secret: str | None
    http: httpx.AsyncClient
    redirect_uri: str = CALLBACK

    def address(self, **changes: str | None) -> str:
        """Return where it sends its user; a change to None leaves a parameter out."""
        values: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": "a-state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        said = {name: value for name, value in values.items() if value is not None}
        return f"/oauth/authorize?{urlencode(said)}"

    async def post(self, path: str, **values: str | None) -> httpx.Response:
        """Send a form, authenticated as the application is; None leaves a parameter out."""
        said = {name: value for name, value in values.items() if value is not None}
        if self.secret is None:
            return await self.http.post(path, data={"client_id": self.client_id, **said})
        return await self.http.post(path, data=said, auth=(self.client_id, self.secret))

    async def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        """Exchange a code."""
        values: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
            **changes,
        }
        return await self.post("/oauth/token", **values)

    async def refresh(self, token: str, **changes: str | None) -> httpx.Response:
        """Exchange a refresh token."""
        values: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            **changes,
        }
        return await self.post("/oauth/token", **values)


@dataclass(slots=True)
class Person:
    """A member of a merchant's staff with a browser in which he is signed in."""

    browser: Browser
    account_id: UUID
    shop: Shop
    pages: list[Page] = field(default_factory=list)

    async def allow(self, app: App, **changes: str | None) -> str:
        """Let an application in, by the page where one is shown; return the code."""
        page = await self.browser.open(app.address(**changes))
        if page.status == 200:
            page = await self.browser.send("/oauth/authorize", decision="allow")
        return answer_of(page)["code"]

    async def tokens(self, app: App, **changes: str | None) -> dict[str, Any]:
        """Let an application in and return what it gets."""
        answer = await app.redeem(await self.allow(app, **changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def make_person(
    settings: Settings, browser: Browser, shop: Shop, role: Role = Role.OWNER, **values: Any
) -> Person:
    """Sign somebody in who belongs to the shop's merchant."""
    email = values.pop("email", f"{role.lower()}@{shop.slug}.example")
    account_id = await make_account(email, **values)
    await add_member(shop.merchant_id, account_id, role)
    await sign_in_browser(settings, browser, account_id)
    return Person(browser, account_id, shop)


async def sign_in_browser(settings: Settings, browser: Browser, account_id: UUID) -> None:
    """Put a session's cookie into a browser."""
    started = await start_session(account_id, factors=["pwd", "otp"], is_complete=True)
    browser.cookies.set(cookie_name(settings, "session"), started.cookie_value)


async def register(
    merchant_id: UUID,
    kind: ClientKind,
    *,
    redirect_uri: str = CALLBACK,
    scopes: frozenset[Scope] = READ,
) -> ClientWithSecret:
    """Register an application of a merchant's."""
    wish = ClientWish(
        name="Planner",
        redirect_uris=[] if kind is ClientKind.SERVICE else [redirect_uri],
        scopes=scopes,
    )
    return await create_client(merchant_id, kind, wish, granted_by=ALL_SCOPES)


async def make_app(
    http: httpx.AsyncClient,
    shop: Shop,
    kind: ClientKind = ClientKind.WEB,
    *,
    redirect_uri: str = CALLBACK,
    scopes: frozenset[Scope] = READ,
) -> App:
    """Register an application of the shop's merchant, which speaks to us."""
    made = await register(shop.merchant_id, kind, redirect_uri=redirect_uri, scopes=scopes)
    return App(str(made.client.id), made.secret, http, redirect_uri)


def admin_app(http: httpx.AsyncClient, issuer: str) -> App:
    """Return our own admin."""
    return App(str(ADMIN_CLIENT), None, http, f"{issuer}/admin/")


def answer_of(page: Page) -> dict[str, str]:
    """Return what the application is told: by a redirect, or by the page that leads back."""
    target = page.location or page.links[-1]
    query = parse_qs(urlsplit(target).query, strict_parsing=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of an answer."""
    return answer.status_code, answer.json().get("error", "")


async def is_let_in(token: str) -> bool:
    """Tell whether an access token of ours still stands for somebody."""
    claims = await read_bearer(f"Bearer {token}")
    assert claims is not None
    return await find_principal(claims) is not None


def let_them_all_look_first(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Have so many requests for tokens read their rows before the first of them goes on."""
    read, barrier = tokens._read_rows, asyncio.Barrier(count)

    async def read_and_wait(work: UnitOfWork, request: TokenRequest) -> Rows:
        rows = await read(work, request)
        await barrier.wait()
        return rows

    monkeypatch.setattr(tokens, "_read_rows", read_and_wait)


@dataclass(frozen=True, slots=True)
class World:
    """A server at the address that it calls its own, and an owner who is signed in."""

    issuer: str
    shop: Shop
    owner: Person
    http: httpx.AsyncClient


@asynccontextmanager
async def open_world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    """Serve the product on a real port in the test's own loop."""
    listener = bind_free_port()
    settings = Settings.model_validate(
        {
            "database_url": database_url,
            "redis_url": redis_url,
            "secret_key": SECRET_KEY,
            "port": listener.getsockname()[1],
        }
    )
    async with (
        api_serving(settings, listener=listener) as http,
        httpx.AsyncClient(
            base_url=settings.base_url, trust_env=False, headers={"accept": "text/html"}
        ) as client,
    ):
        shop = await make_shop()
        owner = await make_person(settings, Browser(client), shop)
        yield World(settings.base_url, shop, owner, http)
