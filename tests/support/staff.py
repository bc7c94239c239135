"""Merchants' people and systems, with access tokens as the authorization server signs them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from headless_presale.identity import (
    ALL_SCOPES,
    ROLE_SCOPES,
    Account,
    OAuthClient,
    OAuthGrant,
    Role,
    Scope,
    StaffMember,
    add_member,
    ensure_account,
    issuer,
)
from headless_presale.identity.oauth.access_tokens import sign_access_token
from headless_presale.identity.oauth.keys import signing_key
from headless_presale.kernel import clock
from headless_presale.kernel.ids import new_id
from headless_presale.shops.models import Shop


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token.

    Attributes:
        scopes: what he may do.
        is_limited: whether that is for some of his merchant's shops only.
    """

    token: str
    grant: OAuthGrant
    scopes: frozenset[Scope]
    is_limited: bool
    member: StaffMember | None = None
    account: Account | None = None


async def make_client(
    *,
    merchant_id: UUID | None = None,
    scopes: Iterable[Scope] = ALL_SCOPES,
    shop_ids: Sequence[UUID] | None = None,
) -> OAuthClient:
    """Register a client; without a merchant it is one of ours, as the admin is."""
    return await OAuthClient.create(
        id=new_id(),
        merchant_id=merchant_id,
        name="The admin" if merchant_id is None else "An ERP",
        grant_types=["authorization_code", "refresh_token"]
        if merchant_id is None
        else ["client_credentials"],
        scopes=sorted(scopes),
        shop_ids=list(shop_ids) if shop_ids is not None else None,
        created_at=clock.now(),
    )


async def sign_in(
    shop: Shop,
    role: Role = Role.OWNER,
    *,
    email: str | None = None,
    scopes: Iterable[Scope] = ALL_SCOPES,
    shop_ids: Sequence[UUID] | None = None,
) -> Caller:
    """Return a member of the staff of the shop's merchant with a token for ``scopes``."""
    account = await ensure_account(email or f"{role.lower()}@{shop.slug}.example.com")
    member = await add_member(shop.merchant_id, account.id, role, shop_ids=shop_ids)
    client = await OAuthClient.filter(merchant_id=None).first() or await make_client()
    grant = await _grant(client, shop.merchant_id, scopes, account_id=account.id)
    return Caller(
        await token_of(grant, scopes),
        grant,
        frozenset(scopes) & ROLE_SCOPES[role],
        shop_ids is not None,
        member,
        account,
    )


async def connect(
    shop: Shop,
    *,
    scopes: Iterable[Scope] = ALL_SCOPES,
    shop_ids: Sequence[UUID] | None = None,
) -> Caller:
    """Return a system of the shop's merchant that acts for itself, with a token for ``scopes``."""
    client = await make_client(merchant_id=shop.merchant_id, scopes=scopes, shop_ids=shop_ids)
    grant = await _grant(client, shop.merchant_id, scopes, account_id=None)
    return Caller(await token_of(grant, scopes), grant, frozenset(scopes), shop_ids is not None)


async def token_of(grant: OAuthGrant, scopes: Iterable[Scope] = ALL_SCOPES) -> str:
    """Return an access token of a grant."""
    issued = sign_access_token(
        await signing_key(),
        issuer=issuer(),
        audience=issuer(),
        subject=str(grant.account_id or grant.client_id),
        client_id=str(grant.client_id),
        grant_id=grant.id,
        merchant_id=grant.merchant_id,
        scopes=frozenset(scopes),
        lifetime=timedelta(minutes=10),
    )
    return issued.token


async def _grant(
    client: OAuthClient, merchant_id: UUID, scopes: Iterable[Scope], *, account_id: UUID | None
) -> OAuthGrant:
    return await OAuthGrant.create(
        id=new_id(),
        client_id=client.id,
        account_id=account_id,
        merchant_id=merchant_id,
        scopes=sorted(scopes),
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=1),
    )
