"""Changing webhooks: endpoints, their secrets, and sending on request."""

from datetime import datetime

import strawberry

from headless_presale.identity import Scope
from headless_presale.webhooks import WebhookDelivery, WebhookEndpoint
from resolvers.admin import webhooks
from schema.admin.webhooks import WebhookDeliveryType, WebhookEndpointType
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.permissions import requires


@strawberry.input(description="An endpoint to register.")
class WebhookEndpointCreateInput:
    url: str = strawberry.field(description="https, on port 443 or 8443, of a public address.")
    event_types: list[str] = strawberry.field(
        description="Names of events, or of families such as `order.*`."
    )
    description: str = ""
    shop_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Shops it is told of; null means all."
    )


@strawberry.input(description="An endpoint as it is to be from now on.")
class WebhookEndpointUpdateInput:
    endpoint_id: strawberry.ID
    url: str
    event_types: list[str]
    description: str = ""
    shop_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Shops it is told of; null means all."
    )
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="A secret to replace.")
class WebhookEndpointSecretRotateInput:
    endpoint_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")
    keep_old: bool = strawberry.field(
        default=True, description="Let both sign for a day; false ends the old one at once."
    )


@strawberry.input(description="An endpoint to turn off.")
class WebhookEndpointDisableInput:
    endpoint_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="An endpoint to turn on.")
class WebhookEndpointEnableInput:
    endpoint_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="An endpoint to remove.")
class WebhookEndpointDeleteInput:
    endpoint_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="An endpoint to try.")
class WebhookTestSendInput:
    endpoint_id: strawberry.ID


@strawberry.input(description="A delivery to send once more.")
class WebhookDeliveryReplayInput:
    delivery_id: strawberry.ID


@strawberry.input(description="What an endpoint has missed.")
class WebhookEndpointReplayInput:
    endpoint_id: strawberry.ID
    since: datetime = strawberry.field(description="Within the last 30 days.")
    include_delivered: bool = strawberry.field(
        default=False, description="Send what was delivered as well."
    )


@strawberry.type
class WebhookEndpointCreatePayload:
    endpoint: WebhookEndpointType | None
    secret: str | None = strawberry.field(description="`whsec_...`, shown this once.")
    user_errors: list[UserError]


@strawberry.type
class WebhookEndpointUpdatePayload:
    endpoint: WebhookEndpointType | None
    user_errors: list[UserError]


@strawberry.type
class WebhookEndpointSecretRotatePayload:
    endpoint: WebhookEndpointType | None
    secret: str | None = strawberry.field(description="`whsec_...`, shown this once.")
    user_errors: list[UserError]


@strawberry.type
class WebhookEndpointDisablePayload:
    endpoint: WebhookEndpointType | None
    user_errors: list[UserError]


@strawberry.type
class WebhookEndpointEnablePayload:
    endpoint: WebhookEndpointType | None
    user_errors: list[UserError]


@strawberry.type
class WebhookEndpointDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class WebhookTestSendPayload:
    delivery: WebhookDeliveryType | None
    user_errors: list[UserError]


@strawberry.type
class WebhookDeliveryReplayPayload:
    delivery: WebhookDeliveryType | None
    user_errors: list[UserError]


@strawberry.type
class WebhookEndpointReplayPayload:
    endpoint: WebhookEndpointType | None
    user_errors: list[UserError]


