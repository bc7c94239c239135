"""A new password for somebody who forgot it, by a link that is mailed.

Whether an address has an account does not show: the request only leaves a job, for any address,
and the job looks.
"""

from datetime import timedelta
from uuid import UUID

from headless_presale.identity.accounts import find_active_account, tell
from headless_presale.identity.errors import LinkDead, LinkState
from headless_presale.identity.events import PasswordResetRequested, SecurityChange
from headless_presale.identity.granting import revoke_grants
from headless_presale.identity.limits import Source, link_keys, mail_keys, password_keys
from headless_presale.identity.links import link_token, read_link_token
from headless_presale.identity.models import Account, PasswordReset
from headless_presale.identity.passwords import check_new_password, hash_password
from headless_presale.identity.sessions import end_sessions_of
from headless_presale.identity.throttle import forgive, take_attempt
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.jobs import defer
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

PURPOSE = "password-reset"
VALID_FOR = timedelta(minutes=30)


@shielded
async def request_reset(email: str, *, locale: str, source: Source) -> None:
    """Ask for a mail with a link, which is sent if the address has an account.

    Raises:
        TooManyAttempts: wait first. An address without an account counts in the same way.
    """
    await take_attempt(mail_keys(email, source))
    async with unit_of_work():
        await defer("identity:open_reset", email=email.strip()[:320], locale=locale)


@shielded
async def open_reset(email: str, *, locale: str) -> None:
    """Write a reset for the account of an address and have its link mailed, if there is one."""
    account = await find_active_account(email)
    if account is None:
        return
    async with unit_of_work() as work:
        reset_id = await write_reset(account.id)
        work.emit(PasswordResetRequested(account_id=account.id, reset_id=reset_id, locale=locale))


@shielded
async def write_reset(account_id: UUID) -> UUID:
    """Write a reset without mailing its link; return its id.

    For operators, who hand the link on by themselves.
    """
    reset_id, at = new_id(), clock.now()
    async with unit_of_work() as work:
        await work.execute(
            "INSERT INTO password_reset (id, account_id, created_at, expires_at) "
            "VALUES ($1, $2, $3, $4)",
            reset_id,
            account_id,
            at,
            at + VALID_FOR,
        )
    return reset_id


def reset_token(reset_id: UUID) -> str:
    """Return what the link of a reset carries."""
    return link_token(PURPOSE, reset_id)


async def find_reset_account(token: str) -> Account:
    """Return whose password a link may set; nothing is used up.

    Raises:
        LinkDead: the link is not ours, is too old, or was used.
    """
    reset_id = read_link_token(PURPOSE, token)
    reset = reset_id and await PasswordReset.get_or_none(
        id=reset_id, account__deactivated_at=None
    ).select_related("account")
    if not reset:
        raise LinkDead(LinkState.UNKNOWN)
    if reset.used_at is not None:
        raise LinkDead(LinkState.USED)
    if reset.expires_at <= clock.now():
        raise LinkDead(LinkState.EXPIRED)
    return reset.account


async def reset_password(token: str, password: str, *, source: Source) -> Account:
    """Set a new password by a link: once.

    The account is signed out everywhere and what applications were allowed ends: whoever knew the
    old password is out. The second factor stays, and is asked for at the next sign-in.

    Raises:
        LinkDead: the link is not ours, is too old, or was used.
        PasswordRefused: the password cannot be taken; the link can be used again.
        TooManyAttempts: wait first.
    """
    await take_attempt(link_keys(source))
    account = await find_reset_account(token)
    check_new_password(password, email=account.email)
    await _use(token, account, await hash_password(password))
    await forgive(password_keys(account.email, source)[:1], link_keys(source))
    return account


@shielded
async def _use(token: str, account: Account, password_hash: str) -> None:
    at = clock.now()
    async with unit_of_work() as work:
        # Every reset that is open ends with the first that is used.
        used = await work.fetch(
            "UPDATE password_reset SET used_at = $2 WHERE account_id = $1 AND used_at IS NULL "
            "AND expires_at > $2 RETURNING id",
            account.id,
            at,
        )
        if read_link_token(PURPOSE, token) not in [row["id"] for row in used]:
            raise LinkDead(LinkState.USED)
        await work.execute(
            "UPDATE account SET password_hash = $2, password_changed_at = $3, "
            "email_verified_at = coalesce(email_verified_at, $3) WHERE id = $1",
            account.id,
            password_hash,
            at,
        )
        await revoke_grants(work, "account_id = $1", account.id, reason="password_reset")
        await end_sessions_of(account.id)
        tell(work, account.id, SecurityChange.PASSWORD_RESET)
