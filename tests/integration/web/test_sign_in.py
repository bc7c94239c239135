"""Signing in and out on the pages: the password, then a second factor."""

from datetime import timedelta
from uuid import UUID

import pytest

from headless_presale.identity.models import Account, SignInSession
from headless_presale.kernel.clock import ManualClock
from tests.support.accounts import PASSWORD, make_person, set_up_app
from tests.support.authenticator import Authenticator
from tests.support.pages import SITE, Browser, Site
from tests.support.signing_in import session_of, sign_in

pytestmark = pytest.mark.usefixtures("database", "clock")


async def is_in(browser: Browser) -> bool:
    return (await browser.open("/account")).status == 200


async def test_the_password_leads_on_where_one_was_going(browser: Browser, ada: UUID) -> None:
    answer = await sign_in(browser, next="/admin/%23/orders")

    assert (answer.status, answer.location) == (303, "/admin/#/orders")
    assert "ada@shop.example" in (await browser.open("/account")).text
    assert (await browser.open("/sign-in?next=/admin/")).location == "/admin/"


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    browser: Browser, ada: UUID
) -> None:
    wrong = await sign_in(browser, password="not the password")
    unknown = await sign_in(browser, email="nobody@shop.example")

    assert (wrong.status, unknown.status) == (422, 422)
    assert "The e-mail address or the password is wrong." in wrong.text
    assert unknown.text == wrong.text
    assert unknown.form("/sign-in").fields["email"] == "nobody@shop.example"
    assert "password" not in [v for f in wrong.forms for v in f.fields.values()]
    assert await SignInSession.all().count() == 0


async def test_somebody_deactivated_does_not_come_in(browser: Browser, ada: UUID) -> None:
    await Account.filter(id=ada).update(deactivated_at=(await Account.get(id=ada)).created_at)

    assert (await sign_in(browser)).status == 422


async def test_too_many_attempts_say_how_long_to_wait(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    for _ in range(5):
        await sign_in(browser, password="wrong wrong wrong")

    refused = await sign_in(browser)

    assert refused.status == 429
    assert refused.headers["retry-after"] == "2"
    assert "Please wait 2 seconds" in refused.text
    assert not await is_in(browser)
    clock.advance(timedelta(seconds=2))
    assert (await sign_in(browser)).status == 303


async def test_the_second_factor_is_asked_for(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    totp, _ = await set_up_app(ada, clock)

    answer = await sign_in(browser, next="/account")
    assert answer.location == "/sign-in/verify?next=%2Faccount"
    # The password alone shows nothing.
    assert (await browser.open("/account")).status == 303
    assert (await browser.open("/sign-in")).location == "/sign-in/verify?next=%2F"

    await browser.open("/sign-in/verify?next=%2Faccount")
    wrong = await browser.send("/sign-in/verify", code="000000")
    assert wrong.status == 422
    assert "wrong or was used already" in wrong.text
    answer = await browser.send("/sign-in/verify", code=totp.at(clock.now()))
    assert (answer.status, answer.location) == (303, "/account")
    assert await is_in(browser)


async def test_a_recovery_code_replaces_the_second_factor(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    _, codes = await set_up_app(ada, clock)
    await sign_in(browser)
    await browser.follow()

    wrong = await browser.send("/sign-in/verify", kind="recovery", code="aaaaa-bbbbb")
    assert "This recovery code is wrong" in wrong.text
    answer = await browser.send("/sign-in/verify", kind="recovery", code=codes[3].upper())

    assert answer.status == 303
    assert "9 of 10 left" in (await browser.open("/account")).text


async def test_a_passkey_is_added_and_signs_in(browser: Browser, ada: UUID) -> None:
    phone = Authenticator(SITE)
    await sign_in(browser)
    adding = await browser.open("/account/passkeys/new")
    codes = await browser.send(
        "/account/passkeys/new", name="Phone", code=phone.create(adding.options)
    )
    assert "Recovery codes" in codes.text
    assert "Phone" in (await browser.open("/account")).text
    await browser.open("/sign-out")
    await browser.send("/sign-out")

    await sign_in(browser)
    asking = await browser.follow()
    answer = await browser.send("/sign-in/verify", code=phone.get(asking.options))

    assert answer.status == 303
    assert await is_in(browser)


async def test_a_passkey_s_answer_counts_once(browser: Browser, ada: UUID) -> None:
    phone = Authenticator(SITE, counts=False)
    await sign_in(browser)
    adding = await browser.open("/account/passkeys/new")
    await browser.send("/account/passkeys/new", name="Phone", code=phone.create(adding.options))
    await browser.open("/sign-out")
    await browser.send("/sign-out")
    await sign_in(browser)
    answer = phone.get((await browser.follow()).options)
    assert (await browser.send("/sign-in/verify", code=answer)).status == 303
    await browser.open("/sign-out")
    await browser.send("/sign-out")

    await sign_in(browser)
    await browser.follow()
    again = await browser.send("/sign-in/verify", code=answer)

    assert again.status == 422
    assert "was not accepted" in again.text


@pytest.mark.parametrize("values", [{"kind": ""}, {"kind": "passkey", "code": "{"}, {"code": ""}])
async def test_nonsense_is_no_second_factor(
    browser: Browser, ada: UUID, clock: ManualClock, values: dict[str, str]
) -> None:
    await set_up_app(ada, clock)
    await sign_in(browser)
    await browser.follow()

    assert (await browser.send("/sign-in/verify", **values)).status == 422
    assert not await is_in(browser)


async def test_the_second_step_cannot_be_taken_first(browser: Browser, ada: UUID) -> None:
    answer = await browser.open("/sign-in/verify?next=/account")

    assert answer.location == "/sign-in?next=%2Faccount"


async def test_ten_minutes_are_enough_for_the_second_step(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    totp, _ = await set_up_app(ada, clock)
    await sign_in(browser)
    await browser.follow()
    clock.advance(timedelta(minutes=10))

    answer = await browser.send("/sign-in/verify", code=totp.at(clock.now()))

    assert (answer.status, answer.location) == (303, "/sign-in?next=%2F")
    assert not await is_in(browser)


async def test_signing_in_as_somebody_else_ends_the_first_session(
    browser: Browser, ada: UUID
) -> None:
    await make_person("bob@shop.example", name="Bob")
    await sign_in(browser)
    first = session_of(browser)
    await browser.open("/sign-in?again=1")
    await browser.send("/sign-in", email="bob@shop.example", password=PASSWORD)

    assert "bob@shop.example" in (await browser.open("/account")).text
    assert session_of(browser) != first
    assert await SignInSession.filter(ended_at=None).count() == 1


async def test_signing_out_asks_first_and_ends_the_session(browser: Browser, ada: UUID) -> None:
    await sign_in(browser)
    before = session_of(browser)

    asked = await browser.open("/sign-out")
    assert "You are signed in as ada@shop.example." in asked.text
    assert await is_in(browser)
    await browser.open("/sign-out")
    answer = await browser.send("/sign-out")

    assert answer.location == "/sign-out"
    assert "You are signed out" in (await browser.follow()).text
    assert session_of(browser) == ""
    # The value that somebody has copied is worth nothing any more.
    async with Site().browser() as thief:
        thief.cookies.set("presale_session", before)
        assert not await is_in(thief)


async def test_chinese(ada: UUID) -> None:
    async with Site().browser(language="zh-CN") as browser:
        wrong = await sign_in(browser, password="不对的密码不对的密码")

    assert "邮箱地址或密码不正确。" in wrong.text
    assert wrong.headers["content-language"] == "zh-CN"
