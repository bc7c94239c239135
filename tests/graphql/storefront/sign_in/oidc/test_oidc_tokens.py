"""What an issuer says of a person counts only where it says it of him, to us, and now.

Each attack has a control: with its defence away it succeeds.
"""

import time
from typing import Any

import pytest
from joserfc.jwk import ECKey

from headless_presale.customers import SignInProvider
from headless_presale.customers.oidc_app import OidcApp
from tests.graphql.customers import Storefront, codes_of, nobody_is_in
from tests.graphql.providers import begin
from tests.support.oidc_issuer import ADA, Issuer, shared_secret_key

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
