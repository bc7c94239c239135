"""Access tokens: what ours say, and what is not believed. Each forgery differs in one thing."""

import base64
import hmac
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from headless_presale.identity.oauth import access_tokens as module
from headless_presale.identity.oauth.access_tokens import (
    AccessClaims,
    TokenInvalid,
    verify_access_token,
)
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.identity.scopes import Scope
from headless_presale.kernel.clock import ManualClock
from tests.conftest import NOON
from tests.integration.identity.tokens import (
    ACCOUNT,
    CLIENT,
    GRANT,
    ISSUER,
    MERCHANT,
    claims,
    encode,
    issue,
    read,
    sign,
    sign_with,
)

pytestmark = pytest.mark.usefixtures("database", "clock")


async def verify(token: str) -> AccessClaims:
    return await verify_access_token(token, audience=ISSUER, issuer=ISSUER)


async def refusal_of(token: str) -> str:
    with pytest.raises(TokenInvalid) as caught:
        await verify(token)
    return caught.value.reason


async def test_a_token_says_who_may_do_what_for_ten_minutes() -> None:
    token = await issue()

    said = await verify(token)

    assert said.subject == ACCOUNT
    assert said.client_id == CLIENT
    assert (said.grant_id, said.merchant_id) == (GRANT, MERCHANT)
    assert said.scopes == {Scope.ORDERS_READ, Scope.CATALOG_WRITE}
    assert (said.issued_at, said.expires_at) == (NOON, NOON + timedelta(minutes=10))
    assert len(said.token_id) == 32
    assert not said.is_client_itself
    key = await signing_key()
    assert read(token, 0) == {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    assert read(token, 1)["scope"] == "catalog:write orders:read"


async def test_a_client_that_acts_for_itself_is_told_by_its_subject() -> None:
    assert (await verify(await issue(subject=CLIENT))).is_client_itself


async def test_a_token_signed_by_hand_is_accepted_when_nothing_is_wrong_with_it() -> None:
    # The control of every forgery below: what they change is the only thing that is wrong.
    assert (await verify(await sign())).token_id == "a-token"
    assert (await verify(await sign(typ="application/at+jwt"))).token_id == "a-token"


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "logout+jwt", "at+jwt "])
async def test_a_token_of_no_type_or_another_is_refused(typ: str | None) -> None:
    assert await refusal_of(await sign(typ=typ)) == "typ"


async def test_without_the_check_of_types_an_id_token_would_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TYPES", frozenset({"jwt"}))

    assert (await verify(await sign(typ="JWT"))).token_id == "a-token"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
async def test_an_unsigned_token_is_refused(alg: str) -> None:
    kid = (await signing_key()).kid
    header = encode({"alg": alg, "kid": kid, "typ": "at+jwt"})

    assert await refusal_of(f"{header}.{encode(claims())}.") == "algorithm"


async def test_a_public_key_is_no_shared_secret() -> None:
    """The classic confusion: HS256 keyed with what everybody can download."""
    key = await signing_key()
    for secret in (key.pair.as_pem(private=False), str(key.pair.as_dict(private=False)).encode()):
        text = f"{encode({'alg': 'HS256', 'kid': key.kid, 'typ': 'at+jwt'})}.{encode(claims())}"
        digest = hmac.digest(secret, text.encode(), "sha256")

        assert await refusal_of(f"{text}.{_base64(digest)}") == "algorithm"


@pytest.mark.parametrize("alg", ["ES384", "RS256", "EdDSA", "HS256", "ES256K", 256, None])
async def test_no_other_algorithm_is_even_tried(alg: Any) -> None:
    kid = (await signing_key()).kid
    header = encode({"alg": alg, "kid": kid, "typ": "at+jwt"})

    assert await refusal_of(f"{header}.{encode(claims())}.{'A' * 86}") == "algorithm"


async def test_a_key_that_a_token_brings_along_is_not_used() -> None:
    forger = ECKey.generate_key("P-256")
    kid = (await signing_key()).kid
    jwk = forger.as_dict(private=False)

    assert await refusal_of(sign_with(forger, claims(), kid=kid)) == "signature"
    assert await refusal_of(sign_with(forger, claims(), kid=kid, jwk=jwk)) == "header"
    assert await refusal_of(sign_with(forger, claims(), jwk=jwk)) == "header"
    assert await refusal_of(sign_with(forger, claims(), kid=forger.thumbprint())) == "unknown_key"


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://forger.example/jwks.json"},
        {"x5u": "https://forger.example/cert.pem"},
        {"x5c": ["AAAA"]},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
        {"cty": "JWT"},
    ],
)
async def test_headers_of_no_making_of_ours_are_refused(header: dict[str, Any]) -> None:
    kid = (await signing_key()).kid
    said = encode({"alg": "ES256", "kid": kid, "typ": "at+jwt", **header})

    assert await refusal_of(f"{said}.{encode(claims())}.{'A' * 86}") == "header"


