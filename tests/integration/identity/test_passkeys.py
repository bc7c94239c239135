"""Passkeys: real ceremonies with an authenticator in software, and what is no answer to one."""

import dataclasses
import json
from uuid import UUID

import pytest

from headless_presale.identity.errors import FactorRefused
from headless_presale.identity.passkeys import (
    RelyingParty,
    begin_authentication,
    begin_registration,
    list_passkeys,
    register_passkey,
    remove_passkey,
    use_passkey,
)
from headless_presale.identity.sessions import find_session, set_challenge, start_session
from headless_presale.identity.sign_in import (
    SecondFactor,
    second_factors_of,
    show_second_factor,
)
from tests.support.accounts import make_account
from tests.support.authenticator import Authenticator

pytestmark = pytest.mark.usefixtures("database", "clock")

SITE = "https://shop.example"
PARTY = RelyingParty(SITE, "Headless Presale")


async def add(account_id: UUID, phone: Authenticator, name: str = "Phone") -> list[str]:
    ceremony = await begin_registration(account_id, PARTY)
    return await register_passkey(
        account_id,
        PARTY,
        challenge=ceremony.challenge,
        response=phone.create(ceremony.options),
        name=name,
    )


async def use(account_id: UUID, phone: Authenticator) -> None:
    ceremony = await begin_authentication(account_id, PARTY)
    await use_passkey(
        account_id, PARTY, challenge=ceremony.challenge, response=phone.get(ceremony.options)
    )


async def test_a_passkey_is_added_and_completes_a_session() -> None:
    # Given somebody who added a phone, and got recovery codes with it
    account_id, phone = await make_account(), Authenticator(SITE)
    assert len(await add(account_id, phone, "Ada's phone")) == 10
    started = await start_session(account_id, factors=["pwd"])

    # When the browser is asked for it
    ceremony = await begin_authentication(account_id, PARTY)
    await set_challenge(started.session.id, ceremony.challenge)
    completed = await show_second_factor(
        started.session, SecondFactor.PASSKEY, phone.get(ceremony.options), party=PARTY
    )

    # Then the person is in, and the passkey's counter moved on
    found = await find_session(completed.cookie_value)
    assert found is not None
    assert (found.is_complete, found.factors) == (True, ("pwd", "hwk"))
    (passkey,) = await list_passkeys(account_id)
    assert (passkey.name, passkey.sign_count) == ("Ada's phone", 1)
    assert passkey.last_used_at is not None


async def test_the_browser_is_asked_for_no_more_than_needed() -> None:
    account_id, phone = await make_account(), Authenticator(SITE)
    await add(account_id, phone)

    options = json.loads((await begin_registration(account_id, PARTY)).options)

    assert options["rp"] == {"id": "shop.example", "name": "Headless Presale"}
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["userVerification"] == "preferred"
    assert len(options["excludeCredentials"]) == 1


async def test_an_answer_counts_once() -> None:
    account_id, phone = await make_account(), Authenticator(SITE)
    await add(account_id, phone)
    started = await start_session(account_id, factors=["pwd"])
    ceremony = await begin_authentication(account_id, PARTY)
    await set_challenge(started.session.id, ceremony.challenge)
    answer = phone.get(ceremony.options)
    await show_second_factor(started.session, SecondFactor.PASSKEY, answer, party=PARTY)

    # Another session, whose challenge is another one
    other = await start_session(account_id, factors=["pwd"])
    await set_challenge(other.session.id, (await begin_authentication(account_id, PARTY)).challenge)

    for session in (started.session, other.session, other.session):
        with pytest.raises(FactorRefused):
            await show_second_factor(session, SecondFactor.PASSKEY, answer, party=PARTY)


async def test_a_fishing_site_gets_nothing_usable() -> None:
    account_id, phone = await make_account(), Authenticator(SITE)
    await add(account_id, phone)
    fooled = dataclasses.replace(phone, origin="https://shop-example.com")

    with pytest.raises(FactorRefused):
        await use(account_id, fooled)

    await use(account_id, phone)


async def test_a_copy_is_noticed_by_its_counter() -> None:
    account_id, phone = await make_account(), Authenticator(SITE)
    await add(account_id, phone)
    copy = dataclasses.replace(phone)
    await use(account_id, phone)

    with pytest.raises(FactorRefused):
        await use(account_id, copy)


async def test_authenticators_that_do_not_count_are_taken() -> None:
    account_id, phone = await make_account(), Authenticator(SITE, counts=False)
    await add(account_id, phone)

    await use(account_id, phone)
    await use(account_id, phone)


async def test_somebody_elses_passkey_is_none() -> None:
    ada, bob = await make_account(), await make_account("bob@shop.example")
    await add(ada, Authenticator(SITE))
    theirs = Authenticator(SITE)
    await add(bob, theirs)

    with pytest.raises(FactorRefused):
        await use(ada, theirs)


async def test_the_same_authenticator_is_not_added_twice() -> None:
    account_id, phone = await make_account(), Authenticator(SITE)
    await add(account_id, phone)

    with pytest.raises(FactorRefused):
        await add(account_id, phone)
    with pytest.raises(FactorRefused):
        await add(await make_account("bob@shop.example"), phone)

    assert len(await list_passkeys(account_id)) == 1


@pytest.mark.parametrize(
    "response", ["", "[]", "{}", "null", '{"id": 1}', "x" * 30_000, '{"id": "AA", "rawId": "AA"}']
)
async def test_what_is_no_answer_is_refused(response: str) -> None:
    account_id = await make_account()
    ceremony = await begin_registration(account_id, PARTY)

    with pytest.raises(FactorRefused):
        await register_passkey(
            account_id, PARTY, challenge=ceremony.challenge, response=response, name="x"
        )
    with pytest.raises(FactorRefused):
        await use_passkey(account_id, PARTY, challenge=ceremony.challenge, response=response)

    assert await list_passkeys(account_id) == []


async def test_several_are_kept_and_each_is_removed_by_its_owner() -> None:
    ada, bob = await make_account(), await make_account("bob@shop.example")
    phone, stick = Authenticator(SITE), Authenticator(SITE)
    assert len(await add(ada, phone, "Phone")) == 10
    assert await add(ada, stick, "Stick") == []
    first, second = await list_passkeys(ada)

    await remove_passkey(bob, first.id)
    assert [passkey.name for passkey in await list_passkeys(ada)] == ["Phone", "Stick"]

    await remove_passkey(ada, first.id)
    assert (await second_factors_of(ada)).recovery_codes == 10
    with pytest.raises(FactorRefused):
        await use(ada, phone)
    await remove_passkey(ada, second.id)
    assert (await second_factors_of(ada)).recovery_codes == 0
