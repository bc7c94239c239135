"""People who sign in."""

from typing import Any
from uuid import UUID

from headless_presale.identity.models import Account
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id

PASSWORD = "correct horse battery staple"


async def make_account(email: str = "ada@shop.test", **values: Any) -> UUID:
    """Make an account with a verified address and no way to sign in yet."""
    known: dict[str, Any] = {"name": "Ada", "email_verified_at": clock.now(), **values}
    account = await Account.create(id=new_id(), email=email, created_at=clock.now(), **known)
    return account.id
