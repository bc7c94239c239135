"""What a mailed link leads to: a new password, and an invitation."""

from datetime import timedelta
from uuid import UUID

import pytest

from headless_presale.identity import (
    InviteStaff,
    Role,
    StaffMember,
    invitation_token,
    invite_staff,
    reset_token,
    revoke_invitation,
)
from headless_presale.identity.models import Account, Invitation, PasswordReset
from headless_presale.identity.resets import open_reset
from headless_presale.kernel.clock import ManualClock
from tests.support.accounts import PASSWORD, make_person
from tests.support.pages import Browser, Site
from tests.support.shop import make_shop
from tests.support.signing_in import sign_in

pytestmark = pytest.mark.usefixtures("database", "clock")

ADA, BOB = "ada@shop.example", "bob@shop.example"
NEW = "a new sentence to know"


async def reset_link(email: str = ADA) -> str:
    await open_reset(email, locale="en")
    reset = await PasswordReset.all().order_by("-id").first()
    assert reset is not None
    return f"/reset-password?token={reset_token(reset.id)}"


async def invite(email: str = BOB) -> tuple[Invitation, str]:
    shop = await make_shop()
    invitation = await invite_staff(
        InviteStaff(
            merchant_id=shop.merchant_id, email=email, role=Role.MANAGER, invited_by="Ada Lovelace"
        )
    )
    return invitation, f"/invitation?token={invitation_token(invitation.id)}"


async def test_asking_for_a_reset_is_answered_alike_for_everybody(
    browser: Browser, ada: UUID
) -> None:
    answers = []
    for email in (ADA, "nobody@shop.example", "no address at all"):
        await browser.open("/forgot-password")
        answers.append(await browser.send("/forgot-password", email=email))

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    assert "If there is an account with this address" in answers[0].text


async def test_asking_too_often_says_how_long_to_wait(browser: Browser) -> None:
    for _ in range(3):
        await browser.open("/forgot-password")
        await browser.send("/forgot-password", email=ADA)
    await browser.open("/forgot-password")

    answer = await browser.send("/forgot-password", email=ADA)

    assert (answer.status, answer.headers["retry-after"]) == (429, "60")
    assert "Please wait 60 seconds" in answer.text


async def test_a_link_sets_a_new_password_once(browser: Browser, ada: UUID) -> None:
    link = await reset_link()
    asked = await browser.open(link)
    assert ADA in asked.text
    common = await browser.send("/reset-password", password="password123", repeat="password123")
    assert common.status == 422
    different = await browser.send("/reset-password", password=NEW, repeat=PASSWORD)
    assert "The two passwords differ." in different.text

    answer = await browser.send("/reset-password", password=NEW, repeat=NEW)

    assert answer.location == "/sign-in?done=password_reset"
    assert "Your new password is saved." in (await browser.follow()).text
    assert (await sign_in(browser, password=NEW)).status == 303
    again = await browser.open(link)
    assert again.status == 410
    assert "The link was used already" in again.text


async def test_links_that_lead_nowhere_say_so(
    browser: Browser, ada: UUID, clock: ManualClock
) -> None:
    link = await reset_link()

    for broken in ("/reset-password", "/reset-password?token=x", link[:-1]):
        assert (await browser.open(broken)).status == 410
    clock.advance(timedelta(minutes=30))
    assert "good for 30 minutes" in (await browser.open(link)).text


async def test_somebody_new_joins(browser: Browser) -> None:
    _, link = await invite()
    shown = await browser.open(link)
    for words in ("Join Moonlit Forge", "Ada Lovelace invites you", "Manager", BOB):
        assert words in shown.text
    nameless = await browser.send("/invitation", name=" ", password=NEW, repeat=NEW)
    assert "Say how people call you." in nameless.text
    short = await browser.send("/invitation", name="Bob", password="x", repeat="x")
    assert short.form("/invitation").fields["name"] == "Bob"

    answer = await browser.send("/invitation", name="Bob", password=NEW, repeat=NEW)

    assert answer.location == "/account?done=joined"
    assert "Welcome! You belong to the staff now." in (await browser.follow()).text
    member = await StaffMember.get().select_related("account")
    assert (member.account.email, member.role) == (BOB, Role.MANAGER)
    assert (await browser.open(link)).status == 410


async def test_somebody_with_an_account_signs_in_and_joins(browser: Browser) -> None:
    bob = await make_person(BOB)
    _, link = await invite()
    shown = await browser.open(link)
    assert "Sign in with this address" in shown.text
    assert [form.action for form in shown.forms] == []

    way = next(link for link in shown.links if link.startswith("/sign-in?next="))
    await browser.open(way)
    answer = await browser.send("/sign-in", email=BOB, password=PASSWORD)
    assert answer.location == link
    await browser.follow()
    await browser.send("/invitation")

    assert (await StaffMember.get()).account_id == bob


async def test_an_invitation_for_somebody_else_is_not_accepted(browser: Browser, ada: UUID) -> None:
    _, link = await invite()
    await sign_in(browser)

    shown = await browser.open(link)
    assert "You are signed in as ada@shop.example" in shown.text
    csrf = (await browser.open("/sign-out")).form("/sign-out").fields["csrf"]
    answer = await browser.post(link, csrf=csrf)

    assert answer.location.startswith("/invitation")
    assert await StaffMember.all().count() == 0


async def test_who_has_an_account_is_not_taken_over_by_the_form_for_new_ones(
    browser: Browser,
) -> None:
    # Given the form, open before the account was there
    _, link = await invite()
    await browser.open(link)
    await make_person(BOB)
    before = (await Account.get(email=BOB)).password_hash

    answer = await browser.send("/invitation", name="Eve", password=NEW, repeat=NEW)

    assert answer.location.startswith("/invitation")
    assert (await Account.get(email=BOB)).password_hash == before
    assert await StaffMember.all().count() == 0


async def test_an_invitation_that_was_withdrawn_says_so(browser: Browser) -> None:
    invitation, link = await invite()
    await revoke_invitation(invitation.merchant_id, invitation.id)

    assert "was withdrawn" in (await browser.open(link)).text
    assert (await browser.open("/invitation")).status == 410


async def test_names_are_no_markup(browser: Browser) -> None:
    shop = await make_shop()
    invitation = await invite_staff(
        InviteStaff(
            merchant_id=shop.merchant_id,
            email=BOB,
            role=Role.OWNER,
            invited_by="<script>alert(1)</script>",
        )
    )
    async with Site().browser() as reader:
        shown = await reader.open(f"/invitation?token={invitation_token(invitation.id)}")

    assert "<script>alert" not in shown.response.text
    assert "<script>alert(1)</script> invites you" in shown.text
