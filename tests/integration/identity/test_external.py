"""Outside issuers: the verified address leads in once, from then on their name for the person."""

import asyncio

import pytest

from headless_presale.identity import InviteStaff, Role, StaffMember, invite_staff
from headless_presale.identity.errors import NotLinked
from headless_presale.identity.external import Claims, resolve_account, unlink
from headless_presale.identity.models import Account, ExternalIdentity
from headless_presale.kernel.clock import ManualClock
from tests.support.accounts import make_account
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "clock")

ISSUER = "https://id.example"


def claims(subject: str = "1", email: str = "ada@shop.example", *, verified: bool = True) -> Claims:
    return Claims(
        issuer=ISSUER, subject=subject, email=email, is_email_verified=verified, name="Ada L."
    )


async def test_a_verified_address_leads_to_its_account_and_is_linked() -> None:
    account_id = await make_account()

    assert await resolve_account(claims(email="ADA@shop.example"), locale="en") == account_id

    identity = await ExternalIdentity.get()
    assert (identity.issuer, identity.subject) == (ISSUER, "1")


async def test_an_unverified_address_leads_nowhere() -> None:
    await make_account()

    with pytest.raises(NotLinked) as no:
        await resolve_account(claims(verified=False), locale="en")

    assert no.value.reason == "unverified"
    assert await ExternalIdentity.all().count() == 0


async def test_the_subject_counts_whatever_becomes_of_the_address() -> None:
    # Given Ada, linked, and Bob, who has an account too
    ada = await make_account()
    await make_account("bob@shop.example")
    await resolve_account(claims(), locale="en")

    # When Ada's address at the issuer changes, even into Bob's, even unverified
    for email, verified in (("new@shop.example", True), ("bob@shop.example", False)):
        assert await resolve_account(claims(email=email, verified=verified), locale="en") == ada


async def test_an_address_given_to_somebody_else_brings_no_account_along() -> None:
    # Given Ada, linked, whose address the issuer gives to the next person
    ada = await make_account()
    await resolve_account(claims("1"), locale="en")

    with pytest.raises(NotLinked) as no:
        await resolve_account(claims("2"), locale="en")

    assert no.value.reason == "taken"
    assert [row.account_id for row in await ExternalIdentity.all()] == [ada]


async def test_nobody_becomes_an_account_by_signing_in() -> None:
    with pytest.raises(NotLinked) as no:
        await resolve_account(claims(), locale="en")

    assert no.value.reason == "unknown"
    assert await Account.all().count() == 0


async def test_somebody_invited_gets_an_account_that_belongs_to_nothing_yet() -> None:
    shop = await make_shop()
    await invite_staff(
        InviteStaff(
            merchant_id=shop.merchant_id,
            email="ada@shop.example",
            role=Role.OWNER,
            invited_by="Bob",
        )
    )

    account_id = await resolve_account(claims(), locale="zh-CN")

    account = await Account.get(id=account_id)
    assert (account.email, account.name, account.locale) == (
        "ada@shop.example",
        "Ada L.",
        "zh-CN",
    )
    assert account.password_hash is None
    assert await StaffMember.all().count() == 0


async def test_a_deactivated_account_stays_out(clock: ManualClock) -> None:
    account_id = await make_account()
    await resolve_account(claims(), locale="en")
    await Account.filter(id=account_id).update(deactivated_at=clock.now())

    for subject in ("1", "2"):
        with pytest.raises(NotLinked) as no:
            await resolve_account(claims(subject), locale="en")
        assert no.value.reason == "deactivated"


async def test_the_same_subject_of_another_issuer_is_another_person() -> None:
    await make_account()
    await resolve_account(claims(), locale="en")
    other = Claims(
        issuer="https://evil.example", subject="1", email="x@y.example", is_email_verified=True
    )

    with pytest.raises(NotLinked):
        await resolve_account(other, locale="en")


async def test_twice_at_once_is_one_link() -> None:
    account_id = await make_account()

    found = await asyncio.gather(*(resolve_account(claims(), locale="en") for _ in range(8)))

    assert set(found) == {account_id}
    assert await ExternalIdentity.all().count() == 1


async def test_a_link_that_is_removed_is_made_anew_by_the_address() -> None:
    ada = await make_account()
    await resolve_account(claims(), locale="en")
    with pytest.raises(NotLinked):
        await resolve_account(claims("moved"), locale="en")

    assert await unlink(ada) == 1

    assert await resolve_account(claims("moved"), locale="en") == ada
    assert (await ExternalIdentity.get()).subject == "moved"
