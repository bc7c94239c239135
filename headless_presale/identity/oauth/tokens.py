"""The token endpoint: what a client shows, exchanged for what it gets; each thing once.

Everything happens in one transaction: the rows are read, judged in memory, claimed by conditional
updates and answered. A code or a refresh token that was used before ends its whole family.
"""

from datetime import timedelta

import structlog

from headless_presale.identity.bearer import issuer
from headless_presale.identity.granting import revoke_grants
from headless_presale.identity.models import OAuthClient, OAuthCode, OAuthGrant, OAuthRefreshToken
from headless_presale.identity.oauth.access_tokens import sign_access_token
from headless_presale.identity.oauth.clients import find_client, is_first_party, scopes_of_client
from headless_presale.identity.oauth.keys import Key, signing_key
from headless_presale.identity.oauth.parameters import TokenRequest
from headless_presale.identity.oauth.rotation import (
    APPLICATIONS,
    Use,
    make_refresh_token,
    use_refresh_token,
)
from headless_presale.identity.oauth.server import Answer, Decision, Request, Rows, Server
from headless_presale.identity.scopes import scope_text
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.events import Actor, acting_as
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import hash_secret, new_id
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work

log = structlog.get_logger(__name__)

ACCESS_LIFETIME = timedelta(minutes=10)
ADMIN_GRANT_LIFETIME = timedelta(days=7)
"""Then one signs in to the admin again, as in a browser session."""
APP_GRANT_LIFETIME = timedelta(days=90)
"""Then an application asks its user again."""
SERVICE_GRANT_LIFETIME = timedelta(days=1)
"""Moved on with each token: a service that is not there any more is not listed for long."""


@shielded
async def exchange(request: TokenRequest) -> Answer:
    """Answer a request for tokens.

    Raises:
        ParametersInvalid: the request cannot be read.
        Unavailable: nothing was claimed, the same request may be sent again.
    """
    key = await signing_key()
    async with unit_of_work() as work:
        server = Server(await _read_rows(work, request))
        answer: Answer = server.create_token_response(
            Request("POST", request.parameters, authorization=request.authorization)
        )
        if server.decision is None:
            return answer
        decision = server.decision
        client = decision.client
        with acting_as(Actor(kind="client", id=str(client.id), label=client.name)):
            if decision.code is not None:
                return await _redeem_code(work, decision, decision.code, key)
            if decision.refresh_token is not None:
                return await _refresh(work, decision, decision.refresh_token, key)
            return await _serve_itself(work, decision, key)


async def _read_rows(work: UnitOfWork, request: TokenRequest) -> Rows:
    client = await find_client(work, request.client_id)
    code = token = None
    if client is not None and (value := request.parameters.get("code")):
        code = await OAuthCode.get_or_none(code_hash=hash_secret(value)).select_related("grant")
    if client is not None and (value := request.parameters.get("refresh_token")):
        token = await find_refresh_token(value)
    return Rows(client=client, code=code, refresh_token=token)


async def find_refresh_token(token: str) -> OAuthRefreshToken | None:
    """Return what is known of a refresh token, used or not, with its grant."""
    found: OAuthRefreshToken | None = await OAuthRefreshToken.get_or_none(
        token_hash=hash_secret(token)
    ).select_related("grant")
    return found


async def _redeem_code(work: UnitOfWork, decision: Decision, code: OAuthCode, key: Key) -> Answer:
    grant = code.grant
    if not await _claim_code(work, code):
        return await _end_family(work, grant, decision.client, reason="code_replayed")
    reach("oauth.code_used")
    is_ours = is_first_party(decision.client)
    grant.expires_at = clock.now() + (ADMIN_GRANT_LIFETIME if is_ours else APP_GRANT_LIFETIME)
    stands = await work.execute(
        "UPDATE oauth_grant SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        grant.id,
        grant.expires_at,
    )
    if not stands:
        return _invalid_grant()
    reach("oauth.grant_prolonged")
    refresh_token = await make_refresh_token(
        work, APPLICATIONS, grant.id, grant_ends_at=grant.expires_at, parent=None
    )
    return _answer(decision, grant, key, refresh_token)


