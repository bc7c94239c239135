"""One's own account: what can be changed, what a change needs, and whom it does not reach."""

from datetime import timedelta
from uuid import UUID

import pyotp
import pytest

from headless_presale.identity.models import Account, Passkey, RecoveryCode, SignInSession
from headless_presale.kernel.clock import ManualClock
from headless_presale.web.formats import describe_browser
from tests.support.accounts import PASSWORD, make_person, set_up_app
from tests.support.authenticator import Authenticator
from tests.support.pages import SITE, Browser, Page, Site
from tests.support.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("database", "clock")

NEW = "a new sentence to know"
LATER = timedelta(minutes=11)


@pytest.fixture
async def signed_in(browser: Browser, ada: UUID) -> Browser:
    await sign_in(browser)
    await browser.open("/account")
    return browser


async def change(browser: Browser, **values: str) -> Page:
    await browser.open("/account")
    return await browser.send("/account/password", **values)


async def test_a_stranger_is_sent_to_sign_in(browser: Browser) -> None:
    assert (await browser.open("/account")).location == "/sign-in?next=%2Faccount"
    for path in ("password", "recovery-codes", "sessions/end", "authenticator/remove"):
        assert (await browser.post(f"/account/{path}")).location.startswith("/sign-in")
        assert (await browser.open(f"/account/{path}")).location == "/account"


async def test_the_password_is_changed_and_other_browsers_are_out(
    signed_in: Browser, ada: UUID
) -> None:
    async with Site().browser() as other:
        await sign_in(other)

        answer = await change(signed_in, old=PASSWORD, password=NEW, repeat=NEW)

        assert answer.location == "/account?done=password_changed"
        assert "Your password is changed." in (await signed_in.follow()).text
        assert (await other.open("/account")).status == 303
        assert (await sign_in(other)).status == 422
        assert (await sign_in(other, password=NEW)).status == 303


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"old": "wrong", "password": NEW, "repeat": NEW}, "This is not your present password."),
        ({"old": PASSWORD, "password": NEW, "repeat": NEW + "!"}, "The two passwords differ."),
        ({"old": PASSWORD, "password": "short", "repeat": "short"}, "Use at least 10 characters."),
        (
            {"old": PASSWORD, "password": "x" * 129, "repeat": "x" * 129},
            "Use at most 128 characters.",
        ),
        ({"old": PASSWORD, "password": "1234567890", "repeat": "1234567890"}, "widely used"),
    ],
)
async def test_a_password_that_cannot_be_taken_says_why(
    signed_in: Browser, ada: UUID, values: dict[str, str], said: str
) -> None:
    before = (await Account.get(id=ada)).password_hash

    answer = await change(signed_in, **values)

    assert answer.status == 422
    assert said in answer.text
    assert (await Account.get(id=ada)).password_hash == before


async def test_guessing_the_present_password_is_slowed_down(signed_in: Browser) -> None:
    for _ in range(5):
        await change(signed_in, old="wrong", password=NEW, repeat=NEW)

    answer = await change(signed_in, old=PASSWORD, password=NEW, repeat=NEW)

    assert (answer.status, answer.headers["retry-after"]) == (429, "2")


async def test_an_app_is_set_up_with_a_picture_or_a_key(
    signed_in: Browser, ada: UUID, clock: ManualClock
) -> None:
    asked = await signed_in.open("/account/authenticator")
    assert "<svg" in asked.response.text
    key = next(w for w in asked.response.text.split('id="secret">')[1:]).partition("<")[0]
    app = pyotp.TOTP(key.replace(" ", ""))

    wrong = await signed_in.send("/account/authenticator", code="000000")
    assert wrong.status == 422
    assert not (await Account.get(id=ada)).totp_confirmed_at
    shown = await signed_in.send("/account/authenticator", code=app.at(clock.now()))

    assert "The second step is on." in shown.text
    assert await RecoveryCode.filter(account_id=ada).count() == 10
    assert (await signed_in.open("/account/authenticator")).location == "/account"


