"""Webhooks: endpoints, what they were told, and sending on request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from headless_presale.identity import Principal
from headless_presale.webhooks import (
    Asker,
    DeliveryStatus,
    EndpointWish,
    EndpointWithSecret,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    body_of,
    create_endpoint,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    replay_delivery,
    request_replay,
    rotate_secret,
    scopes_for,
    send_test,
    update_endpoint,
)
from resolvers.admin.commands import told
from resolvers.admin.staff import shops_of
from resolvers.context import RequestContext
from resolvers.errors import Answer, reads
from resolvers.global_ids import read_argument_id, read_input_id
from resolvers.paging import CursorCodec, Page, PageRequest, page_by_id

ENDPOINT_CURSORS: CursorCodec[UUID] = CursorCodec("webhooks", str, UUID)
DELIVERY_CURSORS: CursorCodec[UUID] = CursorCodec("deliveries", str, UUID)
SHOWN_ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointForm:
    """An endpoint as a client of the API sent it."""

    url: str
    description: str
    event_types: Sequence[str]
    shop_ids: Sequence[str] | None

    def wish(self) -> EndpointWish:
        """Return it as webhooks takes it."""
        return EndpointWish(
            url=self.url,
            description=self.description,
            event_types=self.event_types,
            shop_ids=shops_of(self.shop_ids),
        )


def asker_of(principal: Principal) -> Asker:
    """Return the caller as webhooks knows him."""
    return Asker(
        merchant_id=principal.merchant_id,
        scopes=principal.scopes,
        shop_ids=None if principal.has_all_shops else principal.shop_ids,
    )


def _own(context: RequestContext) -> QuerySet[WebhookEndpoint]:
    principal = context.principal
    rows = WebhookEndpoint.filter(merchant_id=principal.merchant_id, deleted_at=None)
    if not principal.has_all_shops:
        # Nothing is contained in null: an endpoint of all shops is not one of his.
        rows = rows.filter(shop_ids__contained_by=list(principal.shop_ids))
    return rows


@reads
async def page_of_endpoints(context: RequestContext, request: PageRequest) -> Page[WebhookEndpoint]:
    """Return the endpoints that the caller may see, the newest first."""
    return await page_by_id(_own(context), request, cursors=ENDPOINT_CURSORS)


@reads
async def find_endpoint(context: RequestContext, endpoint_id: str) -> WebhookEndpoint | None:
    """Return an endpoint by its global id; None if it is not the caller's.

    Raises:
        ArgumentInvalid: it is no id of an endpoint.
    """
    uuid = read_argument_id(endpoint_id, "WebhookEndpoint")
    return await _own(context).filter(id=uuid).first()


@reads
async def page_of_deliveries(
    context: RequestContext,
    endpoint_id: UUID,
    status: DeliveryStatus | None,
    request: PageRequest,
) -> Page[WebhookDelivery]:
    """Return what an endpoint was told, the newest first.

    An endpoint may have had more shops than it has now: of those that are not the caller's he is
    shown nothing.
    """
    rows = WebhookDelivery.filter(endpoint_id=endpoint_id)
    if not context.principal.has_all_shops:
        own = list(context.principal.shop_ids)
        rows = rows.filter(Q(shop_id__isnull=True) | Q(shop_id__in=own))
    if status is not None:
        rows = rows.filter(status=status)
    return await page_by_id(rows, request, cursors=DELIVERY_CURSORS)


async def list_attempts(context: RequestContext, delivery_id: UUID) -> list[WebhookAttempt]:
    """Return the latest requests of a delivery, in order."""
    attempts = await context.loaders.attempts_of.load(delivery_id)
    return attempts[:SHOWN_ATTEMPTS][::-1]


def may_read(context: RequestContext, delivery: WebhookDelivery) -> bool:
    """Tell whether the caller may read what a delivery is about."""
    return not context.principal.lacks(*scopes_for([delivery.type]))


async def body(context: RequestContext, delivery: WebhookDelivery) -> str | None:
    """Return what was sent; None where the caller may not read what it is about."""
    if not may_read(context, delivery):
        return None
    event = (
        None if delivery.event_id is None else await context.loaders.events.load(delivery.event_id)
    )
    payload = event.payload if event is not None else {}
    return body_of(delivery.type, delivery.occurred_at, payload, shop_id=delivery.shop_id).decode()


async def create(context: RequestContext, form: EndpointForm) -> Answer[EndpointWithSecret]:
    """Register an endpoint."""
    principal = context.principal

    async def run() -> EndpointWithSecret:
        return await create_endpoint(asker_of(principal), form.wish())

    return await told(context, run)


async def update(
    context: RequestContext, *, endpoint_id: str, form: EndpointForm, version: int
) -> Answer[WebhookEndpoint]:
    """Change an endpoint."""
    principal = context.principal

    async def run() -> WebhookEndpoint:
        return await update_endpoint(
            asker_of(principal), _endpoint_id(endpoint_id), form.wish(), version=version
        )

    return await told(context, run)


async def rotate(
    context: RequestContext, *, endpoint_id: str, version: int, keep_old: bool
) -> Answer[EndpointWithSecret]:
    """Give an endpoint a new secret."""
    principal = context.principal

    async def run() -> EndpointWithSecret:
        return await rotate_secret(
            asker_of(principal), _endpoint_id(endpoint_id), version=version, keep_old=keep_old
        )

    return await told(context, run)


async def set_enabled(
    context: RequestContext, *, endpoint_id: str, version: int, is_enabled: bool
) -> Answer[WebhookEndpoint]:
    """Turn an endpoint on or off."""
    principal = context.principal
    change = enable_endpoint if is_enabled else disable_endpoint

    async def run() -> WebhookEndpoint:
        return await change(asker_of(principal), _endpoint_id(endpoint_id), version=version)

    return await told(context, run)


async def delete(context: RequestContext, *, endpoint_id: str, version: int) -> Answer[None]:
    """Remove an endpoint."""
    principal = context.principal

    async def run() -> None:
        await delete_endpoint(asker_of(principal), _endpoint_id(endpoint_id), version=version)

    return await told(context, run)


async def test(context: RequestContext, *, endpoint_id: str) -> Answer[WebhookDelivery]:
    """Send a test."""
    principal = context.principal

    async def run() -> WebhookDelivery:
        return await send_test(asker_of(principal), _endpoint_id(endpoint_id))

    return await told(context, run)


async def send_again(context: RequestContext, *, delivery_id: str) -> Answer[WebhookDelivery]:
    """Send one delivery once more."""
    principal = context.principal

    async def run() -> WebhookDelivery:
        uuid = read_input_id(delivery_id, "WebhookDelivery", ("deliveryId",))
        return await replay_delivery(asker_of(principal), uuid)

    return await told(context, run)


async def replay(
    context: RequestContext, *, endpoint_id: str, since: datetime, include_delivered: bool
) -> Answer[WebhookEndpoint]:
    """Have everything sent that an endpoint has missed."""
    principal = context.principal

    async def run() -> WebhookEndpoint:
        return await request_replay(
            asker_of(principal),
            _endpoint_id(endpoint_id),
            since=since,
            include_delivered=include_delivered,
        )

    return await told(context, run)


def _endpoint_id(text: str) -> UUID:
    return read_input_id(text, "WebhookEndpoint", ("endpointId",))
