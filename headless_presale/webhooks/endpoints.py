"""Endpoints: registering, changing, turning off and on, and their secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.identity import Scope, checked_shops, refuse_excess
from headless_presale.kernel import clock, vault
from headless_presale.kernel.audit_log import record_change
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.texts import read_description
from headless_presale.kernel.unit_of_work import UnitOfWork, shielded, unit_of_work
from headless_presale.kernel.versions import check_version
from headless_presale.webhooks.catalogue import read_event_types, scopes_for
from headless_presale.webhooks.errors import WebhookEndpointNotFound
from headless_presale.webhooks.models import WebhookEndpoint
from headless_presale.webhooks.outlet import current_outlet
from headless_presale.webhooks.rules import SECRET_OVERLAP, new_secret, read_url
from headless_presale.webhooks.states import DisabledReason

MAX_DESCRIPTION_LENGTH = 200
MAX_ENDPOINTS = 50
"""Of one merchant: each is asked about every event."""
SEALED_FOR = "webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, as far as it matters here.

    Attributes:
        scopes: nobody has told elsewhere what he may not read himself.
        shop_ids: the shops he is limited to; None means all of the merchant's.
    """

    merchant_id: UUID
    scopes: frozenset[Scope]
    shop_ids: frozenset[UUID] | None = None

    def may_see(self, endpoint: WebhookEndpoint) -> bool:
        """Tell whether an endpoint exists for him: all of its shops are his."""
        if endpoint.merchant_id != self.merchant_id or endpoint.deleted_at is not None:
            return False
        if self.shop_ids is None:
            return True
        return endpoint.shop_ids is not None and set(endpoint.shop_ids) <= self.shop_ids

    def may_see_events_of(self, shop_id: UUID | None) -> bool:
        """Tell whether events of a shop exist for him: an endpoint may have had more shops."""
        return self.shop_ids is None or shop_id is None or shop_id in self.shop_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointWish:
    """An endpoint as its merchant describes it.

    Attributes:
        event_types: names of events, or families such as ``order.*``.
        shop_ids: None means all shops.
    """

    url: str
    event_types: Sequence[str]
    description: str = ""
    shop_ids: Sequence[UUID] | None = None


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str


@shielded
async def create_endpoint(asker: Asker, wish: EndpointWish) -> EndpointWithSecret:
    """Register an endpoint; it is told of what happens from now on.

    Raises:
        InvalidInput: a field cannot be used; ``field`` names it.
        ScopesExceeded: it would be told what whoever asks may not read.
    """
    secret = new_secret()
    async with unit_of_work() as work:
        changes = await _checked(work, asker, wish)
        await work.lock("webhooks", asker.merchant_id)
        there = await WebhookEndpoint.filter(merchant_id=asker.merchant_id, deleted_at=None).count()
        if there >= MAX_ENDPOINTS:
            raise InvalidInput(reason="a merchant has at most {most} endpoints", most=MAX_ENDPOINTS)
        endpoint = await WebhookEndpoint.create(
            id=new_id(),
            merchant_id=asker.merchant_id,
            secret=vault.seal(SEALED_FOR, secret),
            created_at=clock.now(),
            **changes,
        )
        await record_endpoint(work, "webhook_endpoint.create", endpoint, {}, _facts(endpoint))
    return EndpointWithSecret(endpoint, secret)


@shielded
async def update_endpoint(
    asker: Asker, endpoint_id: UUID, wish: EndpointWish, *, version: int
) -> WebhookEndpoint:
    """Change an endpoint; what waits for it goes to its new address.

    Raises:
        WebhookEndpointNotFound: not of this merchant, or of other shops.
        VersionConflict, InvalidInput, ScopesExceeded: as above.
    """
    async with unit_of_work() as work:
        endpoint = await lock_endpoint(work, asker, endpoint_id)
        changes = await _checked(work, asker, wish)
        before = _facts(endpoint)
        check_version(
            expected=version,
            current=endpoint.version,
            yours={
                "url": changes["url"],
                "description": changes["description"],
                "eventTypes": changes["event_types"],
                "shopIds": changes["shop_ids"],
            },
            stored=before,
        )
        # Another address for what it is told already, too.
        refuse_excess(scopes_for(endpoint.event_types), own=asker.scopes, field=("event_types",))
        if changes["url"] != endpoint.url:
            changes |= {"failure_count": 0, "failing_since": None, "paused_until": None}
        await _write(endpoint, changes)
        await record_endpoint(work, "webhook_endpoint.update", endpoint, before, _facts(endpoint))
    return endpoint


@shielded
async def rotate_secret(
    asker: Asker, endpoint_id: UUID, *, version: int, keep_old: bool = True
) -> EndpointWithSecret:
    """Give an endpoint a new secret; for a day both sign, or the old one ends at once.

    Raises:
        WebhookEndpointNotFound, VersionConflict: as above.
    """
    secret = new_secret()
    async with unit_of_work() as work:
        endpoint = await lock_endpoint(work, asker, endpoint_id)
        check_version(expected=version, current=endpoint.version, yours={}, stored={})
        await _write(
            endpoint,
            {
                "previous_secret": endpoint.secret if keep_old else None,
                "previous_secret_expires_at": clock.now() + SECRET_OVERLAP if keep_old else None,
                "secret": vault.seal(SEALED_FOR, secret),
            },
        )
        await record_endpoint(
            work, "webhook_endpoint.rotate_secret", endpoint, {}, {"oldSecretKept": keep_old}
        )
    return EndpointWithSecret(endpoint, secret)


