"""Customers sign in at an OpenID Connect provider of their shop's: who is let in, and as whom.

Each attack has a control: with its defence away it succeeds. A real issuer answers in
tests/e2e/test_outside_issuer.py.
"""

import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from headless_presale.customers import CustomerIdentity, SignInProvider, delete_provider, oidc
from headless_presale.customers.forgetting import forget_ended
from headless_presale.customers.models import Customer, SignInFlow
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import customer_id_of
from resolvers.global_ids import seal
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.providers import BACK, add_oidc, begin, start
from tests.support.oidc_issuer import ADA, Issuer
from tests.support.state import stored_rows


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


async def test_who_knocks_too_often_waits(storefront: Storefront, provider: SignInProvider) -> None:
    # What succeeds does not count
    for _ in range(3):
        assert codes_of(await (await begin(storefront, provider)).go()) == []
    for _ in range(30):
        assert codes_of(await start(storefront, provider)) == []

    assert codes_of(await start(storefront, provider)) == ["TOO_MANY_ATTEMPTS"]
    assert (await CustomerIdentity.all().count(), await SignInFlow.all().count()) == (1, 30)


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
