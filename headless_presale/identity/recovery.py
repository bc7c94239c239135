"""Recovery codes: ten of them, shown once, each of which replaces the second factor once."""

import hashlib
import hmac
import secrets
from uuid import UUID

from headless_presale.identity.accounts import tell
from headless_presale.identity.events import SecurityChange
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.vault import derive_key

HOW_MANY = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that look alike."""


@shielded
async def replace_recovery_codes(account_id: UUID) -> list[str]:
    """Make new codes and forget the old ones; only now can the new ones be read."""
    async with unit_of_work() as work:
        codes = await make_codes(work, account_id)
        tell(work, account_id, SecurityChange.RECOVERY_CODES_REPLACED)
    return codes


@shielded
async def use_recovery_code(account_id: UUID, code: str) -> bool:
    """Tell whether a code is one of the account's unused ones, and use it up."""
    async with unit_of_work() as work:
        used = await work.execute(
            "UPDATE recovery_code SET used_at = $3 "
            "WHERE account_id = $1 AND code_hash = $2 AND used_at IS NULL",
            account_id,
            _hash(account_id, code),
            clock.now(),
        )
        if used:
            tell(work, account_id, SecurityChange.RECOVERY_CODE_USED)
    return used == 1


async def make_codes(work: UnitOfWork, account_id: UUID) -> list[str]:
    """Write new codes in place of the old ones; part of the change that needs them."""
    codes = [_new_code() for _ in range(HOW_MANY)]
    await forget_codes(work, account_id)
    await work.execute(
        "INSERT INTO recovery_code (id, account_id, code_hash, created_at) "
        "SELECT id, $2, code_hash, $4 FROM unnest($1::uuid[], $3::text[]) AS new(id, code_hash)",
        [new_id() for _ in codes],
        account_id,
        [_hash(account_id, code) for code in codes],
        clock.now(),
    )
    return codes


async def forget_codes(work: UnitOfWork, account_id: UUID) -> None:
    """Delete all codes of an account."""
    await work.execute("DELETE FROM recovery_code WHERE account_id = $1", account_id)


def _new_code() -> str:
    text = "".join(secrets.choice(_LETTERS) for _ in range(10))
    return f"{text[:5]}-{text[5:]}"


def _hash(account_id: UUID, code: str) -> str:
    """Return what is stored: 49 bits are few for a bare hash, so it is keyed."""
    letters = "".join(char for char in code.lower() if char in _LETTERS)
    text = f"{account_id}:{letters}".encode()
    return hmac.new(derive_key("recovery-codes"), text, hashlib.sha256).hexdigest()
