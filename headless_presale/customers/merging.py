"""An account without an address becomes that of an address: what is its own moves over.

Upper contexts move what they keep of him in the same transaction, when they hear of it. The old row
stays, empty; the event says where it went.
"""

from uuid import UUID

from headless_presale.customers.codes import take_code
from headless_presale.customers.errors import CodeRefused, EmailProvenAlready
from headless_presale.customers.events import CustomersMerged
from headless_presale.customers.limits import forgive_code, try_keys
from headless_presale.customers.models import Customer
from headless_presale.customers.profile import lock_customer
from headless_presale.customers.proven import ensure_customer, read_customer_email
from headless_presale.customers.sessions import (
    CustomerPrincipal,
    SignedIn,
    end_sessions,
    start_session,
)
from headless_presale.identity.limits import Source
from headless_presale.identity.oauth.keys import Key, signing_key
from headless_presale.identity.throttle import take_attempt
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

_MOVES = (
    # First: whoever signs in by one of these meanwhile waits, and is the new customer then.
    "UPDATE customer_identity SET customer_id = $2 WHERE customer_id = $1",
    "UPDATE customer_address SET customer_id = $2 WHERE customer_id = $1",
    # Written once and for all, so copied; under ids of the same moments, by which they are sorted.
    "INSERT INTO customer_consent "
    "(id, customer_id, kind, is_given, text_version, source, locale, at) "
    "SELECT (left(id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid, $2, kind, is_given, "
    "text_version, source, locale, at FROM customer_consent WHERE customer_id = $1",
    # What the address's account has chosen stands.
    "UPDATE customer_mail_choice AS c SET customer_id = $2 WHERE customer_id = $1 AND NOT EXISTS "
    "(SELECT 1 FROM customer_mail_choice o WHERE o.customer_id = $2 AND o.kind = c.kind)",
    "UPDATE customer AS kept SET "
    "name = CASE WHEN kept.name = '' THEN old.name ELSE kept.name END, "
    "phone = CASE WHEN kept.phone = '' THEN old.phone ELSE kept.phone END, "
    "version = kept.version + 1 FROM customer AS old WHERE old.id = $1 AND kept.id = $2 "
    "AND (kept.name = '' AND old.name <> '' OR kept.phone = '' AND old.phone <> '')",
    "UPDATE customer SET name = '', phone = '' WHERE id = $1 AND id <> $2",
)


async def prove_email(
    principal: CustomerPrincipal, email: str, code: str, *, source: Source
) -> SignedIn:
    """Prove an address with a code that was mailed there, as one who is signed in without any.

    He is the customer of that address from then on, with all that was his and with its orders;
    other sign-ins of the old account end.

    Raises:
        InvalidInput: this is no address.
        EmailProvenAlready: the account has an address. Another one is another account.
        CodeRefused: wrong, used, too old or tried too often; which does not show.
        SessionEnded: he has signed out meanwhile.
        TooManyAttempts: wait first.
    """
    address = read_customer_email(email)
    if principal.customer.email is not None:
        raise EmailProvenAlready(field=("email",))
    await take_attempt(try_keys(source))
    signed_in = await merge_into_address(principal, address, code, await signing_key())
    if signed_in is None:
        raise CodeRefused(field=("code",))
    await forgive_code(address, source)
    return signed_in


@shielded
async def merge_into_address(
    principal: CustomerPrincipal, address: str, code: str, key: Key
) -> SignedIn | None:
    """Use a code up and move over, or count a wrong one: that has to be committed."""
    old = principal.customer
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        taken = await take_code(work, old.shop_id, address, code)
        if taken is None:
            return None
        customer = await ensure_customer(work, old.shop_id, address, locale=old.locale)
        await _move(work, old.id, customer.id)
        work.emit(CustomersMerged(shop_id=old.shop_id, merged_id=old.id, customer_id=customer.id))
        return await start_session(work, await Customer.get(id=customer.id), key)


async def _move(work: UnitOfWork, old_id: UUID, new_id: UUID) -> None:
    for move in _MOVES:
        await work.execute(move, old_id, new_id)
        reach("customers.own_moved")
    await end_sessions(work, old_id, reason="merged")
