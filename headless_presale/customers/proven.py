"""The customer behind an address that somebody has proven to be his."""

from uuid import UUID

from headless_presale.customers.models import Customer
from headless_presale.identity import fold_email
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import customer_id_of
from headless_presale.kernel.unit_of_work import UnitOfWork


def read_customer_email(email: str) -> str:
    """Return an address as its customer is found by it.

    Customers' ids do not tell ``ß`` from ``ss``, mailboxes do: of an address with such a letter
    nobody can sign in, lest one gets into the account of the other.
    """
    address = fold_email(email)
    if address != address.casefold():
        raise InvalidInput(reason="this is not an e-mail address", field=("email",))
    return address


async def ensure_customer(
    work: UnitOfWork, shop_id: UUID, address: str, *, locale: str, name: str = ""
) -> Customer:
    """Return the customer behind a proven address, made if there is none."""
    customer_id = customer_id_of(shop_id, address)
    await work.execute(
        "INSERT INTO customer (id, shop_id, email, email_verified_at, name, locale, created_at) "
        "VALUES ($1, $2, $3, $4, $6, $5, $4) ON CONFLICT (id) DO NOTHING",
        customer_id,
        shop_id,
        address,
        clock.now(),
        locale,
        name,
    )
    reach("customers.known")
    return await Customer.get(id=customer_id)
