"""Access tokens: signed statements of who may do what for a few minutes (RFC 9068).

Verifying one needs no database. So little is believed of what it says about itself: its algorithm
is ours or none, its key is found by its id among our own, and everything it must say is there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from headless_presale.identity.oauth.keys import ALGORITHM, Key, verification_key
from headless_presale.identity.scopes import Scope, known_scopes, scope_text
from headless_presale.kernel import clock
from headless_presale.kernel.errors import PresaleError

TYPES = frozenset({"at+jwt", "application/at+jwt"})
HEADERS = frozenset({"alg", "kid", "typ"})
"""All that a header of ours says. ``jwk``, ``jku``, ``x5c``, ``crit``: not of our making."""
LEEWAY = timedelta(seconds=10)
"""How far our machines' clocks may be apart."""
MAX_TOKEN_LENGTH = 4_096
MAX_VERIFIED = 2_000
"""Tokens whose signature is not looked at again: 2 MB, since ours have some 700 characters."""
_verified: dict[str, tuple[Key, dict[str, Any]]] = {}
"""What tokens say, with the key that has signed them. It counts as long as that very key is in the
ring, which is read anew every minute; what they say is judged by the clock each time."""

TEXT_CLAIMS = ("iss", "aud", "sub", "client_id", "scope", "jti", "sid", "merchant")


class TokenInvalid(PresaleError):
    """A token that is not to be believed.

    Attributes:
        reason: which check failed, for logs: ``malformed``, ``typ``, ``algorithm``, ``header``,
            ``unknown_key``, ``signature``, ``claims``, ``issuer``, ``audience``, ``expired``,
            ``not_yet_valid``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the access token is not valid: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What a token of ours says.

    Attributes:
        subject: the account's id; the client's own where it acts for itself.
        grant_id: what it was issued under (``sid``); revoking that ends it.
    """

    subject: str
    client_id: str
    grant_id: UUID
    merchant_id: UUID
    scopes: frozenset[Scope]
    issued_at: datetime
    expires_at: datetime
    token_id: str

    @property
    def is_client_itself(self) -> bool:
        """Whether no person stands behind it."""
        return self.subject == self.client_id


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token and when it ends."""

    token: str
    expires_at: datetime


def sign_access_token(
    key: Key,
    *,
    issuer: str,
    audience: str,
    subject: str,
    client_id: str,
    grant_id: UUID,
    merchant_id: UUID,
    scopes: frozenset[Scope],
    lifetime: timedelta,
    authenticated_at: datetime | None = None,
    factors: tuple[str, ...] = (),
) -> IssuedToken:
    """Return a token signed with a key of ours.

    Args:
        key: the ``signing_key()``; inside a transaction, one that was asked for before it.
        authenticated_at: when the person signed in, and ``factors`` how (RFC 9068, 2.2.1).
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "client_id": client_id,
        "scope": scope_text(scopes),
        "sid": str(grant_id),
        "merchant": str(merchant_id),
    }
    if authenticated_at is not None:
        claims["auth_time"] = int(authenticated_at.timestamp())
    if factors:
        claims["amr"] = list(factors)
    return sign_claims(key, claims, lifetime=lifetime)


