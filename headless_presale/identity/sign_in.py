"""Signing in: the password first, then a second factor where the person has set one up.

Whether an address has an account does not show: the answer is the same, and so is the work.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from headless_presale.identity.accounts import find_active_account, get_account, tell
from headless_presale.identity.errors import FactorRefused
from headless_presale.identity.events import SecurityChange
from headless_presale.identity.granting import revoke_grants
from headless_presale.identity.limits import (
    Source,
    password_keys,
    password_source_keys,
    second_factor_keys,
)
from headless_presale.identity.models import Account, Passkey, RecoveryCode
from headless_presale.identity.passkeys import (
    RelyingParty,
    list_passkeys,
    remove_passkey,
    use_passkey,
)
from headless_presale.identity.passwords import (
    check_new_password,
    hash_password,
    verify_password,
)
from headless_presale.identity.recovery import use_recovery_code
from headless_presale.identity.sessions import (
    NewSession,
    Session,
    complete_session,
    end_sessions_of,
    start_session,
    take_challenge,
)
from headless_presale.identity.throttle import forgive, take_attempt
from headless_presale.identity.totp import remove_totp, use_totp
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work


class SecondFactor(StrEnum):
    """Ways to show that one is who knows the password."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"


FACTOR_NAMES = {
    SecondFactor.TOTP: "otp",
    SecondFactor.PASSKEY: "hwk",
    SecondFactor.RECOVERY: "kba",
}
"""As RFC 8176 names them. A recovery code is something one has written down: the nearest is
``kba``, knowledge."""


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """What somebody has set up beside the password."""

    has_totp: bool
    passkeys: int
    recovery_codes: int

    @property
    def is_needed(self) -> bool:
        """Whether signing in asks for one of them."""
        return self.has_totp or self.passkeys > 0


async def second_factors_of(account_id: UUID) -> SecondFactors:
    """Return what an account has set up."""
    account = await get_account(account_id)
    return SecondFactors(
        has_totp=account.totp_confirmed_at is not None,
        passkeys=await Passkey.filter(account_id=account_id).count(),
        recovery_codes=await RecoveryCode.filter(account_id=account_id, used_at=None).count(),
    )


async def sign_in_with_password(
    email: str, password: str, *, source: Source, user_agent: str
) -> NewSession | None:
    """Begin a session if the password is right; complete where no second factor is set up.

    Returns:
        None if there is no such account, it has no password, or the password is wrong.

    Raises:
        TooManyAttempts: wait first.
    """
    keys = password_keys(email, source)
    await take_attempt(keys)
    account = await find_active_account(email)
    stored = account.password_hash if account is not None else None
    verdict = await verify_password(password, stored)
    if account is None or not verdict.is_right:
        return None
    await forgive(keys[:1], password_source_keys(source))
    if verdict.new_hash is not None:
        await _store_hash(account, verdict.new_hash)
    return await begin(account.id, factor="pwd", user_agent=user_agent)


async def begin(
    account_id: UUID,
    *,
    factor: str,
    user_agent: str,
    is_enough: bool = False,
    authenticated_at: datetime | None = None,
) -> NewSession:
    """Begin a session after a first factor.

    Args:
        is_enough: ask for no second one, even where one is set up.
        authenticated_at: when the person was there, if that was before now.
    """
    is_complete = is_enough or not (await second_factors_of(account_id)).is_needed
    return await start_session(
        account_id,
        factors=[factor],
        user_agent=user_agent,
        is_complete=is_complete,
        authenticated_at=authenticated_at,
    )


async def show_second_factor(
    session: Session, kind: SecondFactor, answer: str, *, party: RelyingParty
) -> NewSession:
    """Complete a session with a code or a passkey.

    Raises:
        TooManyAttempts: wait first.
        FactorRefused: it is wrong, was used before, or came too late.
    """
    keys = second_factor_keys(session.account_id)
    await take_attempt(keys)
    if kind is SecondFactor.PASSKEY:
        challenge = await take_challenge(session.id)
        if challenge is None:
            raise FactorRefused("no ceremony is under way")
        await use_passkey(session.account_id, party, challenge=challenge, response=answer)
    else:
        use = use_totp if kind is SecondFactor.TOTP else use_recovery_code
        if not await use(session.account_id, answer):
            raise FactorRefused("the code is wrong")
    completed = await complete_session(session, factor=FACTOR_NAMES[kind])
    if completed is None:
        raise FactorRefused("the session has ended")
    await forgive(keys)
    return completed


async def change_password(session: Session, old: str, new: str, *, source: Source) -> bool:
    """Replace the password of somebody who is signed in; other browsers are signed out.

    Returns:
        False if the old one is wrong. An account without one needs none.

    Raises:
        PasswordRefused: the new one cannot be taken.
        TooManyAttempts: wait first.
    """
    account = await get_account(session.account_id)
    check_new_password(new, email=account.email)
    if account.password_hash is not None:
        keys = password_keys(account.email, source)
        await take_attempt(keys)
        if not (await verify_password(old, account.password_hash)).is_right:
            return False
        await forgive(keys[:1], password_source_keys(source))
    await _set_password(account, await hash_password(new), keep=session.id)
    return True


@shielded
async def sign_out_everywhere(session: Session) -> int:
    """End all other sessions, and what applications were allowed; return how many of both."""
    async with unit_of_work() as work:
        revoked = await revoke_grants(
            work, "account_id = $1", session.account_id, reason="signed_out_everywhere"
        )
        return revoked + await end_sessions_of(session.account_id, keep=[session.id])


@shielded
async def reset_second_factors(account_id: UUID) -> None:
    """Remove every second factor of somebody who has lost them; signed out everywhere.

    Whoever lets it happen must have made sure who asks. The person is told by mail.
    """
    async with unit_of_work():
        await remove_totp(account_id)
        for passkey in await list_passkeys(account_id):
            await remove_passkey(account_id, passkey.id)
        await end_sessions_of(account_id)


@shielded
async def _set_password(account: Account, password_hash: str, *, keep: UUID) -> None:
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE account SET password_hash = $2, password_changed_at = $3 WHERE id = $1",
            account.id,
            password_hash,
            clock.now(),
        )
        await end_sessions_of(account.id, keep=[keep])
        tell(work, account.id, SecurityChange.PASSWORD_CHANGED)


@shielded
async def _store_hash(account: Account, password_hash: str) -> None:
    """Store the same password under today's parameters, unless it was changed meanwhile."""
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE account SET password_hash = $2 WHERE id = $1 AND password_hash = $3",
            account.id,
            password_hash,
            account.password_hash,
        )
