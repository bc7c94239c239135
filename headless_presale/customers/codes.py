"""Signing in by a code that is mailed: six digits, ten minutes, five tries, one at a time.

Whether an address has an account does not show, for nobody looks: whoever proves an address has
one from then on.
"""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from headless_presale.customers.errors import CodeRefused
from headless_presale.customers.events import SignInCodeRequested
from headless_presale.customers.limits import code_keys, forgive_code, try_keys
from headless_presale.customers.proven import ensure_customer, read_customer_email
from headless_presale.customers.sessions import SignedIn, start_session
from headless_presale.identity.limits import Source
from headless_presale.identity.oauth.keys import Key, signing_key
from headless_presale.identity.throttle import take_attempt
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.vault import derive_key

VALID_FOR = timedelta(minutes=10)
MAX_TRIES = 5
"""Of a million codes one is right."""

# Locked: of those who try at the same moment each is counted before the next is judged.
_OPEN_CODE = """
SELECT id, locale FROM customer_code
WHERE shop_id = $1 AND email = $2 AND ended_at IS NULL AND expires_at > $3 AND attempts < $4
ORDER BY id DESC LIMIT 1 FOR UPDATE
"""


def code_of(code_id: UUID) -> str:
    """Return the six digits that were mailed under an id: a function of it and the secret key."""
    digest = hmac.digest(derive_key("customer-code"), code_id.bytes, "sha256")
    return f"{int.from_bytes(digest) % 1_000_000:06d}"


async def request_code(shop_id: UUID, email: str, *, locale: str, source: Source) -> datetime:
    """Have a code mailed; those mailed before end. Return when it ends.

    Raises:
        InvalidInput: this is no address.
        TooManyAttempts: wait first. An address without an account counts in the same way.
    """
    address = read_customer_email(email)
    await take_attempt(code_keys(address, source))
    return await make_code(shop_id, address, locale=locale)


@shielded
async def make_code(shop_id: UUID, address: str, *, locale: str) -> datetime:
    """Write a code and ask for its mail."""
    code_id, at = new_id(), clock.now()
    async with unit_of_work() as work:
        await work.lock("customer-code", f"{shop_id}:{address}")
        await work.execute(
            "UPDATE customer_code SET ended_at = $3 "
            "WHERE shop_id = $1 AND email = $2 AND ended_at IS NULL",
            shop_id,
            address,
            at,
        )
        reach("customers.codes_ended")
        await work.execute(
            "INSERT INTO customer_code (id, shop_id, email, locale, attempts, created_at, "
            "expires_at) VALUES ($1, $2, $3, $4, 0, $5, $6)",
            code_id,
            shop_id,
            address,
            locale,
            at,
            at + VALID_FOR,
        )
        reach("customers.code_written")
        work.emit(SignInCodeRequested(code_id=code_id))
    return at + VALID_FOR


async def redeem_code(shop_id: UUID, email: str, code: str, *, source: Source) -> SignedIn:
    """Sign in with a code: once. Who had no account has one now, with the orders of that address.

    Raises:
        InvalidInput: this is no address.
        CodeRefused: wrong, used, too old or tried too often; which does not show.
        TooManyAttempts: wait first.
    """
    address = read_customer_email(email)
    await take_attempt(try_keys(source))
    signed_in = await use_code(shop_id, address, code, await signing_key())
    if signed_in is None:
        raise CodeRefused(field=("code",))
    await forgive_code(address, source)
    return signed_in


@shielded
async def use_code(shop_id: UUID, address: str, code: str, key: Key) -> SignedIn | None:
    """Use a code up, or count a wrong one: no error from inside, for that has to be committed."""
    async with unit_of_work() as work:
        locale = await take_code(work, shop_id, address, code)
        if locale is None:
            return None
        customer = await ensure_customer(work, shop_id, address, locale=locale)
        return await start_session(work, customer, key)


async def take_code(work: UnitOfWork, shop_id: UUID, address: str, code: str) -> str | None:
    """Use a code up as part of a transaction; return the language it was asked for in.

    None where it is not the right one, which is counted: the transaction has to be committed.
    """
    row = await _find_open_code(work, shop_id, address)
    if row is None:
        return None
    given = code.strip().encode(errors="replace")
    if not hmac.compare_digest(code_of(row["id"]).encode(), given):
        await work.execute(
            "UPDATE customer_code SET attempts = attempts + 1 WHERE id = $1", row["id"]
        )
        reach("customers.try_counted")
        return None
    await work.execute(
        "UPDATE customer_code SET ended_at = $2 WHERE id = $1", row["id"], clock.now()
    )
    reach("customers.code_used")
    locale: str = row["locale"]
    return locale


async def _find_open_code(work: UnitOfWork, shop_id: UUID, address: str) -> asyncpg.Record | None:
    return await work.fetchrow(_OPEN_CODE, shop_id, address, clock.now(), MAX_TRIES)
