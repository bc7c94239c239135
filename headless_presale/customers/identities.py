"""Whom an outside provider vouches for: known by what it calls him, from the first time on."""

from dataclasses import dataclass
from uuid import UUID

from headless_presale.customers.errors import SignInProviderNotFound
from headless_presale.customers.models import Customer, SignInProvider
from headless_presale.customers.proven import ensure_customer
from headless_presale.customers.sessions import SignedIn, start_session
from headless_presale.identity.oauth.keys import Key
from headless_presale.kernel import clock
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertedIdentity:
    """What a provider says of somebody, all of it checked already.

    Attributes:
        subject: what the provider calls him: openid, ``sub``.
        union_id: what WeChat calls him in all that one company has.
        locale: of the mails he is going to get.
        address: his, by the provider's word, as customers are found by it; None where it gives no
            word for one.
    """

    subject: str
    locale: str
    union_id: str | None = None
    address: str | None = None
    name: str = ""


@shielded
async def sign_in_asserted(
    provider: SignInProvider, asserted: AssertedIdentity, key: Key
) -> SignedIn:
    """Sign in whom a provider names; who was never here has an account then.

    Args:
        key: the ``signing_key()``.

    Raises:
        SignInProviderNotFound: it was switched off meanwhile.
    """
    async with unit_of_work() as work:
        await _check_enabled(work, provider)
        name = f"{provider.shop_id}:{provider.issuer}:{asserted.subject}"
        await work.lock("customer-identity", name)
        customer_id = await _find_known(work, provider, asserted)
        if customer_id is None:
            customer_id = await _make(work, provider.shop_id, asserted)
            await _link(work, provider, asserted, customer_id)
        return await start_session(work, await Customer.get(id=customer_id), key)


async def _check_enabled(work: UnitOfWork, provider: SignInProvider) -> None:
    """Hold a provider as it is until the end: who is let in was let in before it is off."""
    found = await work.fetchrow(
        "SELECT 1 FROM customer_sign_in_provider WHERE id = $1 AND disabled_at IS NULL FOR SHARE",
        provider.id,
    )
    if found is None:
        raise SignInProviderNotFound(field=("providerId",))


async def _find_known(
    work: UnitOfWork, provider: SignInProvider, asserted: AssertedIdentity
) -> UUID | None:
    known = await work.fetchrow(
        "SELECT customer_id FROM customer_identity "
        "WHERE shop_id = $1 AND issuer = $2 AND subject = $3 FOR UPDATE",
        provider.shop_id,
        provider.issuer,
        asserted.subject,
    )
    return None if known is None else known["customer_id"]


async def _make(work: UnitOfWork, shop_id: UUID, asserted: AssertedIdentity) -> UUID:
    """Return the customer of an address, or make one of whom no address is known."""
    if asserted.address is not None:
        customer = await ensure_customer(
            work, shop_id, asserted.address, locale=asserted.locale, name=asserted.name
        )
        return customer.id
    customer_id = new_id()
    await work.execute(
        "INSERT INTO customer (id, shop_id, name, locale, created_at) VALUES ($1, $2, $3, $4, $5)",
        customer_id,
        shop_id,
        asserted.name,
        asserted.locale,
        clock.now(),
    )
    reach("customers.made_without_address")
    return customer_id


async def _link(
    work: UnitOfWork, provider: SignInProvider, asserted: AssertedIdentity, customer_id: UUID
) -> None:
    await work.execute(
        "INSERT INTO customer_identity (id, customer_id, shop_id, kind, issuer, subject, union_id, "
        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new_id(),
        customer_id,
        provider.shop_id,
        provider.kind,
        provider.issuer,
        asserted.subject,
        asserted.union_id,
        clock.now(),
    )
    reach("customers.identity_linked")
