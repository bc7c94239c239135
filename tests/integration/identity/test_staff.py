"""The staff: roles, shops, and the owner who stays."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headless_presale.identity import (
    ALL_SCOPES,
    ROLE_SCOPES,
    LastOwner,
    MemberNotFound,
    OAuthGrant,
    Role,
    ScopesExceeded,
    StaffMember,
    UpdateMember,
    add_member,
    deactivate_member,
    ensure_account,
    reactivate_member,
    update_member,
)
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.kernel.errors import FieldConflict, InvalidInput, VersionConflict
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.unit_of_work import UnitOfWork
from headless_presale.shops.models import Shop
from tests.support.shop import make_shop
from tests.support.staff import sign_in
from tests.support.state import stored_rows


async def join(shop: Shop, role: Role, email: str) -> StaffMember:
    account = await ensure_account(email)
    return await add_member(shop.merchant_id, account.id, role)


def promote(member: StaffMember, role: Role, **changes: Any) -> UpdateMember:
    return UpdateMember(
        **{
            "merchant_id": member.merchant_id,
            "member_id": member.id,
            "role": role,
            "shop_ids": None,
            "granted_by": ALL_SCOPES,
            "version": member.version,
            **changes,
        }
    )


async def test_a_member_gets_a_role_and_shops_and_the_log_tells(database: str) -> None:
    shop = await make_shop()
    member = await join(shop, Role.MANAGER, "lin@example.com")

    lin = Actor(kind="staff", id="7", label="owner@example.com", client_id="admin", request_id="r1")
    with acting_as(lin):
        updated = await update_member(promote(member, Role.SUPPORT, shop_ids=[shop.id]))

    assert (updated.role, updated.shop_ids, updated.version) == (Role.SUPPORT, [shop.id], 2)
    entry = await AuditEntry.get(action="staff.update")
    assert (entry.owner_id, entry.subject_id) == (shop.merchant_id, member.id)
    assert (entry.actor, entry.actor_label) == ("staff:7", "owner@example.com")
    assert (entry.client_id, entry.request_id) == ("admin", "r1")
    assert entry.subject_label == "lin@example.com"
    assert entry.before == {"role": "MANAGER", "shopIds": None}
    assert entry.after == {"role": "SUPPORT", "shopIds": [str(shop.id)]}


async def test_a_stale_update_is_told_both_values_and_changes_nothing(
    database: str, database_admin: asyncpg.Connection
) -> None:
    shop = await make_shop()
    member = await join(shop, Role.MANAGER, "lin@example.com")
    await update_member(promote(member, Role.SUPPORT))
    before = await stored_rows(database_admin)

    with pytest.raises(VersionConflict) as refused:
        await update_member(promote(member, Role.ANALYST, version=1))

    assert refused.value.params["current_version"] == 2
    assert refused.value.params["conflicts"] == (FieldConflict("role", '"ANALYST"', '"SUPPORT"'),)
    assert await stored_rows(database_admin) == before


async def test_a_member_of_another_merchant_does_not_exist(
    database: str, database_admin: asyncpg.Connection
) -> None:
    mine, theirs = await make_shop(), await make_shop("other")
    member = await join(theirs, Role.MANAGER, "lin@example.com")
    before = await stored_rows(database_admin)

    for member_id in (member.id, uuid4()):
        command = promote(member, Role.ANALYST, merchant_id=mine.merchant_id, member_id=member_id)
        with pytest.raises(MemberNotFound):
            await update_member(command)
        with pytest.raises(MemberNotFound):
            await deactivate_member(mine.merchant_id, member_id, granted_by=ALL_SCOPES, version=1)

    assert await stored_rows(database_admin) == before


async def test_shops_of_somebody_else_cannot_be_given(database: str) -> None:
    mine, theirs = await make_shop(), await make_shop("other")
    member = await join(mine, Role.MANAGER, "lin@example.com")

    for shop_ids in ([theirs.id], [mine.id, theirs.id], [uuid4()], []):
        with pytest.raises(InvalidInput) as refused:
            await update_member(promote(member, Role.MANAGER, shop_ids=shop_ids))
        assert refused.value.field == ("shopIds",)


async def test_an_owner_has_all_shops(database: str) -> None:
    shop = await make_shop()
    member = await join(shop, Role.MANAGER, "lin@example.com")

    with pytest.raises(InvalidInput, match="an owner has all shops"):
        await update_member(promote(member, Role.OWNER, shop_ids=[shop.id]))


@pytest.mark.parametrize(
    ("present", "wanted"), [(Role.ANALYST, Role.OWNER), (Role.OWNER, Role.ANALYST)]
)
async def test_nobody_gives_or_takes_more_than_he_has(
    database: str, present: Role, wanted: Role
) -> None:
    # Given somebody who may manage members and otherwise only what a manager may
    shop = await make_shop()
    await join(shop, Role.OWNER, "owner@example.com")
    member = await join(shop, present, "lin@example.com")
    own = ROLE_SCOPES[Role.MANAGER] | {"members:write"}

    with pytest.raises(ScopesExceeded) as refused:
        await update_member(promote(member, wanted, granted_by=own))

    assert "orders:refund" in str(refused.value)
    assert (await StaffMember.get(id=member.id)).role is present


async def test_the_last_owner_stays(database: str, database_admin: asyncpg.Connection) -> None:
    shop = await make_shop()
    owner = await join(shop, Role.OWNER, "owner@example.com")
    # A second owner who cannot sign in any more is none.
    other = await join(shop, Role.OWNER, "gone@example.com")
    await deactivate_member(shop.merchant_id, other.id, granted_by=ALL_SCOPES, version=1)
    before = await stored_rows(database_admin)

    with pytest.raises(LastOwner):
        await update_member(promote(owner, Role.ADMIN))
    with pytest.raises(LastOwner):
        await deactivate_member(shop.merchant_id, owner.id, granted_by=ALL_SCOPES, version=1)

    assert await stored_rows(database_admin) == before


async def _two_owners_demote_each_other(shop: Shop) -> int:
    """Return how many owners are left."""
    owners = [await join(shop, Role.OWNER, f"{n}@example.com") for n in range(2)]
    await asyncio.gather(
        *(update_member(promote(owner, Role.ADMIN)) for owner in owners), return_exceptions=True
    )
    return await StaffMember.filter(merchant_id=shop.merchant_id, role=Role.OWNER).count()


async def test_of_two_owners_who_demote_each_other_one_stays(database: str) -> None:
    left = [await _two_owners_demote_each_other(await make_shop(f"shop-{n}")) for n in range(10)]

    assert left == [1] * 10


async def test_control_without_the_lock_none_stays(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_lock(self: UnitOfWork, kind: str, subject: object) -> None:
        assert kind == "staff"

    monkeypatch.setattr(UnitOfWork, "lock", no_lock)
    left = [await _two_owners_demote_each_other(await make_shop(f"shop-{n}")) for n in range(10)]

    assert 0 in left


async def test_a_deactivated_member_loses_every_token_and_comes_back_without_them(
    database: str,
) -> None:
    shop = await make_shop()
    await sign_in(shop)
    caller = await sign_in(shop, Role.MANAGER)
    assert caller.member is not None

    ended = await deactivate_member(
        shop.merchant_id, caller.member.id, granted_by=ALL_SCOPES, version=1
    )
    again = await deactivate_member(
        shop.merchant_id, caller.member.id, granted_by=ALL_SCOPES, version=1
    )

    grant = await OAuthGrant.get(id=caller.grant.id)
    assert (ended.version, again.version) == (2, 2)
    assert grant.revoked_reason == "member_deactivated"
    back = await reactivate_member(
        shop.merchant_id, caller.member.id, granted_by=ALL_SCOPES, version=2
    )
    assert (back.deactivated_at, back.role, back.version) == (None, Role.MANAGER, 3)
    assert (await OAuthGrant.get(id=caller.grant.id)).revoked_at is not None


async def test_joining_twice_is_joining_once(database: str) -> None:
    shop = await make_shop()
    account = await ensure_account("lin@example.com")

    members = await asyncio.gather(
        *(add_member(shop.merchant_id, account.id, Role.MANAGER) for _ in range(5))
    )

    assert len({member.id for member in members}) == 1
    assert await AuditEntry.filter(action="staff.join").count() == 1
