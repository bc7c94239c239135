"""The staff of a merchant: who they are, what they may do, and that one owner always stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.identity.errors import LastOwner, MemberNotFound
from headless_presale.identity.granting import checked_shops, refuse_excess, revoke_grants
from headless_presale.identity.models import Account, StaffMember
from headless_presale.identity.scopes import ROLE_SCOPES, Role, Scope
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMember:
    """A new role, or other shops, for a member of the staff.

    Attributes:
        role, shop_ids: what is to hold afterwards; ``shop_ids`` None means all shops.
        granted_by: the scopes of whoever asks: neither the role given nor the one taken may
            exceed them.
        version: what the caller read.
    """

    merchant_id: UUID
    member_id: UUID
    role: Role
    shop_ids: Sequence[UUID] | None
    granted_by: frozenset[Scope]
    version: int


@shielded
async def add_member(
    merchant_id: UUID, account_id: UUID, role: Role, *, shop_ids: Sequence[UUID] | None = None
) -> StaffMember:
    """Make an account a member of the staff, or return the member it is. Safe to repeat.

    For the command line and for whoever accepts an invitation; a member who was deactivated is
    active again, in this role.
    """
    async with unit_of_work() as work:
        await work.lock("staff", merchant_id)
        shops = await checked_shops(work, merchant_id, shop_ids)
        member = await StaffMember.filter(merchant_id=merchant_id, account_id=account_id).first()
        account = await Account.get(id=account_id)
        before = _facts(member) if member is not None else {}
        if member is None:
            member = await StaffMember.create(
                id=new_id(),
                merchant_id=merchant_id,
                account_id=account_id,
                role=role,
                shop_ids=shops,
                created_at=clock.now(),
            )
        elif member.deactivated_at is None:
            return member
        else:
            member.role, member.shop_ids, member.deactivated_at = role, shops, None
            member.version += 1
            await member.save()
        await _record(work, "staff.join", member, account.email, before)
    return member


@shielded
async def update_member(command: UpdateMember) -> StaffMember:
    """Give a member another role or other shops; it counts with the member's next request.

    Raises:
        MemberNotFound: not of this merchant.
        VersionConflict: somebody was faster; with both values.
        ScopesExceeded: the new role, or the member's present one, is above whoever asks.
        LastOwner: nobody else would be an owner.
        InvalidInput: an owner of some shops only, or shops of somebody else.
    """
    async with unit_of_work() as work:
        member, account = await _lock_member(work, command.merchant_id, command.member_id)
        shops = await checked_shops(work, command.merchant_id, command.shop_ids)
        check_version(
            expected=command.version,
            current=member.version,
            yours={"role": command.role, "shopIds": shops},
            stored={"role": member.role, "shopIds": member.shop_ids},
        )
        for role in (command.role, member.role):
            refuse_excess(ROLE_SCOPES[role], own=command.granted_by, field=("role",))
        if command.role is Role.OWNER and shops is not None:
            raise InvalidInput(reason="an owner has all shops", field=("shopIds",))
        if command.role is not Role.OWNER:
            await _keep_an_owner(work, member)
        before = _facts(member)
        member.role, member.shop_ids = command.role, shops
        member.version += 1
        await member.save()
        await _record(work, "staff.update", member, account.email, before)
    return member


@shielded
async def deactivate_member(
    merchant_id: UUID, member_id: UUID, *, granted_by: frozenset[Scope], version: int
) -> StaffMember:
    """End a membership: its tokens end at once. Repeating changes nothing.

    Raises:
        MemberNotFound, VersionConflict, ScopesExceeded, LastOwner: as above.
    """
    async with unit_of_work() as work:
        member, account = await _lock_member(work, merchant_id, member_id)
        if member.deactivated_at is not None:
            return member
        check_version(expected=version, current=member.version, yours={}, stored={})
        refuse_excess(ROLE_SCOPES[member.role], own=granted_by, field=("memberId",))
        await _keep_an_owner(work, member)
        before = _facts(member)
        member.deactivated_at = clock.now()
        member.version += 1
        await member.save()
        await revoke_grants(
            work,
            "merchant_id = $1 AND account_id = $2",
            merchant_id,
            member.account_id,
            reason="member_deactivated",
        )
        await _record(work, "staff.deactivate", member, account.email, before)
    return member


@shielded
async def reactivate_member(
    merchant_id: UUID, member_id: UUID, *, granted_by: frozenset[Scope], version: int
) -> StaffMember:
    """Let a member back in, in the role it had. Repeating changes nothing.

    Raises:
        MemberNotFound, VersionConflict, ScopesExceeded: as above.
    """
    async with unit_of_work() as work:
        member, account = await _lock_member(work, merchant_id, member_id)
        if member.deactivated_at is None:
            return member
        check_version(expected=version, current=member.version, yours={}, stored={})
        refuse_excess(ROLE_SCOPES[member.role], own=granted_by, field=("memberId",))
        before = _facts(member)
        member.deactivated_at = None
        member.version += 1
        await member.save()
        await _record(work, "staff.reactivate", member, account.email, before)
    return member


async def _lock_member(
    work: UnitOfWork, merchant_id: UUID, member_id: UUID
) -> tuple[StaffMember, Account]:
    # One lock for the whole staff: of two owners who demote each other, one has to stay.
    await work.lock("staff", merchant_id)
    member = await StaffMember.filter(id=member_id, merchant_id=merchant_id).first()
    if member is None:
        raise MemberNotFound(field=("memberId",))
    return member, await Account.get(id=member.account_id)


async def _keep_an_owner(work: UnitOfWork, member: StaffMember) -> None:
    """Raise LastOwner if nobody but this member is an owner who can sign in."""
    if member.role is not Role.OWNER or member.deactivated_at is not None:
        return
    others = await work.fetchrow(
        "SELECT 1 FROM staff_member s JOIN account a ON a.id = s.account_id "
        "WHERE s.merchant_id = $1 AND s.role = 'OWNER' AND s.deactivated_at IS NULL "
        "AND a.deactivated_at IS NULL AND s.id <> $2",
        member.merchant_id,
        member.id,
    )
    if others is None:
        raise LastOwner()


def _facts(member: StaffMember) -> dict[str, object]:
    return {
        "role": member.role,
        "shopIds": member.shop_ids,
        "isActive": member.deactivated_at is None,
    }


async def _record(
    work: UnitOfWork, action: str, member: StaffMember, email: str, before: dict[str, object]
) -> None:
    await record_change(
        work,
        action=action,
        owner_id=member.merchant_id,
        subject_type="StaffMember",
        subject_id=member.id,
        subject_label=email,
        before=before,
        after=_facts(member),
    )
