"""The applications a merchant lets in, and what they were granted."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headless_presale.identity import (
    ClientKind,
    ClientWish,
    ClientWithSecret,
    OAuthClient,
    OAuthGrant,
    create_client,
    disable_client,
    revoke_grant,
    rotate_client_secret,
    scopes_of,
    update_client,
)
from headless_presale.kernel import clock
from resolvers.admin.commands import told
from resolvers.admin.staff import shops_of
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_input_id
from resolvers.paging import CursorCodec, Page, PageRequest, page_by_id

CLIENT_CURSORS: CursorCodec[UUID] = CursorCodec("clients", str, UUID)
GRANT_CURSORS: CursorCodec[UUID] = CursorCodec("grants", str, UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientForm:
    """An application as a client of the API sent it."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    shop_ids: Sequence[str] | None

    def wish(self) -> ClientWish:
        """Return it as identity takes it."""
        return ClientWish(
            name=self.name,
            redirect_uris=self.redirect_uris,
            scopes=scopes_of(self.scopes),
            shop_ids=shops_of(self.shop_ids),
        )


@reads
async def page_of_clients(context: RequestContext, request: PageRequest) -> Page[OAuthClient]:
    """Return the merchant's applications, the newest first."""
    rows = OAuthClient.filter(merchant_id=context.principal.merchant_id)
    return await page_by_id(rows, request, cursors=CLIENT_CURSORS)


@reads
async def page_of_grants(context: RequestContext, request: PageRequest) -> Page[OAuthGrant]:
    """Return what stands of what was granted for this merchant, the newest first."""
    rows = OAuthGrant.filter(
        merchant_id=context.principal.merchant_id, revoked_at=None, expires_at__gt=clock.now()
    )
    return await page_by_id(
        rows.prefetch_related("client", "account"), request, cursors=GRANT_CURSORS
    )


async def create(
    context: RequestContext, kind: ClientKind, form: ClientForm
) -> Answer[ClientWithSecret]:
    """Register an application."""
    principal = context.principal

    async def run() -> ClientWithSecret:
        return await create_client(
            principal.merchant_id, kind, form.wish(), granted_by=principal.scopes
        )

    return await told(context, run)


async def update(
    context: RequestContext, *, client_id: str, form: ClientForm, version: int
) -> Answer[OAuthClient]:
    """Change an application."""
    principal = context.principal

    async def run() -> OAuthClient:
        return await update_client(
            principal.merchant_id,
            _client_id(client_id),
            form.wish(),
            granted_by=principal.scopes,
            version=version,
        )

    return await told(context, run)


async def rotate(
    context: RequestContext, *, client_id: str, version: int, keep_old: bool
) -> Answer[ClientWithSecret]:
    """Give an application a new secret."""
    principal = context.principal

    async def run() -> ClientWithSecret:
        return await rotate_client_secret(
            principal.merchant_id,
            _client_id(client_id),
            granted_by=principal.scopes,
            version=version,
            keep_old=keep_old,
        )

    return await told(context, run)


async def disable(context: RequestContext, *, client_id: str, version: int) -> Answer[OAuthClient]:
    """Turn an application off."""
    principal = context.principal

    async def run() -> OAuthClient:
        return await disable_client(principal.merchant_id, _client_id(client_id), version=version)

    return await told(context, run)


async def revoke(context: RequestContext, *, grant_id: str) -> Answer[None]:
    """End what somebody allowed an application."""
    principal = context.principal

    async def run() -> None:
        await revoke_grant(principal.merchant_id, read_input_id(grant_id, "Grant", ("grantId",)))

    return await told(context, run)


def _client_id(text: str) -> UUID:
    return read_input_id(text, "ApiClient", ("clientId",))