async def test_second_factors_are_removed(
    signed_in: Browser, ada: UUID, clock: ManualClock
) -> None:
    await set_up_app(ada, clock)
    phone = Authenticator(SITE)
    adding = await signed_in.open("/account/passkeys/new")
    added = await signed_in.send(
        "/account/passkeys/new", name="Phone", code=phone.create(adding.options)
    )
    assert added.location == "/account?done=passkey_added"

    await signed_in.open("/account")
    assert (await signed_in.send("/account/authenticator/remove")).location.endswith("totp_removed")
    await signed_in.open("/account")
    assert (await signed_in.send("/account/passkeys/remove")).location.endswith("passkey_removed")

    assert await Passkey.all().count() == 0
    assert await RecoveryCode.all().count() == 0


async def test_new_recovery_codes_replace_the_old_ones(
    signed_in: Browser, ada: UUID, clock: ManualClock
) -> None:
    _, codes = await set_up_app(ada, clock)
    await signed_in.open("/account")

    shown = await signed_in.send("/account/recovery-codes")

    assert shown.status == 200
    assert [code for code in codes if code in shown.text] == []
    assert await RecoveryCode.filter(account_id=ada).count() == 10


async def test_a_change_needs_a_fresh_sign_in(
    signed_in: Browser, ada: UUID, clock: ManualClock
) -> None:
    # Given forms that were open all the time
    await set_up_app(ada, clock)
    page = await signed_in.open("/account")
    csrf = page.form("/account/recovery-codes").fields["csrf"]
    codes = await RecoveryCode.all().count()
    clock.advance(LATER)

    for path in ("recovery-codes", "authenticator/remove", "passkeys/remove", "passkeys/new"):
        answer = await signed_in.post(f"/account/{path}", csrf=csrf)
        assert answer.location == "/sign-in?next=%2Faccount&again=1", path
    assert (await Account.get(id=ada)).totp_confirmed_at
    assert await RecoveryCode.all().count() == codes
    assert "confirm first that it is you" in (await signed_in.open("/account")).text


async def test_another_browser_is_signed_out_and_nobody_else_s(
    signed_in: Browser, ada: UUID
) -> None:
    bob = await make_person("bob@shop.example")
    async with Site().browser() as laptop, Site().browser() as bobs:
        await sign_in(laptop)
        await sign_in(bobs, email="bob@shop.example")
        theirs = await SignInSession.get(account_id=bob)

        await signed_in.open("/account")
        await signed_in.send("/account/sessions/end", id=str(theirs.id))
        assert (await bobs.open("/account")).status == 200
        await signed_in.open("/account")
        answer = await signed_in.send("/account/sessions/end")

        assert answer.location == "/account?done=session_ended"
        assert (await laptop.open("/account")).status == 303
        assert (await signed_in.open("/account")).status == 200


async def test_everywhere_else_is_signed_out(signed_in: Browser) -> None:
    async with Site().browser() as laptop:
        await sign_in(laptop)
        await signed_in.open("/account")

        await signed_in.send("/account/sessions/end-others")

        assert (await laptop.open("/account")).status == 303
        assert "You are signed out everywhere else." in (await signed_in.follow()).text


async def test_an_address_without_a_name_has_no_passkeys(ada: UUID) -> None:
    async with Site(public_url="http://127.0.0.1:8000").browser() as browser:
        await sign_in(browser)

        assert "Needs this site to be reached by a name" in (await browser.open("/account")).text
        assert (await browser.open("/account/passkeys/new")).location == "/account"


def test_browsers_are_called_what_people_call_them() -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"

    assert describe_browser(chrome) == "Chrome · Windows"
    assert describe_browser(chrome + " Edg/140.0") == "Edge · Windows"
    assert describe_browser(safari) == "Safari · iPhone"
    assert describe_browser("<script>") == ""
