"""Signing in at a real OpenID Connect issuer (npm oidc-provider), over HTTP all the way."""

import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from headless_presale.customers import CustomerIdentity
from headless_presale.identity.models import Account, ExternalIdentity, SignInSession
from resolvers.global_ids import seal
from tests.conftest import SECRET_KEY
from tests.graphql.providers import COMPLETE, START, add_oidc, outside_open
from tests.support.accounts import make_account
from tests.support.node import NODE_FOLDER, needs_node
from tests.support.pages import Page
from tests.support.processes import ApiProcess, free_port, until_ready
from tests.support.shop import make_shop

CLIENT = ("presale", "a secret that the two of them share, and nobody else")
STOREFRONT = "/storefront/back"
"""Where a storefront would be listening; here nobody is, and the address says all."""

pytestmark = [
    pytest.mark.usefixtures("database", "redis"),
    needs_node("oidc-provider"),
]


@dataclass
class Place:
    """The product, and the issuer that it trusts.

    Attributes:
        accounts: what the issuer knows of people, by the name they sign in with there.
    """

    shop: str
    issuer: str
    accounts: Path

    def know(self, login: str, email: str, *, verified: bool = True) -> None:
        """Let the issuer know somebody, under this address."""
        people = json.loads(self.accounts.read_text())
        people[login] = {"email": email, "email_verified": verified, "name": "Ada Lovelace"}
        self.accounts.write_text(json.dumps(people))


class _Node:
    """The issuer's process."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process, self.log = process, log

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log_tail(self) -> str:
        return self.log.read_text()[-4_000:]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path, _Node]]:
    """Run the issuer; yield its address, the product's, the accounts' file and the process."""
    tmp_path = tmp_path_factory.mktemp("issuer")
    port, shop_port = free_port(), free_port()
    accounts, log = tmp_path / "accounts.json", tmp_path / "issuer.log"
    accounts.write_text("{}")
    shop = f"http://127.0.0.1:{shop_port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("node", str(NODE_FOLDER / "oidc_issuer.mjs"), str(port), str(accounts)),
                *(*CLIENT, f"{shop}/sign-in/provider/callback", f"{shop}{STOREFRONT}"),
            ],
            stdout=output,
            stderr=output,
        )
    try:
        yield f"http://127.0.0.1:{port}", shop, accounts, _Node(process, log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
async def running(
    issuer: tuple[str, str, Path, _Node],
    worker_database_url: str,
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Place]:
    """Run the product once; each test empties the database below it."""
    url, shop, accounts, node = issuer
    await until_ready(f"{url}/.well-known/openid-configuration", node)
    environment = {
        "PORT": shop.rpartition(":")[2],
        "PRESALE_SIGN_IN": "oidc",
        "PRESALE_OIDC_ISSUER": url,
        "PRESALE_OIDC_CLIENT_ID": CLIENT[0],
        "PRESALE_OIDC_CLIENT_SECRET": CLIENT[1],
        "PRESALE_OIDC_NAME": "Forge ID",
        "PRESALE_SIGN_IN_PROVIDERS_ALLOW_PRIVATE": "true",
        "PRESALE_SECRET_KEY": SECRET_KEY,
    }
    folder = tmp_path_factory.mktemp("product")
    with ApiProcess(worker_database_url, redis_url, folder, environment) as api:
        await until_ready(f"{shop}/readyz", api)
        yield Place(shop, url, accounts)


@pytest.fixture
def place(running: Place) -> Place:
    """Return it with an issuer that knows nobody."""
    running.accounts.write_text("{}")
    return running


@asynccontextmanager
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        trust_env=False,
        follow_redirects=True,
        timeout=30,
        headers={"accept": "text/html", "accept-language": "en"},
    ) as client:
        yield client


async def submit(client: httpx.AsyncClient, page: Page, **values: str) -> Page:
    form = page.forms[0]
    address = urljoin(str(page.response.url), form.action)
    return Page(await client.post(address, data={**form.fields, **values}))


async def sign_in(client: httpx.AsyncClient, place: Place, login: str) -> Page:
    """Go through the issuer's own pages: sign in, consent; return where it ends."""
    page = Page(await client.get(f"{place.shop}/sign-in?next=/account"))
    assert str(page.response.url).startswith(place.issuer), page.text
    page = await submit(client, page, login=login, password="any")
    return await submit(client, page)


async def test_a_verified_address_signs_in_and_is_linked(place: Place) -> None:
    ada = await make_account()
    place.know("ada-1", "ada@shop.example")

    async with browser() as client:
        page = await sign_in(client, place, "ada-1")

        assert str(page.response.url) == f"{place.shop}/account"
        assert "ada@shop.example" in page.text
    identity = await ExternalIdentity.get()
    assert (identity.account_id, identity.issuer, identity.subject) == (ada, place.issuer, "ada-1")


