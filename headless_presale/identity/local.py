"""Tokens for scripts on the operator's own machine: whoever can run the command line may."""

from datetime import timedelta
from uuid import UUID, uuid5

from headless_presale.identity.models import OAuthGrant
from headless_presale.identity.oauth.access_tokens import IssuedToken, sign_access_token
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.identity.scopes import ALL_SCOPES, Scope
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work

LOCAL_CLIENT = uuid5(UUID("6f1c1b1e-5d0a-5f55-9d0e-3b6f0f2c7a11"), "command-line")
"""The command line as a client: it can ask for nothing over HTTP, for it has no grant type."""
LIFETIME = timedelta(minutes=10)


@shielded
async def issue_local_token(
    merchant_id: UUID, shop_id: UUID, scopes: frozenset[Scope], *, issuer: str
) -> IssuedToken:
    """Return an access token for one shop that ends in ten minutes and cannot be refreshed."""
    async with unit_of_work() as work:
        await work.execute(
            "INSERT INTO oauth_client (id, name, redirect_uris, grant_types, scopes, created_at, "
            "version) VALUES ($1, 'Command line', '{}', '{}', $2, $3, 1) "
            "ON CONFLICT (id) DO UPDATE SET scopes = excluded.scopes",
            LOCAL_CLIENT,
            sorted(ALL_SCOPES),
            clock.now(),
        )
        grant = await OAuthGrant.create(
            id=new_id(),
            client_id=LOCAL_CLIENT,
            merchant_id=merchant_id,
            shop_ids=[shop_id],
            scopes=sorted(scopes),
            created_at=clock.now(),
            expires_at=clock.now() + LIFETIME,
        )
        await record_change(
            work,
            action="grant.issue",
            owner_id=shop_id,
            subject_type="Grant",
            subject_id=grant.id,
            subject_label="Command line",
            after={"scopes": grant.scopes},
        )
    return sign_access_token(
        await signing_key(),
        issuer=issuer,
        audience=issuer,
        subject=str(LOCAL_CLIENT),
        client_id=str(LOCAL_CLIENT),
        grant_id=grant.id,
        merchant_id=merchant_id,
        scopes=scopes,
        lifetime=LIFETIME,
    )
