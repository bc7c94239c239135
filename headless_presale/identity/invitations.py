"""Invitations: an offer to join a merchant's staff, accepted by whoever reads its mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from headless_presale.identity.accounts import clean_name, find_account, fold_email
from headless_presale.identity.errors import (
    AccountExists,
    InvitationNotFound,
    LinkDead,
    LinkState,
    StaffMemberExists,
    WrongAccount,
)
from headless_presale.identity.events import StaffInvited, StaffJoined
from headless_presale.identity.granting import checked_shops, refuse_excess
from headless_presale.identity.links import link_token, read_link_token
from headless_presale.identity.models import Account, ExternalIdentity, Invitation
from headless_presale.identity.passwords import check_new_password, hash_password
from headless_presale.identity.scopes import ALL_SCOPES, ROLE_SCOPES, Role, Scope
from headless_presale.identity.staff import add_member
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.locales import SUPPORTED_LOCALES
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

PURPOSE = "invitation"
VALID_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteStaff:
    """An offer to make.

    Attributes:
        shop_ids: the shops it is for; None is all of the merchant's, those of the future included.
        invited_by: how people call the inviter; the mail says it.
        inviter_scopes: what the inviter may do: no role is given that may do more.
        inviter_shop_ids: the inviter's own shops; None is all.
        locale: the language of the mail.
    """

    merchant_id: UUID
    email: str
    role: Role
    shop_ids: Sequence[UUID] | None = None
    invited_by: str
    inviter_scopes: Collection[Scope] = ALL_SCOPES
    inviter_shop_ids: Collection[UUID] | None = None
    locale: str = SUPPORTED_LOCALES[0]


@shielded
async def invite_staff(command: InviteStaff) -> Invitation:
    """Ask somebody to join, by mail. Asking again replaces the offer and sends another mail.

    Raises:
        InvalidInput: the address, the shops or the language cannot be used, or a shop is none of
            the inviter's.
        ScopesExceeded: the role may do more than the inviter.
        StaffMemberExists: the person belongs to the staff already.
    """
    email = fold_email(command.email)
    if command.locale not in SUPPORTED_LOCALES:
        raise InvalidInput(
            reason="mails are written in {languages} alone",
            languages=", ".join(SUPPORTED_LOCALES),
            field=("locale",),
        )
    refuse_excess(ROLE_SCOPES[command.role], own=frozenset(command.inviter_scopes), field=("role",))
    if command.role is Role.OWNER and command.shop_ids is not None:
        raise InvalidInput(reason="an owner has all shops", field=("shopIds",))
    at = clock.now()
    async with unit_of_work() as work:
        await work.lock("staff", command.merchant_id)
        shops = await checked_shops(work, command.merchant_id, command.shop_ids)
        _check_own_shops(command, shops)
        member = await work.fetchrow(
            "SELECT 1 FROM staff_member AS m JOIN account AS a ON a.id = m.account_id "
            "WHERE m.merchant_id = $1 AND a.email = $2 AND m.deactivated_at IS NULL",
            command.merchant_id,
            email,
        )
        if member is not None:
            raise StaffMemberExists(field=("email",), email=email)
        # The link of the earlier mail ends: it may have offered something else.
        await work.execute(
            "UPDATE invitation SET revoked_at = $3 WHERE merchant_id = $1 AND email = $2 "
            "AND accepted_at IS NULL AND revoked_at IS NULL",
            command.merchant_id,
            email,
            at,
        )
        invitation = await Invitation.create(
            id=new_id(),
            merchant_id=command.merchant_id,
            email=email,
            role=command.role,
            shop_ids=shops,
            invited_by=clean_name(command.invited_by),
            locale=command.locale,
            created_at=at,
            expires_at=at + VALID_FOR,
        )
        await record_change(
            work,
            action="staff.invite",
            owner_id=command.merchant_id,
            subject_type="Invitation",
            subject_id=invitation.id,
            subject_label=email,
            after=_facts(invitation),
        )
        work.emit(
            StaffInvited(
                invitation_id=invitation.id, merchant_id=command.merchant_id, role=command.role
            )
        )
    return invitation


@shielded
async def revoke_invitation(merchant_id: UUID, invitation_id: UUID) -> Invitation:
    """Take an offer back.

    Raises:
        InvitationNotFound: it does not exist, is another merchant's, or is no longer open.
    """
    async with unit_of_work() as work:
        await work.lock("staff", merchant_id)
        revoked = await work.execute(
            "UPDATE invitation SET revoked_at = $3 WHERE merchant_id = $1 AND id = $2 "
            "AND accepted_at IS NULL AND revoked_at IS NULL",
            merchant_id,
            invitation_id,
            clock.now(),
        )
        if not revoked:
            raise InvitationNotFound()
        invitation = await Invitation.get(id=invitation_id)
        await record_change(
            work,
            action="staff.revokeInvitation",
            owner_id=merchant_id,
            subject_type="Invitation",
            subject_id=invitation.id,
            subject_label=invitation.email,
            before=_facts(invitation),
        )
    return invitation


def invitation_token(invitation_id: UUID) -> str:
    """Return what the link of an invitation carries."""
    return link_token(PURPOSE, invitation_id)


async def find_invitation(token: str) -> Invitation:
    """Return the open invitation behind a link, its merchant with it; nothing is used up.

    Raises:
        LinkDead: the link is not ours, or its invitation is not open any more.
    """
    invitation_id = read_link_token(PURPOSE, token)
    invitation = invitation_id and await Invitation.get_or_none(id=invitation_id).select_related(
        "merchant"
    )
    if not invitation:
        raise LinkDead(LinkState.UNKNOWN)
    _check_open(invitation)
    return invitation


async def can_sign_in(email: str) -> bool:
    """Tell whether the account of an address has a way to sign in.

    For those who proved that they read its mail, and nobody else.
    """
    account = await find_account(email)
    if account is None:
        return False
    return (
        account.password_hash is not None
        or await ExternalIdentity.filter(account_id=account.id).exists()
    )


async def accept_as_new(token: str, *, name: str, password: str, locale: str) -> UUID:
    """Make an account for the invited address, and let it join; return the account.

    Raises:
        LinkDead: the link is not ours, or its invitation is not open any more.
        AccountExists: the address has an account that can sign in.
        PasswordRefused: the password cannot be taken.
        InvalidInput: there is no name.
    """
    invitation = await find_invitation(token)
    name = clean_name(name)
    if not name:
        raise InvalidInput(field=("name",), reason="a name is missing")
    check_new_password(password, email=invitation.email)
    if await can_sign_in(invitation.email):
        raise AccountExists
    password_hash = await hash_password(password)
    return await _make_and_join(token, name=name, password_hash=password_hash, locale=locale)


@shielded
async def accept_invitation(token: str, account_id: UUID) -> Invitation:
    """Let somebody who is signed in join.

    Raises:
        LinkDead: the link is not ours, or its invitation is not open any more.
        WrongAccount: it was for another address.
    """
    async with unit_of_work() as work:
        return await _join(work, token, account_id)


@shielded
async def _make_and_join(token: str, *, name: str, password_hash: str, locale: str) -> UUID:
    at = clock.now()
    async with unit_of_work() as work:
        invitation = await find_invitation(token)
        # The mail has been read, so the address is the person's. An account that cannot sign in
        # yet is taken over; one that can is left alone.
        made = await work.fetchrow(
            "INSERT INTO account (id, email, name, locale, password_hash, password_changed_at, "
            "email_verified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $6) "
            "ON CONFLICT (email) DO UPDATE SET name = excluded.name, locale = excluded.locale, "
            "password_hash = excluded.password_hash, "
            "password_changed_at = excluded.password_changed_at, "
            "email_verified_at = coalesce(account.email_verified_at, excluded.email_verified_at) "
            "WHERE account.password_hash IS NULL AND account.deactivated_at IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM external_identity WHERE account_id = account.id) "
            "RETURNING id",
            new_id(),
            invitation.email,
            name,
            locale,
            password_hash,
            at,
        )
        if made is None:
            raise AccountExists
        await _join(work, token, made["id"])
    account_id: UUID = made["id"]
    return account_id


async def _join(work: UnitOfWork, token: str, account_id: UUID) -> Invitation:
    invitation_id = read_link_token(PURPOSE, token)
    found = invitation_id and await Invitation.get_or_none(id=invitation_id)
    if not found:
        raise LinkDead(LinkState.UNKNOWN)
    await work.lock("staff", found.merchant_id)
    invitation = await Invitation.get(id=found.id)
    _check_open(invitation)
    account = await Account.get(id=account_id, deactivated_at=None)
    if account.email != invitation.email:
        raise WrongAccount
    await work.execute(
        "UPDATE invitation SET accepted_at = $2 WHERE id = $1", invitation.id, clock.now()
    )
    with acting_as(Actor(kind="staff", id=str(account_id), label=account.email)):
        await add_member(
            invitation.merchant_id, account_id, invitation.role, shop_ids=invitation.shop_ids
        )
    work.emit(
        StaffJoined(
            invitation_id=invitation.id,
            merchant_id=invitation.merchant_id,
            account_id=account_id,
            role=invitation.role,
        )
    )
    return invitation


def _check_own_shops(command: InviteStaff, shops: Sequence[UUID] | None) -> None:
    """Who is of some shops lets nobody into others: to them the others are not there."""
    if command.inviter_shop_ids is None:
        return
    if shops is None or not set(shops) <= set(command.inviter_shop_ids):
        raise InvalidInput(
            field=("shopIds",),
            reason="name shops of this merchant, or leave them out for all",
        )


def _check_open(invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise LinkDead(LinkState.USED)
    if invitation.revoked_at is not None:
        raise LinkDead(LinkState.REVOKED)
    if invitation.expires_at <= clock.now():
        raise LinkDead(LinkState.EXPIRED)


def _facts(invitation: Invitation) -> dict[str, object]:
    return {
        "email": invitation.email,
        "role": invitation.role,
        "shopIds": invitation.shop_ids,
    }
