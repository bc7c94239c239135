"""The applications a merchant lets in: a third party's with a consent page, an ERP's own."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from headless_presale.identity.errors import ClientNotFound, GrantNotFound
from headless_presale.identity.granting import (
    checked_shops,
    forget_consent,
    refuse_excess,
    revoke_grants,
)
from headless_presale.identity.models import OAuthClient, OAuthGrant
from headless_presale.identity.scopes import Scope, known_scopes
from headless_presale.kernel import clock
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import hash_secret, new_id
from headless_presale.kernel.texts import read_name
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version

MAX_NAME_LENGTH = 120
MAX_REDIRECT_URIS = 10
SECRET_OVERLAP = timedelta(days=7)
"""How long the secret before a rotation is good for, unless it is cut off at once."""


class ClientKind(StrEnum):
    """What an application is, and so how it gets its tokens."""

    WEB = "WEB"
    """Acts for a member of the staff who consents; keeps a secret on a server."""
    PUBLIC = "PUBLIC"
    """Likewise, in a browser or on a device that can keep no secret; PKCE protects its codes."""
    SERVICE = "SERVICE"
    """An ERP or a WMS: acts for itself, with its own secret."""


_GRANT_TYPES = {
    ClientKind.WEB: ["authorization_code", "refresh_token"],
    ClientKind.PUBLIC: ["authorization_code", "refresh_token"],
    ClientKind.SERVICE: ["client_credentials"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientWish:
    """An application as its merchant describes it.

    Attributes:
        redirect_uris: where codes may be sent, compared to the letter; https, or http to this
            machine alone. None for a SERVICE, at least one otherwise.
        scopes: the most it may be granted.
        shop_ids: None means all shops.
    """

    name: str
    redirect_uris: Sequence[str]
    scopes: frozenset[Scope]
    shop_ids: Sequence[UUID] | None = None


@dataclass(frozen=True, slots=True)
class ClientWithSecret:
    """A client and its new secret, which is shown this once; None for a PUBLIC client."""

    client: OAuthClient
    secret: str | None


def kind_of(client: OAuthClient) -> ClientKind:
    """Return what an application is."""
    if "client_credentials" in client.grant_types:
        return ClientKind.SERVICE
    return ClientKind.PUBLIC if client.secret_hash is None else ClientKind.WEB


@shielded
async def create_client(
    merchant_id: UUID, kind: ClientKind, wish: ClientWish, *, granted_by: frozenset[Scope]
) -> ClientWithSecret:
    """Register an application.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
        ScopesExceeded: it would be allowed more than whoever registers it.
    """
    refuse_excess(wish.scopes, own=granted_by, field=("scopes",))
    secret = None if kind is ClientKind.PUBLIC else secrets.token_urlsafe(32)
    async with unit_of_work() as work:
        client = await OAuthClient.create(
            id=new_id(),
            merchant_id=merchant_id,
            grant_types=_GRANT_TYPES[kind],
            secret_hash=hash_secret(secret) if secret is not None else None,
            created_at=clock.now(),
            **await _checked(work, merchant_id, kind, wish),
        )
        await _record(work, "client.create", client, {}, _facts(client))
    return ClientWithSecret(client, secret)


@shielded
async def update_client(
    merchant_id: UUID,
    client_id: UUID,
    wish: ClientWish,
    *,
    granted_by: frozenset[Scope],
    version: int,
) -> OAuthClient:
    """Change an application; narrowed scopes and shops count with its next request.

    Raises:
        ClientNotFound: not of this merchant.
        VersionConflict, InvalidInput, ScopesExceeded: as above.
    """
    async with unit_of_work() as work:
        client = await _lock_client(merchant_id, client_id)
        changes = await _checked(work, merchant_id, kind_of(client), wish)
        before = _facts(client)
        check_version(
            expected=version,
            current=client.version,
            yours={
                "name": changes["name"],
                "redirectUris": changes["redirect_uris"],
                "scopes": changes["scopes"],
                "shopIds": changes["shop_ids"],
            },
            stored=before,
        )
        refuse_excess(wish.scopes | known_scopes(client.scopes), own=granted_by, field=("scopes",))
        client.update_from_dict(changes)
        client.version += 1
        await client.save()
        await _record(work, "client.update", client, before, _facts(client))
    return client


@shielded
async def rotate_client_secret(
    merchant_id: UUID,
    client_id: UUID,
    *,
    granted_by: frozenset[Scope],
    version: int,
    keep_old: bool = True,
) -> ClientWithSecret:
    """Give an application a new secret; the old one is good for a week more, or ends at once.

    Raises:
        ClientNotFound, VersionConflict, ScopesExceeded: as above.
        InvalidInput: it is a PUBLIC client, which has none.
    """
    async with unit_of_work() as work:
        client = await _lock_client(merchant_id, client_id)
        check_version(expected=version, current=client.version, yours={}, stored={})
        # Whoever knows the secret is the client.
        refuse_excess(known_scopes(client.scopes), own=granted_by, field=("clientId",))
        if client.secret_hash is None:
            raise InvalidInput(reason="a public client has no secret", field=("clientId",))
        secret = secrets.token_urlsafe(32)
        client.previous_secret_hash = client.secret_hash if keep_old else None
        client.previous_secret_expires_at = clock.now() + SECRET_OVERLAP if keep_old else None
        client.secret_hash = hash_secret(secret)
        client.version += 1
        await client.save()
        await _record(work, "client.rotate_secret", client, {}, {"oldSecretKept": keep_old})
    return ClientWithSecret(client, secret)


@shielded
async def disable_client(merchant_id: UUID, client_id: UUID, *, version: int) -> OAuthClient:
    """Turn an application off: all of its tokens end at once. Repeating changes nothing.

    Raises:
        ClientNotFound, VersionConflict: as above.
    """
    async with unit_of_work() as work:
        client = await _lock_client(merchant_id, client_id)
        if client.disabled_at is not None:
            return client
        check_version(expected=version, current=client.version, yours={}, stored={})
        before = _facts(client)
        client.disabled_at = clock.now()
        client.version += 1
        await client.save()
        await revoke_grants(work, "client_id = $1", client_id, reason="client_disabled")
        await _record(work, "client.disable", client, before, _facts(client))
    return client


@shielded
async def revoke_grant(merchant_id: UUID, grant_id: UUID) -> None:
    """End what somebody allowed an application. Repeating changes nothing.

    Raises:
        GrantNotFound: not of this merchant.
    """
    async with unit_of_work() as work:
        grant = (
            await OAuthGrant.filter(id=grant_id, merchant_id=merchant_id)
            .prefetch_related("client")
            .first()
        )
        if grant is None:
            raise GrantNotFound(field=("grantId",))
        if await revoke_grants(work, "id = $1", grant_id, reason="revoked_by_merchant"):
            if grant.account_id is not None:
                # Or the application would have another one with the user's next visit, unasked.
                await forget_consent(work, grant.account_id, grant.client_id, merchant_id)
            await record_change(
                work,
                action="grant.revoke",
                owner_id=merchant_id,
                subject_type="Grant",
                subject_id=grant_id,
                subject_label=grant.client.name,
                before={"scopes": grant.scopes},
            )


async def _lock_client(merchant_id: UUID, client_id: UUID) -> OAuthClient:
    client = (
        await OAuthClient.filter(id=client_id, merchant_id=merchant_id).select_for_update().first()
    )
    if client is None:
        raise ClientNotFound(field=("clientId",))
    return client


async def _checked(
    work: UnitOfWork, merchant_id: UUID, kind: ClientKind, wish: ClientWish
) -> dict[str, Any]:
    name = read_name(wish.name, ("name",), longest=MAX_NAME_LENGTH)
    if not wish.scopes:
        raise InvalidInput(reason="name at least one scope", field=("scopes",))
    if kind is ClientKind.SERVICE and wish.redirect_uris:
        raise InvalidInput(reason="a service is sent nowhere", field=("redirectUris",))
    is_sent = kind is not ClientKind.SERVICE
    return {
        "name": name,
        "redirect_uris": read_redirect_uris(wish.redirect_uris) if is_sent else [],
        "scopes": sorted(wish.scopes),
        "shop_ids": await checked_shops(work, merchant_id, wish.shop_ids),
    }


def read_redirect_uris(uris: Sequence[str]) -> list[str]:
    """Return where codes may be sent, each once.

    Raises:
        InvalidInput: there is none, there are too many, or a code cannot be sent to one of them.
    """
    uris = list(dict.fromkeys(uris))
    if not 1 <= len(uris) <= MAX_REDIRECT_URIS:
        raise InvalidInput(
            reason="name 1 to {most} addresses", most=MAX_REDIRECT_URIS, field=("redirectUris",)
        )
    for position, uri in enumerate(uris):
        if not is_redirect_uri(uri):
            raise InvalidInput(
                reason="an address is absolute, https (http to this machine alone), "
                "without a fragment and without a user",
                field=("redirectUris", str(position)),
            )
    return uris


def is_redirect_uri(uri: str) -> bool:
    """Tell whether a code may be sent there: https, or http to the loopback; nothing hidden."""
    if len(uri) > 2_000 or not uri.isascii() or not uri.isprintable() or " " in uri:
        return False
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    if "\\" in uri or "#" in uri or parts.username is not None or not parts.hostname or port == 0:
        return False
    is_local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return parts.scheme == "https" or (parts.scheme == "http" and is_local)


def _facts(client: OAuthClient) -> dict[str, object]:
    return {
        "name": client.name,
        "redirectUris": client.redirect_uris,
        "scopes": client.scopes,
        "shopIds": client.shop_ids,
        "isEnabled": client.disabled_at is None,
    }


async def _record(
    work: UnitOfWork,
    action: str,
    client: OAuthClient,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    assert client.merchant_id is not None
    await record_change(
        work,
        action=action,
        owner_id=client.merchant_id,
        subject_type="ApiClient",
        subject_id=client.id,
        subject_label=client.name,
        before=before,
        after=after,
    )
