"""Webhooks: where a merchant's systems are told of events, and what they were told."""

from datetime import datetime

import strawberry

from headless_presale.identity import Scope
from headless_presale.webhooks import (
    DeliveryStatus,
    DisabledReason,
    EventType,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    message_id_of,
)
from resolvers.admin import webhooks
from schema.admin.staff import shop_ids_of
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.permissions import requires

strawberry.enum(
    DeliveryStatus,
    name="WebhookDeliveryStatus",
    description="Where a delivery stands. What has FAILED is not tried again by itself.",
)
strawberry.enum(
    DisabledReason,
    name="WebhookDisabledReason",
    description="Why an endpoint is off: its merchant, its answer 410, or days without success.",
)


@strawberry.type(name="WebhookEventType", description="An event that can be subscribed to.")
class WebhookEventTypeType:
    row: strawberry.Private[EventType]

    @strawberry.field(description="Such as `order.placed`. `order.*` means all of its family.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    def description(self) -> str:
        return self.row.description

    @strawberry.field(description="The scope that one needs to subscribe to it.")
    def scope(self) -> str:
        return str(self.row.scope)


@strawberry.type(name="WebhookAttempt", description="A request and what came of it.")
class WebhookAttemptType:
    row: strawberry.Private[WebhookAttempt]
    is_readable: strawberry.Private[bool]

    @strawberry.field(description="1 for the first; a replay begins anew.")
    def number(self) -> int:
        return self.row.number

    @strawberry.field
    def at(self) -> datetime:
        return self.row.at

    @strawberry.field
    def url(self) -> str:
        return self.row.url

    @strawberry.field(description="The status; null where no answer came.")
    def response_code(self) -> int | None:
        return self.row.response_code

    @strawberry.field(
        description="How the answer begins, up to a kilobyte. Null where you lack the scope of "
        "the event: receivers repeat what they are sent."
    )
    def response_body(self) -> str | None:
        return self.row.response_body if self.is_readable else None

    @strawberry.field(description="Why no answer came; empty where one did.")
    def error(self) -> str:
        return self.row.error

    @strawberry.field
    def duration_ms(self) -> int:
        return self.row.duration_ms


@strawberry.type(name="WebhookDelivery", description="One event for one endpoint.")
class WebhookDeliveryType:
    row: strawberry.Private[WebhookDelivery]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("WebhookDelivery", self.row.id)

    @strawberry.field(description="The `webhook-id`: the same in every attempt and replay.")
    def message_id(self) -> str:
        return message_id_of(self.row.id)

    @strawberry.field
    def type(self) -> str:
        return self.row.type

    @strawberry.field
    def status(self) -> DeliveryStatus:
        return self.row.status

    @strawberry.field(description="How many requests were made, since it was last replayed.")
    def attempts(self) -> int:
        return self.row.attempts

    @strawberry.field(description="Null once nothing more is to be tried.")
    def next_attempt_at(self) -> datetime | None:
        return self.row.next_attempt_at if self.row.status is DeliveryStatus.PENDING else None

    @strawberry.field(description="When the event happened.")
    def occurred_at(self) -> datetime:
        return self.row.occurred_at

    @strawberry.field(description="When it was delivered or given up.")
    def finished_at(self) -> datetime | None:
        return self.row.finished_at

    @strawberry.field(
        description="The JSON that is sent. Null where you lack the scope of the event."
    )
    async def body(self, info: Info) -> str | None:
        return await webhooks.body(info.context, self.row)

    @strawberry.field(description="The latest 20 requests, in order.")
    async def log(self, info: Info) -> list[WebhookAttemptType]:
        is_readable = webhooks.may_read(info.context, self.row)
        return [
            WebhookAttemptType(row=row, is_readable=is_readable)
            for row in await webhooks.list_attempts(info.context, self.row.id)
        ]


@strawberry.type(
    name="WebhookEndpoint", description="An address that is told of events by signed requests."
)
class WebhookEndpointType:
    row: strawberry.Private[WebhookEndpoint]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("WebhookEndpoint", self.row.id)

    @strawberry.field
    def url(self) -> str:
        return self.row.url

    @strawberry.field
    def description(self) -> str:
        return self.row.description

    @strawberry.field(description="Names of events, or of families such as `order.*`.")
    def event_types(self) -> list[str]:
        return list(self.row.event_types)

    @strawberry.field(description="The shops it is told of; null means all, also new ones.")
    def shop_ids(self) -> list[strawberry.ID] | None:
        return shop_ids_of(self.row.shop_ids)

    @strawberry.field
    def is_enabled(self) -> bool:
        return self.row.disabled_at is None

    @strawberry.field
    def disabled_at(self) -> datetime | None:
        return self.row.disabled_at

    @strawberry.field
    def disabled_reason(self) -> DisabledReason | None:
        return self.row.disabled_reason

    @strawberry.field(description="Since when nothing was taken; null while all is well.")
    def failing_since(self) -> datetime | None:
        return self.row.failing_since

    @strawberry.field(description="Until when the secret before the last rotation signs as well.")
    def previous_secret_expires_at(self) -> datetime | None:
        return self.row.previous_secret_expires_at

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def version(self) -> int:
        return self.row.version

    @strawberry.field(
        description="What it was told in the last 30 days, the newest first.",
        extensions=requires(Scope.WEBHOOKS_READ),
    )
    async def deliveries(
        self,
        info: Info,
        status: DeliveryStatus | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[WebhookDeliveryType]:
        page = await webhooks.page_of_deliveries(
            info.context, self.row.id, status, page_request(first, after, last, before)
        )
        return connect(page, lambda row: WebhookDeliveryType(row=row))
