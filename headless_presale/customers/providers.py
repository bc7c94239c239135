"""Where a shop lets its customers prove who they are: added, changed, switched off, removed."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.customers.errors import SignInProviderExists, SignInProviderNotFound
from headless_presale.customers.models import SignInProvider
from headless_presale.customers.provider_clients import current_provider_clients
from headless_presale.customers.states import ProviderKind
from headless_presale.identity import read_redirect_uris
from headless_presale.kernel import clock, vault
from headless_presale.kernel.addresses import read_outward_url
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.texts import read_name
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version

MAX_PROVIDERS = 10
"""Of one shop: each is a button."""
MAX_NAME_LENGTH = 60
MAX_ISSUER_LENGTH = 500
SEALED_FOR = "customer-sign-in-provider"
_CLIENT_ID = re.compile(r"[!-~]{1,200}", re.ASCII)
_SECRET = re.compile(r"[ -~]{1,500}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderWish:
    """A provider as its merchant describes it.

    Attributes:
        name: what the button says.
        client_id: the mini-program's appid, or what the issuer calls the shop.
        secret: WeChat always gives one; an issuer gives none to a public client.
        issuer: how an OpenID Connect provider calls itself; of WeChat there is none.
        redirect_uris: where a storefront may have people sent back to, compared to the letter.
    """

    kind: ProviderKind
    name: str
    client_id: str
    secret: str | None = None
    issuer: str | None = None
    redirect_uris: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChanges:
    """What to change of a provider; None leaves it as it is."""

    name: str | None = None
    secret: str | None = None
    redirect_uris: Sequence[str] | None = None
    is_enabled: bool | None = None


@shielded
async def create_provider(shop_id: UUID, wish: ProviderWish) -> SignInProvider:
    """Let customers of a shop sign in somewhere from now on.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
        SignInProviderExists: it is there, or another mini-program is.
    """
    values = _read_wish(wish)
    async with unit_of_work() as work:
        await work.lock("sign-in-providers", shop_id)
        there = await SignInProvider.filter(shop_id=shop_id).only("kind", "issuer")
        is_there = any(
            other.issuer == values["issuer"]
            or (wish.kind is ProviderKind.WECHAT and other.kind is wish.kind)
            for other in there
        )
        if is_there:
            raise SignInProviderExists(field=("client_id",) if wish.issuer is None else ("issuer",))
        if len(there) >= MAX_PROVIDERS:
            raise InvalidInput(reason="a shop has at most {most} providers", most=MAX_PROVIDERS)
        provider = await SignInProvider.create(
            id=new_id(), shop_id=shop_id, created_at=clock.now(), **values
        )
        await _record(work, "sign_in_provider.create", provider, {}, _facts(provider))
    return provider


@shielded
async def update_provider(
    shop_ids: Collection[UUID], provider_id: UUID, changes: ProviderChanges, *, version: int
) -> SignInProvider:
    """Change a provider. Switched off, it lets nobody in; who is in stays.

    Args:
        shop_ids: the caller's shops.

    Raises:
        SignInProviderNotFound: not of these shops.
        VersionConflict: it has changed since it was read.
        InvalidInput: a field cannot be used; ``field`` names it.
    """
    async with unit_of_work() as work:
        provider = await _lock(work, shop_ids, provider_id)
        wanted = _read_changes(provider, changes)
        before = _facts(provider)
        check_version(
            expected=version,
            current=provider.version,
            yours={
                name: value
                for name, value in (
                    ("name", wanted.get("name")),
                    ("redirectUris", wanted.get("redirect_uris")),
                    ("isEnabled", changes.is_enabled),
                )
                if value is not None
            },
            stored=before,
        )
        wanted = {key: value for key, value in wanted.items() if value != getattr(provider, key)}
        if not wanted:
            return provider
        provider.update_from_dict({**wanted, "version": provider.version + 1})
        await provider.save(update_fields=[*wanted, "version"])
        after = _facts(provider)
        if "secret" in wanted:
            before, after = {**before, "newSecret": False}, {**after, "newSecret": True}
        await _record(work, "sign_in_provider.update", provider, before, after)
    return provider


@shielded
async def delete_provider(
    shop_ids: Collection[UUID], provider_id: UUID, *, version: int
) -> SignInProvider:
    """Remove a provider. Whom it knew is known again should the same issuer come back.

    Raises:
        SignInProviderNotFound, VersionConflict: as above.
    """
    async with unit_of_work() as work:
        provider = await _lock(work, shop_ids, provider_id)
        check_version(expected=version, current=provider.version, yours={}, stored={})
        await provider.delete()
        await _record(work, "sign_in_provider.delete", provider, _facts(provider), {})
    return provider


async def list_providers(shop_id: UUID, *, only_enabled: bool) -> list[SignInProvider]:
    """Return the providers of a shop, the oldest first."""
    found = SignInProvider.filter(shop_id=shop_id)
    if only_enabled:
        found = found.filter(disabled_at=None)
    return await found.order_by("id")


async def find_provider(
    shop_id: UUID, kind: ProviderKind, provider_id: UUID | None = None
) -> SignInProvider:
    """Return a shop's provider that lets people in.

    Args:
        provider_id: which of those of a kind; None where there is one.

    Raises:
        SignInProviderNotFound: there is none, or it is switched off.
    """
    found = SignInProvider.filter(shop_id=shop_id, kind=kind, disabled_at=None)
    if provider_id is not None:
        found = found.filter(id=provider_id)
    provider = await found.first()
    if provider is None:
        raise SignInProviderNotFound(field=("shop",) if provider_id is None else ("providerId",))
    return provider


def secret_of(provider: SignInProvider) -> str | None:
    """Return what the provider knows the shop by.

    Raises:
        SealBroken: it was sealed under another secret key.
    """
    sealed: str | None = provider.secret
    return None if sealed is None else vault.unseal(SEALED_FOR, sealed)


async def _lock(work: UnitOfWork, shop_ids: Collection[UUID], provider_id: UUID) -> SignInProvider:
    provider = (
        await SignInProvider.filter(id=provider_id, shop_id__in=list(shop_ids))
        .select_for_update()
        .first()
    )
    if provider is None:
        raise SignInProviderNotFound(field=("provider_id",))
    return provider


def _read_wish(wish: ProviderWish) -> dict[str, Any]:
    if not _CLIENT_ID.fullmatch(wish.client_id):
        raise InvalidInput(
            reason="must be ASCII without spaces, at most {longest} characters",
            longest=200,
            field=("client_id",),
        )
    secret = None if wish.secret is None else _read_secret(wish.secret)
    if wish.kind is ProviderKind.WECHAT:
        if secret is None:
            raise InvalidInput(reason="must not be empty", field=("secret",))
        for field, given in (("issuer", wish.issuer), ("redirect_uris", wish.redirect_uris)):
            if given:
                raise InvalidInput(reason="a mini-program has none", field=(field,))
        issuer, uris = f"wechat:{wish.client_id}", []
    else:
        issuer, uris = _read_issuer(wish.issuer or ""), read_redirect_uris(wish.redirect_uris)
    return {
        "kind": wish.kind,
        "name": read_name(wish.name, ("name",), longest=MAX_NAME_LENGTH),
        "client_id": wish.client_id,
        "secret": secret,
        "issuer": issuer,
        "redirect_uris": uris,
    }


def _read_changes(provider: SignInProvider, changes: ProviderChanges) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if changes.name is not None:
        wanted["name"] = read_name(changes.name, ("name",), longest=MAX_NAME_LENGTH)
    if changes.secret is not None:
        wanted["secret"] = _read_secret(changes.secret)
    if changes.redirect_uris is not None:
        if provider.kind is ProviderKind.WECHAT and changes.redirect_uris:
            raise InvalidInput(reason="a mini-program has none", field=("redirect_uris",))
        is_asked = provider.kind is ProviderKind.OIDC
        wanted["redirect_uris"] = read_redirect_uris(changes.redirect_uris) if is_asked else []
    if changes.is_enabled is not None:
        off = provider.disabled_at or clock.now()
        wanted["disabled_at"] = None if changes.is_enabled else off
    return wanted


def _read_secret(text: str) -> str:
    if not _SECRET.fullmatch(text):
        raise InvalidInput(
            reason="must be ASCII of 1 to {longest} characters", longest=500, field=("secret",)
        )
    return vault.seal(SEALED_FOR, text)


def _read_issuer(text: str) -> str:
    if len(text) > MAX_ISSUER_LENGTH or "?" in text:
        raise InvalidInput(
            reason="an issuer has at most {longest} characters and no query",
            longest=MAX_ISSUER_LENGTH,
            field=("issuer",),
        )
    return read_outward_url(
        text, ("issuer",), allow_private=current_provider_clients().allow_private
    )


def _facts(provider: SignInProvider) -> dict[str, object]:
    return {
        "kind": provider.kind,
        "issuer": provider.issuer,
        "clientId": provider.client_id,
        "name": provider.name,
        "redirectUris": provider.redirect_uris,
        "isEnabled": provider.disabled_at is None,
    }


async def _record(
    work: UnitOfWork,
    action: str,
    provider: SignInProvider,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    await record_change(
        work,
        action=action,
        owner_id=provider.shop_id,
        subject_type="SignInProvider",
        subject_id=provider.id,
        subject_label=provider.name,
        before=before,
        after=after,
    )