async def _refresh(
    work: UnitOfWork, decision: Decision, token: OAuthRefreshToken, key: Key
) -> Answer:
    grant = token.grant
    used = await use_refresh_token(work, APPLICATIONS, token)
    if used is Use.ENDED:
        return _invalid_grant()
    if used is Use.REPLAYED:
        return await _end_family(work, grant, decision.client, reason="refresh_token_replayed")
    successor = await make_refresh_token(
        work, APPLICATIONS, grant.id, grant_ends_at=grant.expires_at, parent=token.token_hash
    )
    return _answer(decision, grant, key, successor)


async def _claim_code(work: UnitOfWork, code: OAuthCode) -> bool:
    """Use a code up; False if somebody was faster."""
    return bool(
        await work.execute(
            "UPDATE oauth_code SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL",
            code.code_hash,
            clock.now(),
        )
    )


async def _serve_itself(work: UnitOfWork, decision: Decision, key: Key) -> Answer:
    """Give a service a token of its one standing grant; narrow what it asked for less."""
    client = decision.client
    assert client.merchant_id is not None
    await work.lock("service-grant", client.id)
    grant = await OAuthGrant.filter(
        client_id=client.id, account_id=None, revoked_at=None, expires_at__gt=clock.now()
    ).first()
    expires_at = clock.now() + SERVICE_GRANT_LIFETIME
    scopes = sorted(scopes_of_client(client))
    if grant is None:
        grant = await OAuthGrant.create(
            id=new_id(),
            client_id=client.id,
            merchant_id=client.merchant_id,
            scopes=scopes,
            created_at=clock.now(),
            expires_at=expires_at,
        )
        reach("oauth.service_granted")
        await record_change(
            work,
            action="grant.issue",
            owner_id=client.merchant_id,
            subject_type="Grant",
            subject_id=grant.id,
            subject_label=client.name,
            after={"scopes": scopes},
        )
    else:
        await work.execute(
            "UPDATE oauth_grant SET expires_at = $2, scopes = $3 WHERE id = $1",
            grant.id,
            expires_at,
            scopes,
        )
    return _answer(decision, grant, key, None)


def _answer(decision: Decision, grant: OAuthGrant, key: Key, refresh_token: str | None) -> Answer:
    lifetime = min(ACCESS_LIFETIME, grant.expires_at - clock.now())
    issued = sign_access_token(
        key,
        issuer=issuer(),
        audience=issuer(),
        subject=str(grant.account_id or decision.client.id),
        client_id=str(decision.client.id),
        grant_id=grant.id,
        merchant_id=grant.merchant_id,
        scopes=decision.scopes,
        lifetime=lifetime,
        authenticated_at=grant.authenticated_at,
        factors=tuple(grant.factors),
    )
    body = {
        "access_token": issued.token,
        "token_type": "Bearer",
        "expires_in": int(lifetime.total_seconds()),
        "scope": scope_text(decision.scopes),
    }
    if refresh_token is not None:
        body["refresh_token"] = refresh_token
    return Answer(200, body)


async def _end_family(
    work: UnitOfWork, grant: OAuthGrant, client: OAuthClient, *, reason: str
) -> Answer:
    """End everything that came of a grant: of two who show the same thing, one has stolen it."""
    if await revoke_grants(work, "id = $1", grant.id, reason=reason):
        log.warning(f"oauth.{reason}", client_id=str(client.id), grant_id=str(grant.id))
        await record_change(
            work,
            action="grant.revoke",
            owner_id=grant.merchant_id,
            subject_type="Grant",
            subject_id=grant.id,
            subject_label=client.name,
            before={"scopes": grant.scopes},
            after={"reason": reason},
        )
    return _invalid_grant()


def _invalid_grant() -> Answer:
    return Answer(
        400,
        {
            "error": "invalid_grant",
            "error_description": "It was used before, or has ended. Ask the user again.",
        },
    )