@shielded
async def disable_endpoint(asker: Asker, endpoint_id: UUID, *, version: int) -> WebhookEndpoint:
    """Turn an endpoint off: what waits for it waits on. Repeating changes nothing.

    Raises:
        WebhookEndpointNotFound, VersionConflict: as above.
    """
    async with unit_of_work() as work:
        endpoint = await lock_endpoint(work, asker, endpoint_id)
        if endpoint.disabled_at is not None:
            return endpoint
        check_version(expected=version, current=endpoint.version, yours={}, stored={})
        before = _facts(endpoint)
        changes = {"disabled_at": clock.now(), "disabled_reason": DisabledReason.MERCHANT}
        await _write(endpoint, changes)
        await record_endpoint(work, "webhook_endpoint.disable", endpoint, before, _facts(endpoint))
    return endpoint


@shielded
async def enable_endpoint(asker: Asker, endpoint_id: UUID, *, version: int) -> WebhookEndpoint:
    """Turn an endpoint on again: what waited for it is sent, what happened meanwhile is not.

    Repeating changes nothing. A replay brings what it has missed.

    Raises:
        WebhookEndpointNotFound, VersionConflict, ScopesExceeded: as above.
    """
    async with unit_of_work() as work:
        endpoint = await lock_endpoint(work, asker, endpoint_id)
        if endpoint.disabled_at is None:
            return endpoint
        check_version(expected=version, current=endpoint.version, yours={}, stored={})
        refuse_excess(scopes_for(endpoint.event_types), own=asker.scopes, field=("endpoint_id",))
        before = _facts(endpoint)
        changes = {
            "disabled_at": None,
            "disabled_reason": None,
            "failure_count": 0,
            "failing_since": None,
            "paused_until": None,
        }
        await _write(endpoint, changes)
        await record_endpoint(work, "webhook_endpoint.enable", endpoint, before, _facts(endpoint))
    return endpoint


@shielded
async def delete_endpoint(asker: Asker, endpoint_id: UUID, *, version: int) -> None:
    """Remove an endpoint; what waits for it is not sent any more.

    Raises:
        WebhookEndpointNotFound, VersionConflict: as above.
    """
    async with unit_of_work() as work:
        endpoint = await lock_endpoint(work, asker, endpoint_id)
        check_version(expected=version, current=endpoint.version, yours={}, stored={})
        before = _facts(endpoint)
        await _write(
            endpoint,
            {
                "deleted_at": clock.now(),
                "previous_secret": None,
                "previous_secret_expires_at": None,
            },
        )
        await record_endpoint(work, "webhook_endpoint.delete", endpoint, before, {})


async def lock_endpoint(work: UnitOfWork, asker: Asker, endpoint_id: UUID) -> WebhookEndpoint:
    """Return an endpoint of the asker's, locked against changes by others.

    Raises:
        WebhookEndpointNotFound: there is none for him.
    """
    await work.lock("webhook_endpoint", endpoint_id)
    endpoint = await WebhookEndpoint.get_or_none(id=endpoint_id)
    if endpoint is None or not asker.may_see(endpoint):
        raise WebhookEndpointNotFound(field=("endpoint_id",))
    return endpoint


async def _write(endpoint: WebhookEndpoint, changes: dict[str, Any]) -> None:
    # Only what changes: a worker writes the endpoint's health meanwhile.
    endpoint.update_from_dict(changes)
    endpoint.version += 1
    await endpoint.save(update_fields=[*changes, "version"])


async def _checked(work: UnitOfWork, asker: Asker, wish: EndpointWish) -> dict[str, Any]:
    description = read_description(
        wish.description, ("description",), longest=MAX_DESCRIPTION_LENGTH
    )
    event_types = read_event_types(wish.event_types)
    refuse_excess(scopes_for(event_types), own=asker.scopes, field=("event_types",))
    shops = await checked_shops(work, asker.merchant_id, wish.shop_ids)
    if asker.shop_ids is not None and (shops is None or not set(shops) <= asker.shop_ids):
        # In the words for shops that do not exist, which those of others are for him.
        raise InvalidInput(
            reason="name shops of this merchant, or leave them out for all", field=("shopIds",)
        )
    return {
        "url": read_url(wish.url, allow_private=current_outlet().allow_private),
        "description": description,
        "event_types": event_types,
        "shop_ids": shops,
    }


def _facts(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "eventTypes": endpoint.event_types,
        "shopIds": endpoint.shop_ids,
        "isEnabled": endpoint.disabled_at is None,
    }


async def record_endpoint(
    work: UnitOfWork,
    action: str,
    endpoint: WebhookEndpoint,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    """Enter what was done to an endpoint in its merchant's log."""
    await record_change(
        work,
        action=action,
        owner_id=endpoint.merchant_id,
        subject_type="WebhookEndpoint",
        subject_id=endpoint.id,
        subject_label=endpoint.description or endpoint.url,
        before=before,
        after=after,
    )
