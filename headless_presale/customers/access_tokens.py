"""Access tokens of customers: signed with the keys of staff tokens, for an audience of their own.

Neither is accepted in the other's place: the audience says which it is before anything else of it
is read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from headless_presale.customers.models import Customer
from headless_presale.identity import AccessClaims, TokenExpired, Unauthenticated, issuer
from headless_presale.identity.bearer import token_in
from headless_presale.identity.oauth.access_tokens import (
    IssuedToken,
    TokenInvalid,
    check_claims,
    read_signed,
    read_staff_claims,
    sign_claims,
)
from headless_presale.identity.oauth.keys import Key
from headless_presale.kernel import clock

ACCESS_LIFETIME = timedelta(minutes=10)
TEXT_CLAIMS = ("iss", "aud", "sub", "client_id", "jti", "sid", "shop")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerClaims:
    """What a customer's token says.

    Attributes:
        grant_id: the sign-in it was issued under (``sid``); revoking that ends it.
    """

    customer_id: UUID
    shop_id: UUID
    grant_id: UUID
    expires_at: datetime


def storefront_audience() -> str:
    """Return whom customers' tokens are for."""
    return f"{issuer()}/storefront"


def sign_customer_token(
    key: Key, customer: Customer, grant_id: UUID, *, signed_in_at: datetime, ends_at: datetime
) -> IssuedToken:
    """Return an access token of a sign-in, which does not outlive it.

    Args:
        key: the ``signing_key()``, asked for before the transaction.
        ends_at: when the sign-in ends.
    """
    claims = {
        "iss": issuer(),
        "aud": storefront_audience(),
        "sub": str(customer.id),
        # RFC 9068 wants a client: every storefront of a shop is the same one.
        "client_id": f"storefront:{customer.shop_id}",
        "shop": str(customer.shop_id),
        "sid": str(grant_id),
        "auth_time": int(signed_in_at.timestamp()),
    }
    return sign_claims(key, claims, lifetime=min(ACCESS_LIFETIME, ends_at - clock.now()))


async def read_any_bearer(authorization: str | None) -> AccessClaims | CustomerClaims | None:
    """Return what a header's token says, a customer's or a merchant's; None without a header.

    Raises:
        TokenExpired: it carries one of ours whose time is over.
        Unauthenticated: it carries no token of ours that is valid now.
    """
    token = token_in(authorization)
    if token is None:
        return None
    try:
        said = await read_signed(token)
        if said.get("aud") != storefront_audience():
            return read_staff_claims(said, audience=issuer(), issuer=issuer())
        valid = check_claims(
            said, texts=TEXT_CLAIMS, audience=storefront_audience(), issuer=issuer()
        )
        return CustomerClaims(
            customer_id=_uuid(said["sub"]),
            shop_id=_uuid(said["shop"]),
            grant_id=_uuid(said["sid"]),
            expires_at=valid.expires_at,
        )
    except TokenInvalid as error:
        kind = TokenExpired if error.reason == "expired" else Unauthenticated
        raise kind(f"The access token is not valid: {error.reason}.") from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise TokenInvalid("claims") from None
