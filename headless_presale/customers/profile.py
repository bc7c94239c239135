"""Who changes what is a customer's own: he himself, as long as his sign-in stands."""

from datetime import datetime

from headless_presale.customers.errors import SessionEnded
from headless_presale.customers.sessions import CustomerPrincipal
from headless_presale.kernel import clock
from headless_presale.kernel.unit_of_work import UnitOfWork

_LOCK = """
SELECT g.created_at FROM customer c JOIN customer_grant g ON g.customer_id = c.id
WHERE c.id = $1 AND g.id = $2 AND g.revoked_at IS NULL AND g.expires_at > $3
FOR NO KEY UPDATE OF c
"""


async def lock_customer(work: UnitOfWork, principal: CustomerPrincipal) -> datetime:
    """Let one change of a customer's follow the other; return when he signed in.

    Raises:
        SessionEnded: he has signed out, or been erased, since the request began.
    """
    row = await work.fetchrow(_LOCK, principal.customer.id, principal.grant_id, clock.now())
    if row is None:
        raise SessionEnded()
    signed_in_at: datetime = row["created_at"]
    return signed_in_at