def sign_claims(key: Key, claims: Mapping[str, Any], *, lifetime: timedelta) -> IssuedToken:
    """Return a token that says ``claims``, with an id of its own, from now for ``lifetime``."""
    issued_at = clock.now().replace(microsecond=0)
    expires_at = issued_at + lifetime
    claims = {
        **claims,
        "jti": uuid4().hex,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"}
    token = jwt.encode(header, claims, key.pair, algorithms=[ALGORITHM], default_type=None)
    return IssuedToken(token, expires_at)


async def verify_access_token(token: str, *, audience: str, issuer: str) -> AccessClaims:
    """Return what a token says, if it is one of ours for this audience and still counts.

    Whether its grant was revoked meanwhile is not asked here: that is for whoever moves money.

    Raises:
        TokenInvalid: it is not; says which check it failed.
    """
    return read_staff_claims(await read_signed(token), audience=audience, issuer=issuer)


async def read_signed(token: str) -> dict[str, Any]:
    """Return what a token says, if a key of ours has signed it. For whom and till when: not asked.

    Raises:
        TokenInvalid: it is none of ours.
    """
    kept = _verified.get(token)
    if kept is not None and await verification_key(kept[0].kid) is kept[0]:
        return kept[1]
    header = _read_header(token)
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.lower() not in TYPES:
        raise TokenInvalid("typ")
    if header.get("alg") != ALGORITHM:
        raise TokenInvalid("algorithm")
    if header.keys() - HEADERS:
        raise TokenInvalid("header")
    kid = header.get("kid")
    key = await verification_key(kid) if isinstance(kid, str) else None
    if key is None:
        raise TokenInvalid("unknown_key")
    try:
        signed = jws.deserialize_compact(token, key.pair, algorithms=[ALGORITHM])
    except (JoseError, ValueError) as error:
        raise TokenInvalid("signature") from error
    said = _read_json(signed.payload)
    _verified[token] = (key, said)
    if len(_verified) > MAX_VERIFIED:
        del _verified[next(iter(_verified))]
    return said


def _read_header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii() or token.count(".") != 2:
        raise TokenInvalid("malformed")
    try:
        return _read_json(urlsafe_b64decode(token.partition(".")[0].encode()))
    except ValueError as error:
        raise TokenInvalid("malformed") from error


def _read_json(text: bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or b"")
    except ValueError as error:
        raise TokenInvalid("malformed") from error
    if not isinstance(found, dict):
        raise TokenInvalid("malformed")
    return found


@dataclass(frozen=True, slots=True)
class Validity:
    """From when and until when a token counts."""

    issued_at: datetime
    expires_at: datetime


def check_claims(
    claims: Mapping[str, Any], *, texts: Iterable[str], audience: str, issuer: str
) -> Validity:
    """Return from when and until when a signed token counts.

    Args:
        texts: the claims that have to be there, as texts.

    Raises:
        TokenInvalid: it is for somebody else, does not count now, or does not say all it must.
    """
    if not all(isinstance(claims.get(name), str) for name in ("iss", "aud")):
        raise TokenInvalid("claims")
    if claims["iss"] != issuer:
        raise TokenInvalid("issuer")
    if claims["aud"] != audience:
        raise TokenInvalid("audience")
    if not all(isinstance(claims.get(name), str) for name in texts):
        raise TokenInvalid("claims")
    now = clock.now()
    issued_at, expires_at = _moment(claims, "iat"), _moment(claims, "exp")
    if expires_at + LEEWAY <= now:
        raise TokenInvalid("expired")
    not_before = _moment(claims, "nbf") if "nbf" in claims else issued_at
    if max(issued_at, not_before) > now + LEEWAY:
        raise TokenInvalid("not_yet_valid")
    return Validity(issued_at, expires_at)


def read_staff_claims(claims: Mapping[str, Any], *, audience: str, issuer: str) -> AccessClaims:
    """Return what a signed token of a merchant's staff or client says.

    Raises:
        TokenInvalid: it is none, or does not count here and now.
    """
    valid = check_claims(claims, texts=TEXT_CLAIMS, audience=audience, issuer=issuer)
    try:
        grant_id, merchant_id = UUID(claims["sid"]), UUID(claims["merchant"])
    except ValueError as error:
        raise TokenInvalid("claims") from error
    return AccessClaims(
        subject=claims["sub"],
        client_id=claims["client_id"],
        grant_id=grant_id,
        merchant_id=merchant_id,
        scopes=known_scopes(claims["scope"].split()),
        issued_at=valid.issued_at,
        expires_at=valid.expires_at,
        token_id=claims["jti"],
    )


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    # True is an int in Python, and a number of seconds may be one that no calendar has.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TokenInvalid("claims")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise TokenInvalid("claims") from error