async def test_the_same_subject_with_another_address_is_the_same_account(place: Place) -> None:
    ada = await make_account()
    eve = await make_account("eve@shop.example")
    place.know("ada-1", "ada@shop.example")
    async with browser() as client:
        await sign_in(client, place, "ada-1")

    # Given the issuer has moved Ada to the address of somebody else here
    place.know("ada-1", "eve@shop.example")
    async with browser() as client:
        page = await sign_in(client, place, "ada-1")

    assert "ada@shop.example" in page.text
    assert (await ExternalIdentity.get()).account_id == ada
    assert not await ExternalIdentity.filter(account_id=eve).exists()


async def test_an_address_given_to_somebody_else_is_no_way_in(place: Place) -> None:
    await make_account()
    place.know("ada-1", "ada@shop.example")
    async with browser() as client:
        await sign_in(client, place, "ada-1")

    place.know("successor", "ada@shop.example")
    async with browser() as client:
        page = await sign_in(client, place, "successor")
        assert page.status == 403
        assert "linked to somebody else at the provider" in page.text
        assert (await client.get(f"{place.shop}/account")).url.path != "/account"


async def test_an_unverified_address_is_refused(place: Place) -> None:
    await make_account()
    place.know("anybody", "ada@shop.example", verified=False)

    async with browser() as client:
        page = await sign_in(client, place, "anybody")

    assert page.status == 403
    assert "does not vouch for your e-mail address" in page.text
    assert await ExternalIdentity.all().count() == 0


async def test_signing_in_again_asks_for_the_password_there(place: Place) -> None:
    await make_account()
    place.know("ada-1", "ada@shop.example")
    async with browser() as client:
        await sign_in(client, place, "ada-1")
        # The issuer knows the browser: once more is without a question,
        once_more = await client.get(f"{place.shop}/sign-in/provider?next=/account")
        assert str(once_more.url) == f"{place.shop}/account"

        # again is with one.
        began = int(time.time())
        page = Page(await client.get(f"{place.shop}/sign-in?next=/account&again=1"))
        assert str(page.response.url).startswith(place.issuer)
        page = await submit(client, page, login="ada-1", password="any")
        if page.forms and str(page.response.url).startswith(place.issuer):
            page = await submit(client, page)
        assert str(page.response.url) == f"{place.shop}/account"
    newest = await SignInSession.all().order_by("-id").first()
    assert newest is not None
    assert newest.authenticated_at is not None
    assert newest.authenticated_at.timestamp() >= began - 1


async def test_nobody_unknown_becomes_anybody(place: Place) -> None:
    place.know("stranger", "stranger@elsewhere.example")

    async with browser() as client:
        page = await sign_in(client, place, "stranger")

    assert page.status == 403
    assert "Ask for an invitation." in page.text
    assert await Account.all().count() == 0


async def ask(client: httpx.AsyncClient, place: Place, query: str, **given: Any) -> dict[str, Any]:
    """Return the payload of a mutation."""
    answer = await client.post(
        f"{place.shop}/graphql",
        json={"query": query, "variables": {"input": given}},
        headers={"accept": "application/json"},
    )
    (payload,) = answer.json()["data"].values()
    assert payload["userErrors"] == []
    return dict(payload)


@pytest.mark.parametrize(("verified", "email"), [(True, "ann@example.com"), (False, None)])
async def test_a_customer_signs_in_there(place: Place, verified: bool, email: str | None) -> None:
    # The application remembers for a moment which shop a slug was.
    shop = await make_shop(f"verified-{verified}".lower())
    back = f"{place.shop}{STOREFRONT}"
    async with outside_open("http://127.0.0.1:1"):
        provider = await add_oidc(
            shop, place.issuer, client_id=CLIENT[0], secret=CLIENT[1], redirect_uris=[back]
        )
    place.know("ann-1", "Ann@Example.com", verified=verified)
    named = {"shop": shop.slug, "providerId": seal("SignInProvider", provider.id)}

    async with browser() as client:
        begun = await ask(client, place, START, **named, redirectUri=back)
        page = await submit(
            client, Page(await client.get(begun["url"])), login="ann-1", password="any"
        )
        page = await submit(client, page)
        url = str(page.response.url)
        assert url.startswith(back), page.text
        answer = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        kept = {"browserKey": begun["browserKey"], "redirectUri": back}
        signed_in = await ask(client, place, COMPLETE, **named, **kept, **answer)

    assert answer["state"] == begun["state"]
    assert answer["iss"] == place.issuer
    assert signed_in["customer"]["email"] == email
    identity = await CustomerIdentity.get()
    assert (identity.issuer, identity.subject) == (place.issuer, "ann-1")
