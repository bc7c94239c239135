"""The owner of the demo shop: somebody to sign in as, with a password of this place alone."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from headless_presale.identity import Role, add_member, ensure_account
from headless_presale.identity.models import Account, StaffMember
from headless_presale.identity.passwords import hash_password, verify_password
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.shops import Shop, find_shop

EMAIL = "owner@moonlit-forge.example"
FILE = "demo-password"
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """How to sign in to the demo shop. Without ``password``: it has been changed since."""

    email: str
    password: str | None


async def ensure_owner(folder: Path, slug: str) -> DemoLogin | None:
    """Make the demo shop's owner if nobody can sign in as that; return how to.

    The password is random and kept in ``folder``, readable for the operator alone, so that it can
    be shown again. Killed at any moment, the next start finishes it.

    Returns:
        None if there is no demo shop.
    """
    shop = await find_shop(slug)
    if shop is None:
        return None
    account = await ensure_account(EMAIL, name="Mo Forge")
    path = folder / FILE
    if account.password_hash is not None:
        kept = path.read_text().strip() if path.is_file() else ""
        is_unchanged = kept and (await verify_password(kept, account.password_hash)).is_right
        return DemoLogin(EMAIL, kept if is_unchanged else None)
    password = _kept_password(path)
    await _let_own(shop, account, await hash_password(password))
    return DemoLogin(EMAIL, password)


@shielded
async def _let_own(shop: Shop, account: Account, password_hash: str) -> None:
    async with unit_of_work() as work:
        await work.execute(
            "UPDATE account SET password_hash = $2, password_changed_at = $3, "
            "email_verified_at = coalesce(email_verified_at, $3) "
            "WHERE id = $1 AND password_hash IS NULL",
            account.id,
            password_hash,
            clock.now(),
        )
        known = StaffMember.filter(merchant_id=shop.merchant_id, account_id=account.id)
        if not await known.exists():
            await add_member(shop.merchant_id, account.id, Role.OWNER)


def _kept_password(path: Path) -> str:
    """Return the password that an earlier start has written, else write a new one."""
    if path.is_file() and (kept := path.read_text().strip()):
        return kept
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    password = "-".join(groups)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(password + "\n")
    draft.replace(path)
    return password
