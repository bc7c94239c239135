"""Where customers are signed in: grants, their tokens, and their end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from headless_presale.customers.access_tokens import CustomerClaims, sign_customer_token
from headless_presale.customers.errors import SessionEnded
from headless_presale.customers.models import Customer, CustomerRefreshToken
from headless_presale.identity.oauth.access_tokens import IssuedToken
from headless_presale.identity.oauth.keys import Key, signing_key
from headless_presale.identity.oauth.rotation import (
    Family,
    Use,
    make_refresh_token,
    use_refresh_token,
)
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import hash_secret, new_id
from headless_presale.kernel.reading import read_row
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

log = structlog.get_logger(__name__)

CUSTOMERS = Family(grants="customer_grant", tokens="customer_refresh_token")
GRANT_LIFETIME = timedelta(days=90)
"""Then one proves one's address again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A customer and the tokens of one sign-in."""

    customer: Customer
    access: IssuedToken
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPrincipal:
    """A customer whose token was accepted and whose sign-in stands."""

    customer: Customer
    grant_id: UUID
    expires_at: datetime


async def start_session(work: UnitOfWork, customer: Customer, key: Key) -> SignedIn:
    """Sign a customer in, as part of what proved who he is."""
    grant_id, at = new_id(), clock.now()
    ends_at = at + GRANT_LIFETIME
    await work.execute(
        "INSERT INTO customer_grant (id, customer_id, created_at, expires_at, revoked_reason) "
        "VALUES ($1, $2, $3, $4, '')",
        grant_id,
        customer.id,
        at,
        ends_at,
    )
    reach("customers.signed_in")
    return await _issue(work, customer, grant_id, key=key, signed_in_at=at, ends_at=ends_at)


async def refresh_session(refresh_token: str) -> SignedIn:
    """Exchange a refresh token for new tokens; what was lost on its way is given again for 30 s.

    Raises:
        SessionEnded: it counts no more. If it was used before, its whole sign-in has ended.
    """
    refreshed = await _refresh(hash_secret(refresh_token), await signing_key())
    if refreshed is None:
        raise SessionEnded(field=("refresh_token",))
    return refreshed


@shielded
async def _refresh(token_hash: str, key: Key) -> SignedIn | None:
    # No error from inside: what ends a stolen sign-in has to be committed.
    async with unit_of_work() as work:
        token = await CustomerRefreshToken.get_or_none(token_hash=token_hash).select_related(
            "grant__customer"
        )
        if token is None or token.grant.expires_at <= clock.now():
            return None
        # One that was used goes on, whatever its age: using it again ends the sign-in.
        if token.used_at is None and token.expires_at <= clock.now():
            return None
        used = await use_refresh_token(work, CUSTOMERS, token)
        if used is Use.REPLAYED:
            log.warning("customers.refresh_token_replayed", grant_id=str(token.grant_id))
            await end_sessions(
                work, token.grant.customer_id, token.grant_id, reason="refresh_token_replayed"
            )
        if used is not Use.GOOD:
            return None
        grant = token.grant
        return await _issue(
            work,
            grant.customer,
            grant.id,
            key=key,
            signed_in_at=grant.created_at,
            ends_at=grant.expires_at,
            parent=token_hash,
        )


async def _issue(
    work: UnitOfWork,
    customer: Customer,
    grant_id: UUID,
    *,
    key: Key,
    signed_in_at: datetime,
    ends_at: datetime,
    parent: str | None = None,
) -> SignedIn:
    refresh_token = await make_refresh_token(
        work, CUSTOMERS, grant_id, grant_ends_at=ends_at, parent=parent
    )
    access = sign_customer_token(
        key, customer, grant_id, signed_in_at=signed_in_at, ends_at=ends_at
    )
    return SignedIn(customer=customer, access=access, refresh_token=refresh_token)


@shielded
async def sign_out(principal: CustomerPrincipal, *, is_everywhere: bool) -> int:
    """End this sign-in, or all of the customer's; return how many ended. Safe to repeat."""
    only = None if is_everywhere else principal.grant_id
    async with unit_of_work() as work:
        return await end_sessions(work, principal.customer.id, only, reason="signed_out")


@shielded
async def sign_out_with(refresh_token: str, *, is_everywhere: bool) -> int:
    """End the sign-in of a refresh token, or all of its customer's; return how many ended.

    For those whose access token has ended before. A token that nobody has ends nothing.
    """
    async with unit_of_work() as work:
        token = await CustomerRefreshToken.get_or_none(
            token_hash=hash_secret(refresh_token)
        ).select_related("grant")
        if token is None:
            return 0
        only = None if is_everywhere else token.grant_id
        return await end_sessions(work, token.grant.customer_id, only, reason="signed_out")


_END = """
UPDATE customer_grant SET revoked_at = $3, revoked_reason = $4
WHERE customer_id = $1 AND ($2::uuid IS NULL OR id = $2)
  AND revoked_at IS NULL AND expires_at > $3 RETURNING id
"""


async def end_sessions(
    work: UnitOfWork, customer_id: UUID, grant_id: UUID | None = None, *, reason: str
) -> int:
    """End a customer's sign-ins, as part of what ends them; return how many ended.

    Args:
        grant_id: the one that ends; None: all of them.
    """
    rows = await work.fetch(_END, customer_id, grant_id, clock.now(), reason)
    reach("customers.signed_out")
    for row in rows:
        work.wake(f"customer-grant:{row['id']}")
    return len(rows)


@shielded
async def is_signed_in(grant_id: UUID) -> bool:
    """Tell whether a sign-in stands."""
    async with unit_of_work() as work:
        row = await work.fetchrow(
            "SELECT 1 FROM customer_grant WHERE id = $1 AND revoked_at IS NULL", grant_id
        )
    return row is not None


SIGNED_IN = """customer_grant g JOIN customer c ON c.id = g.customer_id
  AND g.id = $1 AND g.customer_id = $2 AND c.shop_id = $3 AND g.revoked_at IS NULL
  AND g.expires_at > $4"""
"""What a statement selects from to see a customer, as ``c``, whose sign-in stands; it takes
:func:`sign_in_of`. For what asks for more by the same statement."""


def sign_in_of(claims: CustomerClaims) -> tuple[object, ...]:
    """Return the first four arguments of a statement that selects from ``SIGNED_IN``."""
    return claims.grant_id, claims.customer_id, claims.shop_id, clock.now()


async def find_customer_principal(claims: CustomerClaims) -> CustomerPrincipal | None:
    """Return who holds a verified token; None if his sign-in has ended.

    Raises:
        Unavailable: the database does not answer; nobody is let in meanwhile.
    """
    row = await read_row(f"SELECT c.* FROM {SIGNED_IN}", *sign_in_of(claims))
    if row is None:
        return None
    return CustomerPrincipal(
        customer=Customer._init_from_db(**dict(row)),
        grant_id=claims.grant_id,
        expires_at=claims.expires_at,
    )
