"""People who sign in."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp

from headless_presale.identity.models import Account
from headless_presale.identity.passwords import hash_password
from headless_presale.identity.totp import begin_totp, confirm_totp
from headless_presale.kernel.clock import ManualClock, now
from headless_presale.kernel.ids import new_id

PASSWORD = "correct horse battery staple"
_hashes: dict[str, str] = {}


async def make_account(email: str = "ada@shop.example", **values: Any) -> UUID:
    """Make an account with a verified address and no way to sign in yet."""
    known: dict[str, Any] = {"name": "Ada", "email_verified_at": now(), **values}
    account = await Account.create(id=new_id(), email=email, created_at=now(), **known)
    return account.id


async def make_person(email: str = "ada@shop.example", **values: Any) -> UUID:
    """Make an account that can sign in with :data:`PASSWORD`."""
    if PASSWORD not in _hashes:
        # Slow by intent: once for all who are made in this process.
        _hashes[PASSWORD] = await hash_password(PASSWORD)
    return await make_account(email, password_hash=_hashes[PASSWORD], **values)


async def set_up_app(account_id: UUID, clock: ManualClock) -> tuple[pyotp.TOTP, list[str]]:
    """Give an account an authenticator app; return it and the recovery codes, one step later."""
    totp = pyotp.TOTP((await begin_totp(account_id, issuer="Presale")).secret)
    codes = await confirm_totp(account_id, totp.at(clock.now()))
    clock.advance(timedelta(seconds=totp.interval))
    return totp, codes
