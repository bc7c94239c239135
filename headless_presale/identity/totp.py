"""One-time codes of an authenticator app (RFC 6238): six digits, every thirty seconds others.

Each step's code counts once, also for whoever looked over a shoulder; the clocks may be one step
apart.
"""

import hmac
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyotp

from headless_presale.identity.accounts import get_account, tell
from headless_presale.identity.errors import FactorRefused
from headless_presale.identity.events import SecurityChange
from headless_presale.identity.recovery import forget_codes, make_codes
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.vault import seal, unseal

PURPOSE = "totp"
DRIFT_STEPS = 1


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app needs to know: as a text to type in, and as an address for a QR code."""

    secret: str
    address: str


@shielded
async def begin_totp(account_id: UUID, *, issuer: str) -> Enrolment:
    """Return the secret that somebody is setting up: the same until it is confirmed.

    Raises:
        FactorRefused: a confirmed one exists; it has to be removed first.
    """
    async with unit_of_work() as work:
        account = await _lock(work, account_id)
        if account["totp_confirmed_at"] is not None:
            raise FactorRefused("there is an authenticator app already")
        secret = pyotp.random_base32()
        if account["totp_secret"] is None:
            await work.execute(
                "UPDATE account SET totp_secret = $2 WHERE id = $1",
                account_id,
                seal(PURPOSE, secret),
            )
        else:
            secret = unseal(PURPOSE, account["totp_secret"])
    address = pyotp.TOTP(secret).provisioning_uri(name=account["email"], issuer_name=issuer)
    return Enrolment(secret, address)


@shielded
async def confirm_totp(account_id: UUID, code: str) -> list[str]:
    """Turn the app on once it has shown a right code.

    Returns:
        New recovery codes, if it is the first second factor; else none.

    Raises:
        FactorRefused: the code is wrong.
    """
    async with unit_of_work() as work:
        account = await _lock(work, account_id)
        if account["totp_secret"] is None or account["totp_confirmed_at"] is not None:
            raise FactorRefused("nothing is being set up")
        step = _step_of(unseal(PURPOSE, account["totp_secret"]), code)
        if step is None:
            raise FactorRefused("the code is wrong")
        await work.execute(
            "UPDATE account SET totp_confirmed_at = $2, totp_last_step = $3 WHERE id = $1",
            account_id,
            clock.now(),
            step,
        )
        tell(work, account_id, SecurityChange.TOTP_ADDED)
        has_codes = await work.fetchrow(
            "SELECT 1 FROM recovery_code WHERE account_id = $1 LIMIT 1", account_id
        )
        return [] if has_codes else await make_codes(work, account_id)


@shielded
async def use_totp(account_id: UUID, code: str) -> bool:
    """Tell whether a code is right and its step is new, and use the step up."""
    account = await get_account(account_id)
    if not (account.totp_secret and account.totp_confirmed_at):
        return False
    step = _step_of(unseal(PURPOSE, account.totp_secret), code)
    if step is None:
        return False
    async with unit_of_work() as work:
        # Conditional: of two at the same moment one is right.
        used = await work.execute(
            "UPDATE account SET totp_last_step = $2 WHERE id = $1 "
            "AND totp_confirmed_at IS NOT NULL AND totp_secret = $3 "
            "AND (totp_last_step IS NULL OR totp_last_step < $2)",
            account_id,
            step,
            account.totp_secret,
        )
    return used == 1


@shielded
async def remove_totp(account_id: UUID) -> None:
    """Turn the app off. Safe to repeat."""
    async with unit_of_work() as work:
        account = await _lock(work, account_id)
        await work.execute(
            "UPDATE account SET totp_secret = NULL, totp_confirmed_at = NULL, "
            "totp_last_step = NULL WHERE id = $1",
            account_id,
        )
        if account["totp_confirmed_at"] is None:
            return
        tell(work, account_id, SecurityChange.TOTP_REMOVED)
        if not await work.fetchrow("SELECT 1 FROM passkey WHERE account_id = $1", account_id):
            await forget_codes(work, account_id)


def _step_of(secret: str, code: str) -> int | None:
    """Return the time step whose code this is; None if it is none's."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal()):
        return None
    totp = pyotp.TOTP(secret)
    current = totp.timecode(clock.now())
    found = None
    # All are compared, so that the time it takes tells nothing.
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), digits):
            found = step
    return found


async def _lock(work: UnitOfWork, account_id: UUID) -> dict[str, Any]:
    row = await work.fetchrow(
        "SELECT email, totp_secret, totp_confirmed_at FROM account WHERE id = $1 FOR UPDATE",
        account_id,
    )
    if row is None:
        raise FactorRefused("there is no such account")
    return dict(row)
