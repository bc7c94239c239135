"""Writes: one input, and a payload with either the thing or the reasons why not."""

import strawberry

from resolvers import order_access, orders, payments
from schema.admin.campaign_mutations import CampaignMutation
from schema.admin.clients import ClientMutation
from schema.admin.imports import ProductImportMutation
from schema.admin.media import MediaMutation
from schema.admin.merchant import MerchantMutation
from schema.admin.order_changes import OrderMutation
from schema.admin.privacy import PrivacyMutation
from schema.admin.product_mutations import (
    ProductMediaMutation,
    ProductMutation,
    ProductTranslationMutation,
    VariantMutation,
)
from schema.admin.settings import SettingsMutation
from schema.admin.sign_in_providers import SignInProviderMutation
from schema.admin.staff import StaffMutation
from schema.admin.webhook_mutations import WebhookMutation
from schema.cart_mutations import CartMutation
from schema.customer_sign_in import CustomerSignInMutation
from schema.customers import CustomerMutation
from schema.errors import UserError, user_errors
from schema.funnel import FunnelMutation
from schema.inputs import OrderCancelInput, OrderPlaceInput, PaymentStartInput
from schema.nodes import Info
from schema.notify_me import NotifyMeMutation
from schema.order_tokens import OrderTokenMutation
from schema.orders import OrderType
from schema.payments import PaymentType
from schema.personal import PersonalMutation
from schema.privacy import OwnPrivacyMutation
from schema.transport.costs import Cost


@strawberry.type
class OrderPlacePayload:
    order: OrderType | None
    order_token: str | None = strawberry.field(
        description="Lets a guest read, pay, follow and cancel the order. Keep it secret."
    )
    user_errors: list[UserError]


@strawberry.type
class OrderCancelPayload:
    order: OrderType | None
    user_errors: list[UserError]


@strawberry.type
class PaymentStartPayload:
    payment: PaymentType | None
    user_errors: list[UserError]


@strawberry.type
class StorefrontMutation:
    """Each may be repeated: with the same idempotency key it answers the same."""

    @strawberry.mutation(
        description="Hold slots and freeze their prices until the hold expires.",
        directives=[Cost(weight=30)],
    )
    async def order_place(self, info: Info, input: OrderPlaceInput) -> OrderPlacePayload:
        placed = await orders.place(info.context, input.to_wish())
        order = placed.value
        return OrderPlacePayload(
            order=None if order is None else OrderType(order=order),
            order_token=None if order is None else order_access.token_of(info.context, order),
            user_errors=user_errors(placed.refusals),
        )

    @strawberry.mutation(
        description="Cancel as far as the order's policy allows, and refund.",
        directives=[Cost(weight=50)],
    )
    async def order_cancel(self, info: Info, input: OrderCancelInput) -> OrderCancelPayload:
        cancelled = await orders.cancel(
            info.context, order_id=input.order_id, token=input.token, reason=input.reason
        )
        order = cancelled.value
        return OrderCancelPayload(
            order=None if order is None else OrderType(order=order),
            user_errors=user_errors(cancelled.refusals),
        )

    @strawberry.mutation(
        description="Start paying one leg of an order with one gateway.",
        directives=[Cost(weight=50)],
    )
    async def payment_start(self, info: Info, input: PaymentStartInput) -> PaymentStartPayload:
        started = await payments.start(info.context, input.to_wish())
        payment = started.value
        return PaymentStartPayload(
            payment=None if payment is None else PaymentType(payment=payment),
            user_errors=user_errors(started.refusals),
        )


@strawberry.type(description="Writes: a storefront's, then a merchant's by what they are about.")
class Mutation(
    StorefrontMutation,
    CartMutation,
    FunnelMutation,
    CustomerMutation,
    NotifyMeMutation,
    CustomerSignInMutation,
    PersonalMutation,
    OwnPrivacyMutation,
    MerchantMutation,
    SettingsMutation,
    SignInProviderMutation,
    MediaMutation,
    StaffMutation,
    ClientMutation,
    OrderMutation,
    PrivacyMutation,
    OrderTokenMutation,
    CampaignMutation,
    WebhookMutation,
    ProductMutation,
    VariantMutation,
    ProductMediaMutation,
    ProductTranslationMutation,
    ProductImportMutation,
):
    """Put together from what each part of the house lets one do."""
