"""Providers that are off, away, another shop's, or not what they should be.

Each attack has a control: with its defence away it succeeds.
"""

from dataclasses import replace

import pytest

from headless_presale.customers import SignInProvider, oidc
from headless_presale.customers.models import SignInFlow
from headless_presale.customers.oidc_app import make_app
from headless_presale.customers.provider_clients import current_provider_clients
from headless_presale.identity import oidc as shared
from tests.graphql.customers import Storefront, codes_of, nobody_is_in
from tests.graphql.providers import add_oidc, begin, start, switch_off
from tests.support.oidc_issuer import Issuer
from tests.support.shop import make_shop


async def test_a_provider_of_another_shop_is_none(
    storefront: Storefront, provider: SignInProvider
) -> None:
    elsewhere = Storefront(storefront.api, await make_shop("other-shop"))

    assert codes_of(await start(elsewhere, provider)) == ["SIGN_IN_PROVIDER_NOT_FOUND"]


async def test_a_provider_that_is_off_lets_nobody_in(
    storefront: Storefront, provider: SignInProvider, issuer: Issuer
) -> None:
    browser = await begin(storefront, provider)
    answer = await browser.visit()
    await switch_off(storefront)

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
    guarded = replace(current_provider_clients(), allow_private=False)
    monkeypatch.setattr(oidc, "current_provider_clients", lambda: guarded)

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
