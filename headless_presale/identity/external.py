"""People whom an outside issuer (OpenID Connect) vouches for.

The first time, a verified address leads to the account; from then on the issuer's own name for the
person does, whatever becomes of the address. Nobody becomes staff this way: an account is made
only for an address that has an open invitation, and belongs to nothing until that is accepted.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from headless_presale.identity.accounts import clean_name, fold_email, tell
from headless_presale.identity.errors import NotLinked
from headless_presale.identity.events import SecurityChange
from headless_presale.identity.sessions import end_sessions_of
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an ID token says, all of it checked already.

    Attributes:
        is_email_verified: whether the issuer says that the address is the person's own.
    """

    issuer: str
    subject: str
    email: str
    is_email_verified: bool
    name: str = ""


@shielded
async def resolve_account(claims: Claims, *, locale: str) -> UUID:
    """Return the account of somebody an outside issuer vouches for; link it the first time.

    Raises:
        NotLinked: there is no account to lead to, or the address is not verified.
    """
    async with unit_of_work() as work:
        known = await work.fetchrow(
            "UPDATE external_identity AS e SET last_used_at = $3 FROM account AS a "
            "WHERE e.issuer = $1 AND e.subject = $2 AND a.id = e.account_id "
            "RETURNING a.id, a.deactivated_at",
            claims.issuer,
            claims.subject,
            clock.now(),
        )
        if known is None:
            return await _link(work, claims, locale)
        if known["deactivated_at"] is not None:
            raise NotLinked("deactivated")
        account_id: UUID = known["id"]
        return account_id


@shielded
async def unlink(account_id: UUID) -> int:
    """Forget who an account is at outside issuers; return how many links that were.

    The next sign-in there links anew, by the verified address. Signed out everywhere.
    """
    async with unit_of_work() as work:
        removed = await work.execute(
            "DELETE FROM external_identity WHERE account_id = $1", account_id
        )
        await end_sessions_of(account_id)
    return removed


async def _link(work: UnitOfWork, claims: Claims, locale: str) -> UUID:
    if not claims.is_email_verified:
        raise NotLinked("unverified")
    try:
        email = fold_email(claims.email)
    except InvalidInput:
        raise NotLinked("unverified") from None
    account = await work.fetchrow(
        "SELECT id, deactivated_at FROM account WHERE email = $1 FOR UPDATE", email
    )
    if account is None:
        account = await _make_invited(work, email, claims.name, locale)
    if account is None:
        raise NotLinked("unknown")
    if account["deactivated_at"] is not None:
        raise NotLinked("deactivated")
    account_id: UUID = account["id"]
    linked = await work.fetchrow(
        "SELECT subject FROM external_identity WHERE account_id = $1 AND issuer = $2",
        account_id,
        claims.issuer,
    )
    if linked is not None:
        if linked["subject"] != claims.subject:
            # The issuer has given the address to somebody else: who had it keeps the account.
            raise NotLinked("taken")
        return account_id
    await work.execute(
        "INSERT INTO external_identity (id, account_id, issuer, subject, created_at, last_used_at) "
        "VALUES ($1, $2, $3, $4, $5, $5)",
        new_id(),
        account_id,
        claims.issuer,
        claims.subject,
        clock.now(),
    )
    tell(work, account_id, SecurityChange.PROVIDER_LINKED, detail=claims.issuer)
    return account_id


async def _make_invited(
    work: UnitOfWork, email: str, name: str, locale: str
) -> asyncpg.Record | None:
    """Make the account of an address that somebody has invited; None if nobody has."""
    return await work.fetchrow(
        "INSERT INTO account (id, email, name, locale, email_verified_at, created_at) "
        "SELECT $1, $2::varchar, $3, $4, $5, $5 "
        "WHERE EXISTS (SELECT 1 FROM invitation WHERE email = $2 AND accepted_at IS NULL "
        "AND revoked_at IS NULL AND expires_at > $5) "
        "ON CONFLICT (email) DO NOTHING RETURNING id, deactivated_at",
        new_id(),
        email,
        clean_name(name),
        locale,
        clock.now(),
    )
