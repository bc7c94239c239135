"""Access tokens in requests: RFC 6750's header, and nothing else."""

from collections.abc import Mapping

from headless_presale.identity.errors import Forbidden, Unauthenticated
from headless_presale.identity.oauth.access_tokens import (
    AccessClaims,
    TokenInvalid,
    verify_access_token,
)
from headless_presale.identity.principal import Principal, find_principal
from headless_presale.identity.scopes import Scope, scope_text

MAX_HEADER_LENGTH = 4_096

_issuer: str | None = None


def set_issuer(issuer: str) -> None:
    """Install our own address: who issues our tokens, and whom they are for."""
    global _issuer
    _issuer = issuer


def issuer() -> str:
    """Return our own address.

    Raises:
        RuntimeError: the composition root has set none.
    """
    if _issuer is None:
        raise RuntimeError("no issuer is installed")
    return _issuer


async def read_bearer(authorization: str | None) -> AccessClaims | None:
    """Return what a header's token says, verified; None where there is no header.

    Raises:
        Unauthenticated: there is one, and it carries no token of ours that is valid now.
    """
    token = token_in(authorization)
    if token is None:
        return None
    try:
        return await verify_access_token(token, audience=issuer(), issuer=issuer())
    except TokenInvalid as error:
        raise Unauthenticated(f"The access token is not valid: {error.reason}.") from None


def token_in(authorization: str | None) -> str | None:
    """Return the token that a header carries, not looked at; None where there is no header.

    Raises:
        Unauthenticated: the header is of another kind.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(authorization) > MAX_HEADER_LENGTH:
        raise Unauthenticated("The header must be 'Authorization: Bearer <access token>'.")
    return token.strip()


async def authenticate_bearer(headers: Mapping[str, str], *scopes: Scope) -> Principal:
    """Return who sends a plain HTTP request, for routes beside GraphQL.

    Raises:
        Unauthenticated: nobody is known to be there.
        Forbidden: a scope is missing.
        Unavailable: nobody can tell at the moment.
    """
    claims = await read_bearer(headers.get("authorization"))
    if claims is None:
        raise Unauthenticated("Send an access token: 'Authorization: Bearer ...'.")
    principal = await find_principal(claims)
    if principal is None:
        raise Unauthenticated("The access token has been revoked.")
    if missing := principal.lacks(*scopes):
        raise Forbidden(f"This needs the scope {scope_text(missing)}.")
    return principal