@strawberry.type
class WebhookMutation:
    @strawberry.mutation(
        description="Register an endpoint. It is told of nothing that you may not read.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_endpoint_create(
        self, info: Info, input: WebhookEndpointCreateInput
    ) -> WebhookEndpointCreatePayload:
        form = webhooks.EndpointForm(
            url=input.url,
            description=input.description,
            event_types=input.event_types,
            shop_ids=input.shop_ids,
        )
        created = await webhooks.create(info.context, form)
        made = created.value
        return WebhookEndpointCreatePayload(
            endpoint=None if made is None else WebhookEndpointType(row=made.endpoint),
            secret=None if made is None else made.secret,
            user_errors=user_errors(created.refusals),
        )

    @strawberry.mutation(
        description="Change an endpoint; what waits for it goes to its new address.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_endpoint_update(
        self, info: Info, input: WebhookEndpointUpdateInput
    ) -> WebhookEndpointUpdatePayload:
        form = webhooks.EndpointForm(
            url=input.url,
            description=input.description,
            event_types=input.event_types,
            shop_ids=input.shop_ids,
        )
        updated = await webhooks.update(
            info.context, endpoint_id=input.endpoint_id, form=form, version=input.version
        )
        return WebhookEndpointUpdatePayload(
            endpoint=_endpoint(updated.value), user_errors=user_errors(updated.refusals)
        )

    @strawberry.mutation(
        description="Replace an endpoint's secret.", extensions=requires(Scope.WEBHOOKS_WRITE)
    )
    async def webhook_endpoint_secret_rotate(
        self, info: Info, input: WebhookEndpointSecretRotateInput
    ) -> WebhookEndpointSecretRotatePayload:
        rotated = await webhooks.rotate(
            info.context,
            endpoint_id=input.endpoint_id,
            version=input.version,
            keep_old=input.keep_old,
        )
        made = rotated.value
        return WebhookEndpointSecretRotatePayload(
            endpoint=None if made is None else WebhookEndpointType(row=made.endpoint),
            secret=None if made is None else made.secret,
            user_errors=user_errors(rotated.refusals),
        )

    @strawberry.mutation(
        description="Turn an endpoint off; what waits for it waits on.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_endpoint_disable(
        self, info: Info, input: WebhookEndpointDisableInput
    ) -> WebhookEndpointDisablePayload:
        changed = await webhooks.set_enabled(
            info.context, endpoint_id=input.endpoint_id, version=input.version, is_enabled=False
        )
        return WebhookEndpointDisablePayload(
            endpoint=_endpoint(changed.value), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Turn an endpoint on. What waited for it is sent; `webhookEndpointReplay` "
        "brings what happened meanwhile.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_endpoint_enable(
        self, info: Info, input: WebhookEndpointEnableInput
    ) -> WebhookEndpointEnablePayload:
        changed = await webhooks.set_enabled(
            info.context, endpoint_id=input.endpoint_id, version=input.version, is_enabled=True
        )
        return WebhookEndpointEnablePayload(
            endpoint=_endpoint(changed.value), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Remove an endpoint; what waits for it is not sent any more.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_endpoint_delete(
        self, info: Info, input: WebhookEndpointDeleteInput
    ) -> WebhookEndpointDeletePayload:
        deleted = await webhooks.delete(
            info.context, endpoint_id=input.endpoint_id, version=input.version
        )
        return WebhookEndpointDeletePayload(
            deleted_id=None if deleted.refusals else input.endpoint_id,
            user_errors=user_errors(deleted.refusals),
        )

    @strawberry.mutation(
        description="Send an event `webhook.test` that means nothing.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_test_send(
        self, info: Info, input: WebhookTestSendInput
    ) -> WebhookTestSendPayload:
        sent = await webhooks.test(info.context, endpoint_id=input.endpoint_id)
        return WebhookTestSendPayload(
            delivery=_delivery(sent.value), user_errors=user_errors(sent.refusals)
        )

    @strawberry.mutation(
        description="Send one delivery once more, under the same id.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_delivery_replay(
        self, info: Info, input: WebhookDeliveryReplayInput
    ) -> WebhookDeliveryReplayPayload:
        sent = await webhooks.send_again(info.context, delivery_id=input.delivery_id)
        return WebhookDeliveryReplayPayload(
            delivery=_delivery(sent.value), user_errors=user_errors(sent.refusals)
        )

    @strawberry.mutation(
        description="Send what an endpoint has missed since a moment: what failed, and what "
        "happened while it was off or did not listen for it.",
        extensions=requires(Scope.WEBHOOKS_WRITE),
    )
    async def webhook_endpoint_replay(
        self, info: Info, input: WebhookEndpointReplayInput
    ) -> WebhookEndpointReplayPayload:
        asked = await webhooks.replay(
            info.context,
            endpoint_id=input.endpoint_id,
            since=input.since,
            include_delivered=input.include_delivered,
        )
        return WebhookEndpointReplayPayload(
            endpoint=_endpoint(asked.value), user_errors=user_errors(asked.refusals)
        )


def _endpoint(row: WebhookEndpoint | None) -> WebhookEndpointType | None:
    return None if row is None else WebhookEndpointType(row=row)


def _delivery(row: WebhookDelivery | None) -> WebhookDeliveryType | None:
    return None if row is None else WebhookDeliveryType(row=row)