@pytest.mark.parametrize("kid", [None, 7, "", "../../etc/passwd", "' OR 1=1 --", "A" * 43])
async def test_a_key_that_is_not_ours_is_refused(kid: Any) -> None:
    await signing_key()
    said = encode({"alg": "ES256", "kid": kid, "typ": "at+jwt"})

    assert await refusal_of(f"{said}.{encode(claims())}.{'A' * 86}") == "unknown_key"


async def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = (await sign()).split(".")
    more = encode(claims(scope="orders:read orders:refund"))

    assert await refusal_of(f"{header}.{more}.{signature}") == "signature"
    assert await refusal_of(f"{header}.{more}.") == "signature"


@pytest.mark.parametrize("issuer", ["https://other.example", "https://shop.example/", ""])
async def test_a_foreign_issuer_is_refused(issuer: str) -> None:
    assert await refusal_of(await sign(claims(iss=issuer))) == "issuer"


@pytest.mark.parametrize("audience", ["https://other.example", "https://shop.example/", ""])
async def test_a_token_for_somebody_else_is_refused(audience: str) -> None:
    assert await refusal_of(await sign(claims(aud=audience))) == "audience"


async def test_a_token_for_us_among_others_is_not_one_of_ours() -> None:
    assert await refusal_of(await sign(claims(aud=[ISSUER, "https://other.example"]))) == "claims"


@pytest.mark.parametrize(
    "name", ["iss", "aud", "sub", "client_id", "scope", "jti", "sid", "merchant", "iat", "exp"]
)
async def test_every_claim_is_required_and_of_its_type(name: str) -> None:
    assert await refusal_of(await sign(claims(**{name: None}))) == "claims"
    assert await refusal_of(await sign(claims(**{name: ["x"]}))) == "claims"
    assert await refusal_of(await sign(claims(**{name: True}))) == "claims"


async def test_ids_are_ids_and_moments_are_moments() -> None:
    assert await refusal_of(await sign(claims(sid="not-an-id"))) == "claims"
    assert await refusal_of(await sign(claims(merchant="1 OR 1=1"))) == "claims"
    assert await refusal_of(await sign(claims(exp=10**18))) == "claims"
    assert await refusal_of(await sign(claims(exp="2099-01-01"))) == "claims"
    assert await refusal_of(await sign(claims(nbf="soon"))) == "claims"


async def test_a_token_ends_after_its_ten_minutes_and_ten_seconds(clock: ManualClock) -> None:
    token = await issue()

    clock.advance(timedelta(minutes=10, seconds=9))
    assert (await verify(token)).expires_at == NOON + timedelta(minutes=10)
    clock.advance(timedelta(seconds=1))
    assert await refusal_of(token) == "expired"


async def test_a_token_of_the_future_is_refused() -> None:
    now = int(NOON.timestamp())

    assert (await verify(await sign(claims(iat=now + 10, nbf=now + 10)))).token_id == "a-token"
    assert await refusal_of(await sign(claims(iat=now + 11))) == "not_yet_valid"
    assert await refusal_of(await sign(claims(nbf=now + 11))) == "not_yet_valid"


async def test_scopes_that_are_not_ours_give_nothing() -> None:
    said = await verify(await sign(claims(scope="orders:read admin:everything *")))

    assert said.scopes == {Scope.ORDERS_READ}


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "é.b.c",
        "=.=.=",
        "bnVsbA.bnVsbA.bnVsbA",
        "W10.W10.W10",
        "a.b.c.d",
        "x" * 5_000,
    ],
)
async def test_what_is_no_token_is_refused_before_any_key_is_looked_for(token: str) -> None:
    assert await refusal_of(token) == "malformed"


async def test_a_signed_text_that_is_no_object_is_refused() -> None:
    key = await signing_key()
    header = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    for body in (b"[]", b"null", b"{", b'"text"', b""):
        token = jws.serialize_compact(header, body, key.pair, algorithms=["ES256"])

        assert await refusal_of(token) == "malformed"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_a_signature_is_looked_at_once_and_the_time_every_time(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    look = jws.deserialize_compact

    def noted(value: str, *args: Any, **kwargs: Any) -> Any:
        looked.append(value)
        return look(value, *args, **kwargs)

    monkeypatch.setattr(jws, "deserialize_compact", noted)
    token = await issue()
    said = [await verify(token) for _ in range(3)]
    assert looked == [token]
    assert said[0] == said[1] == said[2]

    # One that differs in a letter is another one, and is not believed
    head, body, signature = token.split(".")
    other = f"{head}.{body}.{signature[::-1]}"
    assert await refusal_of(other) == "signature"
    assert await refusal_of(other) == "signature"
    assert looked == [token, other, other]

    clock.advance(timedelta(minutes=10) + module.LEEWAY)
    assert await refusal_of(token) == "expired"


async def test_tokens_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VERIFIED", 3)
    monkeypatch.setattr(module, "_verified", {})
    tokens = [await issue() for _ in range(5)]
    for token in tokens:
        await verify(token)
    assert list(module._verified) == tokens[2:]
