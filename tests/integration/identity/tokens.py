"""Tokens as we issue them, and as a forger would."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from headless_presale.identity.oauth.access_tokens import sign_access_token
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.identity.scopes import Scope
from headless_presale.kernel import clock

ISSUER = "https://shop.example"
ACCOUNT = "0197a3f0-0000-7000-8000-00000000000a"
CLIENT = "0197a3f0-0000-7000-8000-00000000000c"
GRANT = UUID("0197a3f0-0000-7000-8000-00000000000d")
MERCHANT = UUID("0197a3f0-0000-7000-8000-00000000000e")


async def issue(**changes: Any) -> str:
    """Return a token that is in order."""
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": ISSUER,
        "subject": ACCOUNT,
        "client_id": CLIENT,
        "grant_id": GRANT,
        "merchant_id": MERCHANT,
        "scopes": frozenset({Scope.ORDERS_READ, Scope.CATALOG_WRITE}),
        "lifetime": timedelta(minutes=10),
        **changes,
    }
    return sign_access_token(await signing_key(), **values).token


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of such a token; a change to None leaves one out."""
    now = int(clock.now().timestamp())
    values = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": ACCOUNT,
        "client_id": CLIENT,
        "scope": "orders:read",
        "sid": str(GRANT),
        "merchant": str(MERCHANT),
        "jti": "a-token",
        "iat": now,
        "exp": now + 600,
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


async def sign(body: dict[str, Any] | None = None, **header: Any) -> str:
    """Sign whatever one likes with the server's own key: only one check can refuse it."""
    key = await signing_key()
    return sign_with(key.pair, body or claims(), kid=key.kid, **header)


def sign_with(pair: ECKey, body: dict[str, Any], **header: Any) -> str:
    """Sign with a key of one's own; a header changed to None is left out."""
    values = {"alg": "ES256", "typ": "at+jwt", **header}
    said = {name: value for name, value in values.items() if value is not None}
    return jwt.encode(said, body, pair, algorithms=["ES256"], default_type=None)


def encode(part: dict[str, Any]) -> str:
    """Return one part of a token that is put together by hand."""
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()


def read(token: str, part: int) -> dict[str, Any]:
    """Return the header (0) or the claims (1) of a token, unverified."""
    text = token.split(".")[part]
    found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
