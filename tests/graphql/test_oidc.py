"""Customers sign in at an OpenID Connect provider of their shop's: whom it lets in; attacks on it.

Each attack has a control: with its defence away it succeeds. A real issuer answers in
tests/e2e/test_outside_issuer.py.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from joserfc.jwk import ECKey

from headless_presale.customers import (
    CustomerIdentity,
    ProviderChanges,
    SignInProvider,
    delete_provider,
    oidc,
    update_provider,
)
from headless_presale.customers.forgetting import forget_ended
from headless_presale.customers.models import Customer, CustomerGrant, SignInFlow
from headless_presale.customers.oidc_app import OidcApp, make_app
from headless_presale.customers.outside import current_outside
from headless_presale.identity import oidc as shared
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import customer_id_of
from resolvers.global_ids import seal
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.endpoint import Api
from tests.graphql.providers import BACK, add_oidc, begin, outside_open, start
from tests.support.oidc_issuer import Issuer, running_issuer, shared_secret_key
from tests.support.shop import make_shop
from tests.support.state import stored_rows

ADA = "ada@shop.example"
MANY = 4


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture
async def issuer(server: Issuer, database: str) -> AsyncIterator[Issuer]:
    """Return it as if nobody had come before."""
    oidc._app.cache_clear()
    async with outside_open("http://127.0.0.1:1"):
        yield server
    server.__dict__.update(Issuer(server.url).__dict__)


@pytest.fixture
async def storefront(api: Api, clock: ManualClock, issuer: Issuer) -> Storefront:
    return Storefront(api, await make_shop())


@pytest.fixture
async def provider(storefront: Storefront, issuer: Issuer) -> SignInProvider:
    return await add_oidc(storefront.shop, issuer.url)


async def nobody_is_in() -> bool:
    """Tell whether nothing was written of anybody."""
    return not await Customer.exists() and not await CustomerGrant.exists()


async def test_a_browser_goes_there_and_comes_back(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    begun = await start(storefront, provider)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun["url"]).query).items()}
    assert asked.pop("nonce")
    assert asked.pop("code_challenge")
    assert asked == {
        "response_type": "code",
        "client_id": "presale",
        "redirect_uri": BACK,
        "scope": "openid email profile",
        "state": begun["state"],
        "code_challenge_method": "S256",
    }
    assert begun["expiresAt"] == "2026-03-01T12:10:00Z"
    assert begun["browserKey"] not in begun["url"]

    signed_in = await (await begin(storefront, provider)).go()

    assert codes_of(signed_in) == []
    assert signed_in["customer"] == {
        "id": seal("Customer", customer_id_of(storefront.shop.id, ADA)),
        "email": ADA,
        "name": "Ada",
        "locale": "en",
        "createdAt": "2026-03-01T12:00:00Z",
    }
    me = await storefront.me(signed_in["accessToken"])
    assert me.data["me"] == signed_in["customer"]


async def test_by_mail_and_by_the_provider_one_is_the_same(
    storefront: Storefront, provider: SignInProvider
) -> None:
    by_mail = await storefront.sign_in(ADA)

    by_provider = await (await begin(storefront, provider)).go()

    assert by_provider["customer"]["id"] == by_mail["customer"]["id"]
    assert await Customer.all().count() == 1


async def test_the_subject_counts_whatever_becomes_of_the_address(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    first = await (await begin(storefront, provider)).go()
    issuer.claims |= {"email": "eve@shop.example"}

    again = await (await begin(storefront, provider)).go()

    assert again["customer"] == first["customer"]
    assert await Customer.all().count() == 1


async def test_the_address_may_come_from_userinfo(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    issuer.lies = {"email": None, "email_verified": None}

    assert (await (await begin(storefront, provider)).go())["customer"]["email"] == ADA


@pytest.mark.parametrize("redirect_uri", [BACK, "https://shop.example.com/other"])
async def test_a_provider_may_list_several_addresses(
    storefront: Storefront, issuer: Issuer, redirect_uri: str
) -> None:
    uris = [BACK, "https://shop.example.com/other"]
    provider = await add_oidc(storefront.shop, issuer.url, redirect_uris=uris)

    assert codes_of(await (await begin(storefront, provider, redirect_uri)).go()) == []


async def test_what_has_ended_is_deleted(
    storefront: Storefront, provider: SignInProvider, clock: ManualClock
) -> None:
    await begin(storefront, provider)
    assert await forget_ended() == 0

    clock.advance(timedelta(minutes=10))
    assert await forget_ended() == 1


async def test_a_provider_that_is_removed_takes_what_was_under_way_along(
    storefront: Storefront, provider: SignInProvider
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()
    await delete_provider([storefront.shop.id], provider.id, version=1)

    assert codes_of(await browser.complete(answer)) == ["SIGN_IN_PROVIDER_NOT_FOUND"]
    assert await SignInFlow.all().count() == 0


# Addresses that are not one's own


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 1.5])
async def test_an_unverified_address_leads_to_nobodys_account(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer, verified: object
) -> None:
    ada = await storefront.sign_in(ADA)
    issuer.claims["email_verified"] = verified

    stranger = await (await begin(storefront, provider)).go()

    assert codes_of(stranger) == []
    assert stranger["customer"]["email"] is None
    assert stranger["customer"]["id"] != ada["customer"]["id"]


async def test_control_without_asking_for_that_it_would(
    storefront: Storefront,
    provider: SignInProvider,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = await storefront.sign_in(ADA)
    issuer.claims["email_verified"] = False
    monkeypatch.setattr(oidc, "_address_in", lambda person: person.email)

    assert (await (await begin(storefront, provider)).go())["customer"]["id"] == (
        ada["customer"]["id"]
    )


@pytest.mark.parametrize("email", ["", "ada", "straße@shop.example", 7])
async def test_what_is_no_address_is_none(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer, email: object
) -> None:
    issuer.claims["email"] = email

    assert (await (await begin(storefront, provider)).go())["customer"]["email"] is None


# Tokens that are not for us


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another-client"},
    "another audience, asked for by us": {"aud": "another-client", "azp": "presale"},
    "no audience": {"aud": None},
    "another nonce": {"nonce": "of-an-earlier-sign-in"},
    "no nonce": {"nonce": None},
    "too old": {"exp": int(time.time()) - 1_000},
    "no end": {"exp": None},
    "no subject": {"sub": None},
    "too long a subject": {"sub": "s" * 256},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_that_is_not_for_us_is_refused(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer, lie: str
) -> None:
    issuer.lies = LIES[lie]

    assert codes_of(await (await begin(storefront, provider)).go()) == ["SIGN_IN_REFUSED"]
    assert issuer.redeemed == 1
    assert await nobody_is_in()


@pytest.mark.parametrize("lie", ["another issuer", "another audience, asked for by us"])
async def test_control_without_our_options_it_is_taken(
    storefront: Storefront,
    provider: SignInProvider,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
    lie: str,
) -> None:
    issuer.lies = LIES[lie]
    monkeypatch.setattr(OidcApp, "claims_options", {})

    assert codes_of(await (await begin(storefront, provider)).go()) == []


async def test_control_without_the_nonce_a_token_of_another_sign_in_is_taken(
    storefront: Storefront,
    provider: SignInProvider,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer.lies = LIES["another nonce"]
    parse = OidcApp.parse_id_token

    async def parse_any(self: OidcApp, token: Any, nonce: str, **options: Any) -> Any:
        return await parse(self, token, None, **options)

    monkeypatch.setattr(OidcApp, "parse_id_token", parse_any)

    assert codes_of(await (await begin(storefront, provider)).go()) == []


async def test_a_token_by_another_key_or_by_the_secret_is_refused(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    another = ECKey.generate_key("P-256", {"kid": "one"})
    for signs_with in ((another, "ES256"), (shared_secret_key(), "HS256")):
        issuer.signs_with = signs_with
        refused = await (await begin(storefront, provider)).go()
        assert codes_of(refused) == ["SIGN_IN_REFUSED"]
    assert await nobody_is_in()


async def test_an_answer_without_an_id_token_is_refused(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    issuer.has_id_token = False

    assert codes_of(await (await begin(storefront, provider)).go()) == ["SIGN_IN_REFUSED"]


async def test_userinfo_of_somebody_else_is_not_taken(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    issuer.lies = {"email": None}
    issuer.userinfo = {"sub": "somebody else", "email": ADA, "email_verified": True}

    assert codes_of(await (await begin(storefront, provider)).go()) == ["SIGN_IN_REFUSED"]
    assert await nobody_is_in()


async def test_an_answer_that_says_it_is_another_issuers_is_refused(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    browser = await begin(storefront, provider)

    assert codes_of(await browser.go(iss="https://evil.example")) == ["SIGN_IN_REFUSED"]
    assert issuer.redeemed == 0


# Answers that somebody else asked for


async def test_an_answer_counts_once(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()
    # The issuer gives another code for the same request: its own rule is out of the way
    second = await browser.visit()
    assert codes_of(await browser.complete(answer)) == []

    assert codes_of(await browser.complete(answer)) == ["SIGN_IN_REFUSED"]
    assert codes_of(await browser.complete(second)) == ["SIGN_IN_REFUSED"]
    assert issuer.redeemed == 1
    assert await CustomerGrant.all().count() == 1


async def complete_at_once(storefront: Storefront, provider: SignInProvider) -> list[list[str]]:
    """Come back many times at once, each time with a code that the issuer takes."""
    browser = await begin(storefront, provider)
    answers = [await browser.visit() for _ in range(MANY)]
    payloads = await asyncio.gather(*(browser.complete(answer) for answer in answers))
    return sorted(map(codes_of, payloads))


async def test_of_many_who_come_back_at_once_one_is_in(
    storefront: Storefront, provider: SignInProvider
) -> None:
    codes = await complete_at_once(storefront, provider)

    assert codes == [[], *[["SIGN_IN_REFUSED"]] * (MANY - 1)]
    assert await CustomerGrant.all().count() == 1


async def test_control_what_is_not_used_up_lets_all_of_them_in(
    storefront: Storefront, provider: SignInProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_look = oidc._USE_FLOW.replace("DELETE FROM", "SELECT 1 FROM")
    monkeypatch.setattr(oidc, "_USE_FLOW", only_look)

    assert await complete_at_once(storefront, provider) == [[]] * MANY
    assert await CustomerGrant.all().count() == MANY


async def test_an_answer_that_another_browser_asked_for_is_refused(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    # Given an attacker who has Ada's browser open his own answer, to have her sign in as himself
    attacker, ada = await begin(storefront, provider), await begin(storefront, provider)
    answer = await attacker.visit()

    # Then it is not taken, and still his own
    assert codes_of(await attacker.with_key_of(ada).complete(answer)) == ["SIGN_IN_REFUSED"]
    assert issuer.redeemed == 0
    assert codes_of(await attacker.complete(answer)) == []


async def test_control_without_the_browsers_key_it_is_taken(
    storefront: Storefront, provider: SignInProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = oidc._USE_FLOW.replace("browser_key_hash = $2", "$2::text IS NOT NULL")
    monkeypatch.setattr(oidc, "_USE_FLOW", use)
    attacker, ada = await begin(storefront, provider), await begin(storefront, provider)

    answer = await attacker.visit()
    assert codes_of(await attacker.with_key_of(ada).complete(answer)) == []


async def in_another_shop(storefront: Storefront, issuer: Issuer) -> list[str]:
    """Come back to a shop with the answer of another's, at the same issuer."""
    elsewhere = Storefront(storefront.api, await make_shop("other-shop"))
    here = await add_oidc(storefront.shop, issuer.url)
    there = await add_oidc(elsewhere.shop, issuer.url)
    browser = await begin(storefront, here)
    answer = await browser.visit()
    given = {"shop": elsewhere.shop.slug, "providerId": seal("SignInProvider", there.id)}
    return codes_of(await browser.complete(answer, **given))


