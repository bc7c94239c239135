"""A customer who asks for a copy of what is known of him, without a storefront."""

from uuid import UUID

from headless_presale.customers import CustomerPrincipal, find_customer_principal
from headless_presale.customers.access_tokens import CustomerClaims
from headless_presale.customers.codes import code_of, make_code, use_code
from headless_presale.customers.models import CustomerCode, CustomerGrant
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel import clock
from headless_presale.privacy import request_export
from tests.support.money import place
from tests.support.shop import Sale

EMAIL = "lin@example.com"


async def signed_in(shop_id: UUID) -> CustomerPrincipal:
    """Have him sign in by a code."""
    await make_code(shop_id, EMAIL, locale="en")
    code = code_of((await CustomerCode.get(ended_at=None)).id)
    await use_code(shop_id, EMAIL, code, await signing_key())
    grant = await CustomerGrant.all().order_by("-id").first()
    assert grant is not None
    found = await find_customer_principal(
        CustomerClaims(
            customer_id=grant.customer_id,
            shop_id=shop_id,
            grant_id=grant.id,
            expires_at=clock.now(),
        )
    )
    assert found is not None
    return found


async def order_and_ask(sale: Sale, *, orders: int) -> UUID:
    """Have him place so many orders, sign in and ask for his copy; return its id."""
    for number in range(orders):
        await place(sale, email=EMAIL, key=f"order {number}")
    return (await request_export(await signed_in(sale.shop.id))).id
