"""Invitations: made by who may, read by mail, accepted once by whom they were for."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from headless_presale.identity import (
    ROLE_SCOPES,
    InvitationNotFound,
    InviteStaff,
    Role,
    ScopesExceeded,
    StaffMember,
    StaffMemberExists,
    invitation_token,
    invite_staff,
    revoke_invitation,
)
from headless_presale.identity.errors import (
    AccountExists,
    LinkDead,
    LinkState,
    PasswordRefused,
    WrongAccount,
)
from headless_presale.identity.invitations import (
    VALID_FOR,
    accept_as_new,
    accept_invitation,
    find_invitation,
)
from headless_presale.identity.limits import Source
from headless_presale.identity.models import Account, Invitation
from headless_presale.identity.passwords import hash_password
from headless_presale.identity.sign_in import sign_in_with_password
from headless_presale.identity.staff import deactivate_member
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops.models import Shop
from tests.support.accounts import PASSWORD, make_account
from tests.support.shop import make_shop
from tests.support.staff import sign_in

pytestmark = pytest.mark.usefixtures("database", "clock")

HOME = Source(address="192.0.2.1")
BOB = "bob@shop.example"


@pytest.fixture
async def shop(database: str) -> Shop:
    return await make_shop()


async def invite(
    shop: Shop, role: Role = Role.MANAGER, email: str = BOB, shop_ids: list[UUID] | None = None
) -> Invitation:
    return await invite_staff(
        InviteStaff(
            merchant_id=shop.merchant_id,
            email=email,
            role=role,
            shop_ids=shop_ids,
            invited_by="Ada",
        )
    )


async def accept(invitation: Invitation, name: str = "Bob") -> UUID:
    return await accept_as_new(
        invitation_token(invitation.id), name=name, password=PASSWORD, locale="zh-CN"
    )


async def test_somebody_new_joins_with_name_and_password(shop: Shop) -> None:
    invitation = await invite(shop, Role.SUPPORT, " Bob@Shop.example", [shop.id])

    account_id = await accept(invitation)

    account = await Account.get(id=account_id)
    assert (account.email, account.name, account.locale) == (BOB, "Bob", "zh-CN")
    assert account.email_verified_at is not None
    member = await StaffMember.get(account_id=account_id)
    assert (member.merchant_id, member.role, member.shop_ids) == (
        shop.merchant_id,
        Role.SUPPORT,
        [shop.id],
    )
    assert await sign_in_with_password(BOB, PASSWORD, source=HOME, user_agent="")


async def test_both_sides_are_in_the_audit_log(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    invitation = await invite(shop)
    account_id = await accept(invitation)

    rows = await database_admin.fetch(
        "SELECT action, subject_label, actor, actor_label FROM audit_entry "
        "WHERE owner_id = $1 ORDER BY id",
        shop.merchant_id,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("staff.invite", BOB, "system", ""),
        ("staff.join", BOB, f"staff:{account_id}", BOB),
    ]


async def test_an_invitation_is_accepted_once(shop: Shop) -> None:
    invitation = await invite(shop)
    account_id = await accept(invitation)

    for again in (
        accept(invitation),
        accept_invitation(invitation_token(invitation.id), account_id),
    ):
        with pytest.raises(LinkDead) as dead:
            await again
        assert dead.value.state is LinkState.USED
    assert await StaffMember.filter(account_id=account_id).count() == 1


async def test_somebody_with_an_account_signs_in_and_joins(shop: Shop) -> None:
    invitation = await invite(shop)
    account_id = await make_account(BOB, password_hash=await hash_password(PASSWORD))

    # The link alone does not change the password of an account that has one
    with pytest.raises(AccountExists):
        await accept_as_new(
            invitation_token(invitation.id), name="Eve", password="eve's passphrase", locale="en"
        )
    assert (await Account.get(id=account_id)).name == "Ada"

    await accept_invitation(invitation_token(invitation.id), account_id)
    assert (await StaffMember.get(account_id=account_id)).role is Role.MANAGER


async def test_it_is_nobody_elses(shop: Shop) -> None:
    invitation = await invite(shop)
    eve = await make_account("eve@shop.example")

    with pytest.raises(WrongAccount):
        await accept_invitation(invitation_token(invitation.id), eve)

    assert await StaffMember.all().count() == 0
    assert (await find_invitation(invitation_token(invitation.id))).email == BOB


async def test_it_lasts_a_week(shop: Shop, clock: ManualClock) -> None:
    invitation = await invite(shop)
    clock.advance(VALID_FOR)

    with pytest.raises(LinkDead) as dead:
        await accept(invitation)

    assert dead.value.state is LinkState.EXPIRED
    assert await Account.all().count() == 0


async def test_inviting_again_replaces_the_offer_and_its_link(
    shop: Shop, database_admin: asyncpg.Connection
) -> None:
    first = await invite(shop, Role.ADMIN)
    second = await invite(shop, Role.ANALYST)

    with pytest.raises(LinkDead) as dead:
        await accept(first)
    assert dead.value.state is LinkState.REVOKED
    account_id = await accept(second)
    assert (await StaffMember.get(account_id=account_id)).role is Role.ANALYST
    told = await database_admin.fetchval("SELECT count(*) FROM event WHERE type = 'staff.invited'")
    assert told == 2


async def test_one_that_was_taken_back_is_dead(shop: Shop) -> None:
    invitation = await invite(shop)
    await revoke_invitation(shop.merchant_id, invitation.id)

    with pytest.raises(LinkDead) as dead:
        await accept(invitation)
    assert dead.value.state is LinkState.REVOKED
    with pytest.raises(InvitationNotFound):
        await revoke_invitation(shop.merchant_id, invitation.id)


async def test_another_merchant_takes_back_nothing(shop: Shop) -> None:
    invitation = await invite(shop)
    other = await make_shop("other")

    with pytest.raises(InvitationNotFound):
        await revoke_invitation(other.merchant_id, invitation.id)

    assert (await Invitation.get(id=invitation.id)).revoked_at is None


@pytest.mark.parametrize("inviter", Role)
@pytest.mark.parametrize("role", Role)
async def test_nobody_gives_more_than_he_has(shop: Shop, inviter: Role, role: Role) -> None:
    command = InviteStaff(
        merchant_id=shop.merchant_id,
        email=BOB,
        role=role,
        invited_by="Ada",
        inviter_scopes=ROLE_SCOPES[inviter],
    )

    if ROLE_SCOPES[role] <= ROLE_SCOPES[inviter]:
        assert (await invite_staff(command)).role is role
        return
    with pytest.raises(ScopesExceeded):
        await invite_staff(command)
    assert await Invitation.all().count() == 0


async def test_who_is_of_some_shops_invites_to_those_only(shop: Shop) -> None:
    second = await Shop.create(
        **{
            **{name: getattr(shop, name) for name in ("name", "currency", "default_locale")},
            "id": UUID(int=7),
            "slug": "second",
            "merchant_id": shop.merchant_id,
            "created_at": shop.created_at,
        }
    )
    for shop_ids in (None, [second.id], [shop.id, second.id]):
        with pytest.raises(InvalidInput):
            await invite_staff(
                InviteStaff(
                    merchant_id=shop.merchant_id,
                    email=BOB,
                    role=Role.SUPPORT,
                    shop_ids=shop_ids,
                    inviter_shop_ids=[shop.id],
                    invited_by="Ada",
                )
            )


@pytest.mark.parametrize(
    "change",
    [
        {"email": "no address"},
        {"email": "a@b@c"},
        {"locale": "fr"},
        {"role": Role.OWNER, "shop_ids": [UUID(int=1)]},
        {"shop_ids": []},
        {"shop_ids": [UUID(int=1)]},
    ],
)
async def test_what_cannot_be_offered(shop: Shop, change: dict[str, object]) -> None:
    wish = {
        "merchant_id": shop.merchant_id,
        "email": BOB,
        "role": Role.SUPPORT,
        "invited_by": "Ada",
        **change,
    }

    with pytest.raises(InvalidInput):
        await invite_staff(InviteStaff(**wish))  # type: ignore[arg-type]

    assert await Invitation.all().count() == 0


async def test_members_are_not_invited_but_those_who_left_are(shop: Shop) -> None:
    caller = await sign_in(shop, Role.SUPPORT, email=BOB)
    await sign_in(shop, Role.OWNER)
    with pytest.raises(StaffMemberExists):
        await invite(shop)

    assert caller.member is not None
    assert caller.account is not None
    await deactivate_member(
        shop.merchant_id,
        caller.member.id,
        granted_by=ROLE_SCOPES[Role.OWNER],
        version=caller.member.version,
    )
    invitation = await invite(shop, Role.MANAGER)
    await accept_invitation(invitation_token(invitation.id), caller.account.id)

    member = await StaffMember.get(id=caller.member.id)
    assert (member.role, member.deactivated_at) == (Role.MANAGER, None)


async def test_a_refused_password_leaves_the_invitation(shop: Shop) -> None:
    invitation = await invite(shop)

    with pytest.raises(PasswordRefused):
        await accept_as_new(invitation_token(invitation.id), name="Bob", password=BOB, locale="en")
    with pytest.raises(InvalidInput):
        await accept(invitation, name=" \n ")

    await accept(invitation)


async def test_a_link_to_come_is_worth_no_more_than_a_week(shop: Shop, clock: ManualClock) -> None:
    invitation = await invite(shop)
    clock.advance(timedelta(days=6))

    assert (await find_invitation(invitation_token(invitation.id))).merchant.id == shop.merchant_id
