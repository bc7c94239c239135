"""An issuer's answer counts once, in the browser and the shop that asked for it, for ten minutes.

Each attack has a control: with its defence away it succeeds.
"""

import asyncio
from datetime import timedelta

import pytest

from headless_presale.customers import SignInProvider, oidc
from headless_presale.customers.models import CustomerGrant, SignInFlow
from headless_presale.kernel.clock import ManualClock
from resolvers.global_ids import seal
from tests.graphql.customers import Storefront, codes_of, nobody_is_in
from tests.graphql.providers import BACK, add_oidc, begin, start
from tests.support.oidc_issuer import Issuer
from tests.support.shop import make_shop

MANY = 4


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
    monkeypatch.setattr(oidc, "_check_redirect_uri", lambda *_: None)

    evil = await begin(storefront, provider, "https://evil.example/back")
    assert (await evil.visit())["code"]
