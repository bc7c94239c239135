"""The staff: members and invitations."""

from collections.abc import Sequence
from uuid import UUID

from headless_presale.identity import (
    Account,
    Invitation,
    InviteStaff,
    Role,
    StaffMember,
    UpdateMember,
    deactivate_member,
    invite_staff,
    reactivate_member,
    revoke_invitation,
    update_member,
)
from resolvers.admin.commands import told
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.paging import CursorCodec, Page, PageRequest, page_by_id

MEMBER_CURSORS: CursorCodec[UUID] = CursorCodec("staff", str, UUID)
INVITATION_CURSORS: CursorCodec[UUID] = CursorCodec("invitations", str, UUID)


def shops_of(shop_ids: Sequence[str] | None) -> list[UUID] | None:
    """Return the shops that an input names; None means all.

    Raises:
        InvalidInput: one is not the id of a shop.
    """
    if shop_ids is None:
        return None
    return [
        read_input_id(shop_id, "Shop", ("shopIds", str(position)))
        for position, shop_id in enumerate(shop_ids)
    ]


@reads
async def page_of_members(context: RequestContext, request: PageRequest) -> Page[StaffMember]:
    """Return the members of the staff, in the order in which they joined."""
    rows = StaffMember.filter(merchant_id=context.principal.merchant_id)
    return await page_by_id(
        rows.prefetch_related("account"), request, cursors=MEMBER_CURSORS, newest_first=False
    )


@reads
async def page_of_invitations(context: RequestContext, request: PageRequest) -> Page[Invitation]:
    """Return the invitations that wait for an answer, the newest first."""
    rows = Invitation.filter(
        merchant_id=context.principal.merchant_id, accepted_at=None, revoked_at=None
    )
    return await page_by_id(rows, request, cursors=INVITATION_CURSORS)


@reads
async def find_account(context: RequestContext) -> Account | None:
    """Return the caller's account; None where a client acts for itself."""
    account_id = context.principal.account_id
    return None if account_id is None else await Account.get_or_none(id=account_id)


async def invite(
    context: RequestContext,
    *,
    email: str,
    role: Role,
    shop_ids: Sequence[str] | None,
    locale: str | None,
) -> Answer[Invitation]:
    """Ask somebody by mail to join the staff."""
    principal = context.principal

    async def run() -> Invitation:
        command = InviteStaff(
            merchant_id=principal.merchant_id,
            email=email,
            role=role,
            shop_ids=shops_of(shop_ids),
            invited_by=principal.label,
            inviter_scopes=principal.scopes,
            locale=locale or context.locale,
        )
        return await invite_staff(command)

    return await told(context, run)


async def take_back(context: RequestContext, *, invitation_id: str) -> Answer[Invitation]:
    """Take an invitation back."""
    principal = context.principal

    async def run() -> Invitation:
        uuid = read_input_id(invitation_id, "Invitation", ("invitationId",))
        return await revoke_invitation(principal.merchant_id, uuid)

    return await told(context, run)


async def update(
    context: RequestContext,
    *,
    member_id: str,
    role: Role,
    shop_ids: Sequence[str] | None,
    version: int,
) -> Answer[StaffMember]:
    """Give a member another role or other shops."""
    principal = context.principal

    async def run() -> StaffMember:
        command = UpdateMember(
            merchant_id=principal.merchant_id,
            member_id=_member_id(member_id),
            role=role,
            shop_ids=shops_of(shop_ids),
            granted_by=principal.scopes,
            version=version,
        )
        return await update_member(command)

    return await told(context, run)


async def set_active(
    context: RequestContext, *, member_id: str, version: int, is_active: bool
) -> Answer[StaffMember]:
    """End a membership, or let the member back in."""
    principal = context.principal
    change = reactivate_member if is_active else deactivate_member

    async def run() -> StaffMember:
        return await change(
            principal.merchant_id,
            _member_id(member_id),
            granted_by=principal.scopes,
            version=version,
        )

    return await told(context, run)


def _member_id(text: str) -> UUID:
    return read_input_id(text, "StaffMember", ("memberId",))


@reads
async def account_of(member: StaffMember) -> Account:
    """Return the account of a member; lists have it already."""
    loaded = getattr(member, "_account", None)
    return loaded if isinstance(loaded, Account) else await Account.get(id=member.account_id)
