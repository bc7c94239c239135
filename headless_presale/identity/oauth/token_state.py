"""Ending a token (RFC 7009), and telling whether one counts (RFC 7662)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error

from headless_presale.identity.bearer import issuer
from headless_presale.identity.granting import revoke_grants
from headless_presale.identity.models import OAuthClient
from headless_presale.identity.oauth.access_tokens import TokenInvalid, verify_access_token
from headless_presale.identity.oauth.clients import find_client
from headless_presale.identity.oauth.parameters import TokenRequest
from headless_presale.identity.oauth.server import (
    AUTH_METHODS,
    SECRET_METHODS,
    Answer,
    Request,
    Rows,
    Server,
)
from headless_presale.identity.oauth.tokens import find_refresh_token
from headless_presale.identity.principal import find_principal
from headless_presale.identity.scopes import Scope, known_scopes, scope_text
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A token of the client that asks.

    Attributes:
        scopes: what it allows at this moment; None where it counts no longer.
    """

    grant_id: UUID
    merchant_id: UUID
    scopes: frozenset[Scope] | None
    facts: dict[str, Any]


@shielded
async def revoke(request: TokenRequest) -> Answer:
    """End a token and with it all that came of the same grant. 200 also for what is no token.

    Raises:
        ParametersInvalid: the request cannot be read.
        Unavailable: nothing was ended.
    """
    async with unit_of_work() as work:
        client = await _authenticate(work, request, methods=AUTH_METHODS)
        if isinstance(client, Answer):
            return client
        if (token := request.parameters.get("token")) is None:
            return _missing_token()
        found = await _find(client, token)
        if found is not None and await revoke_grants(
            work, "id = $1", found.grant_id, reason="revoked_by_client"
        ):
            with acting_as(Actor(kind="client", id=str(client.id), label=client.name)):
                await record_change(
                    work,
                    action="grant.revoke",
                    owner_id=found.merchant_id,
                    subject_type="Grant",
                    subject_id=found.grant_id,
                    subject_label=client.name,
                    after={"reason": "revoked_by_client"},
                )
    return Answer(200, {})


@shielded
async def introspect(request: TokenRequest) -> Answer:
    """Tell a client that keeps a secret whether a token of its own counts, and for what.

    Raises:
        ParametersInvalid: the request cannot be read.
        Unavailable: nobody can tell.
    """
    async with unit_of_work() as work:
        client = await _authenticate(work, request, methods=SECRET_METHODS)
        if isinstance(client, Answer):
            return client
        if (token := request.parameters.get("token")) is None:
            return _missing_token()
        found = await _find(client, token)
    if found is None or found.scopes is None:
        return Answer(200, {"active": False})
    return Answer(
        200,
        {
            "active": True,
            "scope": scope_text(found.scopes),
            "client_id": str(client.id),
            "iss": issuer(),
            **found.facts,
        },
    )


async def _authenticate(
    work: UnitOfWork, request: TokenRequest, *, methods: tuple[str, ...]
) -> OAuthClient | Answer:
    client = await find_client(work, request.client_id)
    server = Server(Rows(client=client))
    asked = Request("POST", request.parameters, authorization=request.authorization)
    try:
        server.authenticate_client(asked, methods)
    except OAuth2Error as error:
        refusal: Answer = server.handle_error_response(asked, error)
        return refusal
    assert client is not None
    return client


async def _find(client: OAuthClient, token: str) -> _Found | None:
    """Return a token of the client's; that of another is as unknown as one that nobody has."""
    refresh_token = await find_refresh_token(token)
    if refresh_token is not None:
        grant = refresh_token.grant
        if grant.client_id != client.id:
            return None
        counts = (
            refresh_token.used_at is None
            and refresh_token.replaced_at is None
            and grant.revoked_at is None
            and refresh_token.expires_at > clock.now()
        )
        return _Found(
            grant_id=grant.id,
            merchant_id=grant.merchant_id,
            scopes=known_scopes(grant.scopes) if counts else None,
            facts={"exp": _seconds(refresh_token.expires_at), "sub": str(grant.account_id)},
        )
    try:
        claims = await verify_access_token(token, audience=issuer(), issuer=issuer())
    except TokenInvalid:
        return None
    if claims.client_id != str(client.id):
        return None
    principal = await find_principal(claims)
    return _Found(
        grant_id=claims.grant_id,
        merchant_id=claims.merchant_id,
        scopes=principal.scopes if principal is not None else None,
        facts={
            "token_type": "Bearer",
            "sub": claims.subject,
            "aud": issuer(),
            "iat": _seconds(claims.issued_at),
            "exp": _seconds(claims.expires_at),
            "jti": claims.token_id,
        },
    )


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _missing_token() -> Answer:
    return Answer(400, {"error": "invalid_request", "error_description": "Send a token."})
