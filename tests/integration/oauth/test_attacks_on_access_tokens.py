"""Forged access tokens of somebody who really is there; each with a control that lets it in."""

import base64
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from headless_presale.identity import (
    OAuthGrant,
    Unauthenticated,
    authenticate_bearer,
    principal,
    revoke_grant,
)
from headless_presale.identity.oauth import access_tokens
from headless_presale.identity.oauth.keys import Key, signing_key
from headless_presale.kernel.clock import ManualClock
from tests.conftest import ISSUER
from tests.integration.identity import tokens as forging
from tests.support.oauth import App, Person

FORGER = ECKey.generate_key("P-256")


@pytest.fixture
async def claims(owner: Person, app: App) -> dict[str, Any]:
    """What a token says that was really given to the owner's application."""
    return forging.read((await owner.tokens(app))["access_token"], 1)


async def is_let_in(token: str) -> bool:
    """Ask as every route does."""
    try:
        await authenticate_bearer({"authorization": f"Bearer {token}"})
    except Unauthenticated:
        return False
    return True


def put_together(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    text = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{forging.encode(header)}.{forging.encode(body)}.{text}"


async def unsigned(body: dict[str, Any]) -> str:
    kid = (await signing_key()).kid
    return put_together({"alg": "none", "kid": kid, "typ": "at+jwt"}, body)


async def keyed_with_the_public_key(body: dict[str, Any]) -> str:
    key = await signing_key()
    text = put_together({"alg": "HS256", "kid": key.kid, "typ": "at+jwt"}, body)[:-1]
    secret = key.pair.as_pem(private=False)
    signature = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def with_a_key_of_its_own(body: dict[str, Any]) -> str:
    kid = (await signing_key()).kid
    return forging.sign_with(FORGER, body, kid=kid, jwk=FORGER.as_dict(private=False))


async def under_a_key_id_of_its_own(body: dict[str, Any]) -> str:
    return forging.sign_with(FORGER, body, kid=FORGER.thumbprint())


async def without_a_type(body: dict[str, Any]) -> str:
    return await forging.sign(body, typ=None)


async def of_another_type(body: dict[str, Any]) -> str:
    return await forging.sign(body, typ="JWT")


async def for_another_audience(body: dict[str, Any]) -> str:
    return await forging.sign({**body, "aud": "https://other.example"})


async def of_another_issuer(body: dict[str, Any]) -> str:
    return await forging.sign({**body, "iss": "https://other.example"})


class _Anything(str):
    """Equal to everything: a comparison that was left out."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def believe_the_header(patch: pytest.MonkeyPatch) -> None:
    """Verify as the token itself asks for: the mistake behind all of these."""

    def deserialize(token: str, key: ECKey, **_: Any) -> Any:
        header = forging.read(token, 0)
        text, signature = token.rsplit(".", 1)
        if header["alg"] == "HS256":
            right = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
            assert hmac.compare_digest(right, _decode(signature))
        elif header["alg"] != "none":
            brought = ECKey.import_key(header["jwk"]) if "jwk" in header else key
            return jws.deserialize_compact(
                token, brought, algorithms=["ES256"], registry=_lenient()
            )
        payload = text.partition(".")[2]
        return SimpleNamespace(
            payload=base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )

    patch.setattr(access_tokens, "ALGORITHM", _Anything("ES256"))
    patch.setattr(access_tokens, "HEADERS", access_tokens.HEADERS | {"jwk"})
    patch.setattr(access_tokens, "jws", SimpleNamespace(deserialize_compact=deserialize))


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _lenient() -> jws.JWSRegistry:
    return jws.JWSRegistry(algorithms=["ES256"])


def take_any_key(patch: pytest.MonkeyPatch) -> None:
    async def find(kid: str) -> Key:
        signing = await signing_key()
        return Key(kid, FORGER, signing.signs_from, None)

    patch.setattr(access_tokens, "verification_key", find)


def take_any_type(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        access_tokens, "_read_header", lambda token: {**forging.read(token, 0), "typ": "at+jwt"}
    )


def take_any_address(patch: pytest.MonkeyPatch) -> None:
    judge = access_tokens.read_staff_claims
    patch.setattr(
        access_tokens,
        "read_staff_claims",
        lambda claims, **_: judge(claims, audience=claims["aud"], issuer=claims["iss"]),
    )


Forgery = Callable[[dict[str, Any]], Awaitable[str]]
FORGERIES: list[tuple[Forgery, Callable[[pytest.MonkeyPatch], None]]] = [
    (unsigned, believe_the_header),
    (keyed_with_the_public_key, believe_the_header),
    (with_a_key_of_its_own, believe_the_header),
    (under_a_key_id_of_its_own, take_any_key),
    (without_a_type, take_any_type),
    (of_another_type, take_any_type),
    (for_another_audience, take_any_address),
    (of_another_issuer, take_any_address),
]


async def test_a_token_that_is_in_order_is_let_in(claims: dict[str, Any]) -> None:
    assert claims["iss"] == ISSUER
    assert await is_let_in(await forging.sign(claims))


@pytest.mark.parametrize("forge", [forge for forge, _ in FORGERIES])
async def test_a_forged_token_is_not(claims: dict[str, Any], forge: Forgery) -> None:
    assert not await is_let_in(await forge(claims))


@pytest.mark.parametrize(("forge", "remove_the_defence"), FORGERIES)
async def test_control_without_its_defence_it_is(
    claims: dict[str, Any],
    forge: Forgery,
    remove_the_defence: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove_the_defence(monkeypatch)

    assert await is_let_in(await forge(claims))


async def test_an_expired_token_is_not_let_in(claims: dict[str, Any], clock: ManualClock) -> None:
    token = await forging.sign(claims)
    clock.advance(timedelta(minutes=10, seconds=10))

    assert not await is_let_in(token)


async def test_control_with_leeway_enough_it_is(
    claims: dict[str, Any], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_tokens, "LEEWAY", timedelta(days=1))
    token = await forging.sign(claims)
    clock.advance(timedelta(hours=1))

    assert await is_let_in(token)


async def test_a_revoked_token_is_not_let_in(owner: Person, claims: dict[str, Any]) -> None:
    token = await forging.sign(claims)
    await revoke_grant(owner.shop.merchant_id, (await OAuthGrant.get()).id)

    assert not await is_let_in(token)


async def test_control_who_does_not_look_at_the_grant_lets_it_in(
    owner: Person, claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = principal._READ.replace("AND g.revoked_at IS NULL", "")
    assert blind != principal._READ
    monkeypatch.setattr(principal, "_READ", blind)
    token = await forging.sign(claims)
    await revoke_grant(owner.shop.merchant_id, (await OAuthGrant.get()).id)

    assert await is_let_in(token)
