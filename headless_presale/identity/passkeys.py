"""Passkeys (WebAuthn): a key pair in a phone, a computer or a stick; only its owner can use it.

The browser asks for the ceremony with options of ours and returns what the authenticator signed:
our challenge, used once, for our address and nobody else's, which is why it cannot be phished.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from headless_presale.identity.accounts import clean_name, get_account, tell
from headless_presale.identity.errors import FactorRefused
from headless_presale.identity.events import SecurityChange
from headless_presale.identity.models import Passkey
from headless_presale.identity.recovery import forget_codes, make_codes
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

MAX_PASSKEYS = 20
MAX_RESPONSE_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks: the address people reach us at, and our name."""

    origin: str
    name: str

    @property
    def id(self) -> str:
        """The host name that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What the browser is asked for, as JSON, and the challenge to keep until it answers."""

    options: str
    challenge: str


async def list_passkeys(account_id: UUID) -> list[Passkey]:
    """Return an account's passkeys, the oldest first."""
    return await Passkey.filter(account_id=account_id).order_by("created_at", "id")


async def begin_registration(account_id: UUID, party: RelyingParty) -> Ceremony:
    """Ask for a new passkey; authenticators that have one already are left out."""
    from headless_presale.identity import ceremonies

    account = await get_account(account_id)
    options, challenge = ceremonies.registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=account_id,
        email=account.email,
        name=account.name,
        known=await _credential_ids(account_id),
    )
    return Ceremony(options, challenge)


@shielded
async def register_passkey(
    account_id: UUID, party: RelyingParty, *, challenge: str, response: str, name: str
) -> list[str]:
    """Take a new passkey.

    Returns:
        New recovery codes, if it is the first second factor; else none.

    Raises:
        FactorRefused: the answer is not one to this challenge, or there are enough.
    """
    from headless_presale.identity import ceremonies

    made = ceremonies.check_registration(
        _parse(response), challenge=challenge, rp_id=party.id, origin=party.origin
    )
    shown = clean_name(name) or "Passkey"
    async with unit_of_work() as work:
        await work.fetch("SELECT 1 FROM account WHERE id = $1 FOR UPDATE", account_id)
        if await Passkey.filter(account_id=account_id).count() >= MAX_PASSKEYS:
            raise FactorRefused(f"at most {MAX_PASSKEYS} passkeys")
        added = await work.fetchrow(
            "INSERT INTO passkey (id, account_id, credential_id, public_key, sign_count, name, "
            "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
            "ON CONFLICT (credential_id) DO NOTHING RETURNING id",
            new_id(),
            account_id,
            made.credential_id,
            made.public_key,
            made.sign_count,
            shown,
            clock.now(),
        )
        if added is None:
            raise FactorRefused("this passkey is known already")
        tell(work, account_id, SecurityChange.PASSKEY_ADDED, detail=shown)
        has_codes = await work.fetchrow(
            "SELECT 1 FROM recovery_code WHERE account_id = $1 LIMIT 1", account_id
        )
        return [] if has_codes else await make_codes(work, account_id)


async def begin_authentication(account_id: UUID, party: RelyingParty) -> Ceremony:
    """Ask for one of the account's passkeys."""
    from headless_presale.identity import ceremonies

    known = await _credential_ids(account_id)
    return Ceremony(*ceremonies.authentication_options(rp_id=party.id, known=known))


@shielded
async def use_passkey(
    account_id: UUID, party: RelyingParty, *, challenge: str, response: str
) -> None:
    """Accept a passkey as a second factor.

    Raises:
        FactorRefused: the answer is not one of this account's to this challenge; or its counter
            went back, as that of a copied authenticator does.
    """
    from headless_presale.identity import ceremonies

    answer = _parse(response)
    passkey = await Passkey.get_or_none(
        account_id=account_id, credential_id=str(answer.get("id", ""))[:1400]
    )
    if passkey is None:
        raise FactorRefused("not one of this account's passkeys")
    sign_count = ceremonies.check_authentication(
        answer,
        challenge=challenge,
        rp_id=party.id,
        origin=party.origin,
        public_key=bytes(passkey.public_key),
        sign_count=passkey.sign_count,
    )
    async with unit_of_work() as work:
        counted = await work.execute(
            "UPDATE passkey SET sign_count = $2, last_used_at = $3 WHERE id = $1 "
            "AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))",
            passkey.id,
            sign_count,
            clock.now(),
        )
        if not counted:
            raise FactorRefused("the counter went back")


@shielded
async def remove_passkey(account_id: UUID, passkey_id: UUID) -> None:
    """Forget a passkey. Safe to repeat; one of somebody else's is left alone."""
    async with unit_of_work() as work:
        await work.fetch("SELECT 1 FROM account WHERE id = $1 FOR UPDATE", account_id)
        removed = await work.fetchrow(
            "DELETE FROM passkey WHERE id = $1 AND account_id = $2 RETURNING name",
            passkey_id,
            account_id,
        )
        if removed is None:
            return
        tell(work, account_id, SecurityChange.PASSKEY_REMOVED, detail=removed["name"])
        left = await work.fetchrow(
            "SELECT 1 FROM account WHERE id = $1 AND (totp_confirmed_at IS NOT NULL "
            "OR EXISTS (SELECT 1 FROM passkey WHERE account_id = $1))",
            account_id,
        )
        if left is None:
            await forget_codes(work, account_id)


async def _credential_ids(account_id: UUID) -> list[str]:
    return [passkey.credential_id for passkey in await list_passkeys(account_id)]


def _parse(response: str) -> dict[str, Any]:
    if len(response) > MAX_RESPONSE_LENGTH:
        raise FactorRefused("too long")
    try:
        answer = json.loads(response)
    except ValueError as error:
        raise FactorRefused(str(error)) from error
    if not isinstance(answer, dict):
        raise FactorRefused("not an object")
    return answer