async def test_an_answer_of_one_shop_is_none_of_another(
    storefront: Storefront, issuer: Issuer
) -> None:
    assert await in_another_shop(storefront, issuer) == ["SIGN_IN_REFUSED"]
    assert issuer.redeemed == 0


async def test_control_without_the_provider_in_the_row_it_is(
    storefront: Storefront, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use = oidc._USE_FLOW.replace("provider_id = $3", "$3::uuid IS NOT NULL")
    monkeypatch.setattr(oidc, "_USE_FLOW", use)

    assert await in_another_shop(storefront, issuer) == []


async def test_a_provider_of_another_shop_is_none(
    storefront: Storefront, provider: SignInProvider
) -> None:
    elsewhere = Storefront(storefront.api, await make_shop("other-shop"))

    assert codes_of(await start(elsewhere, provider)) == ["SIGN_IN_PROVIDER_NOT_FOUND"]


async def test_nothing_of_it_can_be_left_out_or_made_up(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()
    for name, made_up in (
        ("state", ""),
        ("state", "made-up"),
        ("state", "\ud800".encode("utf-8", "replace").decode()),
        ("browserKey", ""),
        ("browserKey", "made-up"),
        ("redirectUri", "https://shop.example.com/other"),
    ):
        refused = await browser.complete(answer, **{name: made_up})
        assert codes_of(refused) == ["SIGN_IN_REFUSED"], (name, made_up)
    assert issuer.redeemed == 0
    assert codes_of(await browser.complete(answer, code="")) == ["SIGN_IN_REFUSED"]
    assert await nobody_is_in()


async def test_one_has_ten_minutes(
    storefront: Storefront, provider: SignInProvider, clock: ManualClock
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()
    clock.advance(timedelta(minutes=10))

    assert codes_of(await browser.complete(answer)) == ["SIGN_IN_REFUSED"]


async def test_a_code_that_the_issuer_does_not_know_is_refused(
    storefront: Storefront, provider: SignInProvider
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()

    assert codes_of(await browser.complete(answer, code="made-up")) == ["SIGN_IN_REFUSED"]
    assert await nobody_is_in()


async def test_an_address_that_is_not_listed_is_refused(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    for uri in ("https://evil.example/back", BACK + "/", BACK + "?x=1", BACK.upper(), ""):
        refused = await start(storefront, provider, uri)
        assert codes_of(refused) == ["INVALID_INPUT"], uri
        assert refused["userErrors"][0]["field"] == ["redirectUri"]
        assert refused["url"] is None
    assert issuer.met == 0
    assert await SignInFlow.all().count() == 0


async def test_control_without_the_list_the_code_goes_anywhere(
    storefront: Storefront, provider: SignInProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "_insist_on_listed", lambda *_: None)

    evil = await begin(storefront, provider, "https://evil.example/back")
    assert (await evil.visit())["code"]


# Providers that are off, away, or not what they should be


async def test_a_provider_that_is_off_lets_nobody_in(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()
    await update_provider(
        [storefront.shop.id], provider.id, ProviderChanges(is_enabled=False), version=1
    )

    assert codes_of(await start(storefront, provider)) == ["SIGN_IN_PROVIDER_NOT_FOUND"]
    assert codes_of(await browser.complete(answer)) == ["SIGN_IN_PROVIDER_NOT_FOUND"]
    assert issuer.redeemed == 0
    assert await nobody_is_in()


async def test_a_provider_that_is_away_is_told_and_nothing_is_written(
    storefront: Storefront,
) -> None:
    provider = await add_oidc(storefront.shop, "http://127.0.0.1:1")

    refused = await start(storefront, provider)

    assert codes_of(refused) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]
    assert refused["userErrors"][0]["message"].startswith("Forge ID cannot be reached")
    assert await SignInFlow.all().count() == 0


async def test_a_provider_that_does_not_know_the_shop_is_for_the_merchant_to_mend(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    issuer.token_error = "invalid_client"

    refused = await (await begin(storefront, provider)).go()

    assert codes_of(refused) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]
    assert await nobody_is_in()


async def test_another_provider_at_the_address_is_not_used(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    issuer.discovery_lies = {"issuer": "https://evil.example"}
    assert codes_of(await start(storefront, provider)) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]

    issuer.discovery_lies = {}
    assert codes_of(await start(storefront, provider)) == []


PROXY = {"proxy": "http://127.0.0.1:1"}


async def test_what_a_provider_says_of_itself_sets_no_option_of_ours(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    issuer.discovery_lies = {
        **PROXY,
        "verify": False,
        "base_url": "http://127.0.0.1:1",
        "trust_env": True,
        "token_endpoint_auth_method": "none",
    }

    assert codes_of(await (await begin(storefront, provider)).go()) == []


async def test_control_what_is_kept_of_it_does(
    storefront: Storefront,
    provider: SignInProvider,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer.discovery_lies = PROXY
    monkeypatch.setattr(shared, "ENDPOINTS", (*shared.ENDPOINTS, "proxy"))

    refused = await (await begin(storefront, provider)).go()
    assert codes_of(refused) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]


async def test_a_provider_inside_is_not_asked(
    storefront: Storefront,
    provider: SignInProvider,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given an issuer whose name leads inside, here by having been let in as such before
    guarded = replace(current_outside(), allow_private=False)
    monkeypatch.setattr(oidc, "current_outside", lambda: guarded)

    assert codes_of(await start(storefront, provider)) == ["SIGN_IN_PROVIDER_UNAVAILABLE"]
    assert issuer.met == 0


@pytest.mark.parametrize("name", shared.ENDPOINTS)
@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com/x",
        "https://169.254.169.254/x",
        "https://login.example.com:6379/x",
        "javascript:alert(1)",
        "https://postgres/x",
    ],
)
def test_a_provider_sends_neither_us_nor_a_browser_inside(name: str, url: str) -> None:
    app = make_app(issuer="https://a.test", client_id="c", secret=None, allow_private=False)

    app.check_endpoints({name: "https://login.example.com/x"})
    with pytest.raises(shared.ProviderUnusable, match=name):
        app.check_endpoints({name: url})


async def test_state_key_nonce_and_secret_are_stored_nowhere_and_in_no_log(
    storefront: Storefront,
    provider: SignInProvider,
    database_admin: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        begun = await start(storefront, provider)
        browser = await begin(storefront, provider)
        await browser.go()
    stored = str(await stored_rows(database_admin))
    nonce = parse_qs(urlsplit(begun["url"]).query)["nonce"][0]

    assert str(provider.id) in stored
    secrets = (begun["state"], begun["browserKey"], nonce, "a secret that the two of them share")
    for secret in (*secrets, browser.kept["browserKey"]):
        assert secret not in stored
        assert secret not in caplog.text


async def test_who_knocks_too_often_waits(storefront: Storefront, provider: SignInProvider) -> None:
    # What succeeds does not count
    for _ in range(3):
        assert codes_of(await (await begin(storefront, provider)).go()) == []
    for _ in range(30):
        assert codes_of(await start(storefront, provider)) == []

    assert codes_of(await start(storefront, provider)) == ["TOO_MANY_ATTEMPTS"]
    assert (await CustomerIdentity.all().count(), await SignInFlow.all().count()) == (1, 30)
