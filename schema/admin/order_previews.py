"""What a refund or a cancellation would do, by the very rules that it would be done by."""

import strawberry

from headless_presale.orders import CancelTerms
from headless_presale.payments import HeldPayment
from resolvers.admin.order_changes import CancelPreview, LineWish, RefundPreview
from schema.enums import PaymentLeg
from schema.errors import UserError, user_errors
from schema.money import Money
from schema.nodes import global_id

strawberry.enum(
    CancelTerms,
    description="What goes back when the merchant cancels. POLICY: what the buyer's own "
    "cancellation would give. FULL_REFUND: all that is held.",
)


@strawberry.input(description="Units of a line.")
class OrderLineQuantityInput:
    line_id: strawberry.ID
    quantity: int

    def to_wish(self) -> LineWish:
        """Return it as the resolvers take it."""
        return LineWish(self.line_id, self.quantity)


@strawberry.type(description="A payment that gives something back.")
class PaymentShare:
    payment: strawberry.Private[HeldPayment]

    @strawberry.field
    def payment_id(self) -> strawberry.ID:
        return global_id("Payment", self.payment.payment_id)

    @strawberry.field
    def leg(self) -> PaymentLeg:
        return self.payment.leg

    @strawberry.field
    def gateway(self) -> str:
        return self.payment.gateway

    @strawberry.field(description="What was paid less what goes back already.")
    def held(self) -> Money:
        return Money.of(self.payment.held)


@strawberry.type(description="What of one payment goes back.")
class RefundShare(PaymentShare):
    refund: Money
    left: Money = strawberry.field(description="Held of the payment after that.")


@strawberry.type(description="What of one payment goes back, and what is kept.")
class CancelShare(PaymentShare):
    refund: Money
    kept: Money


@strawberry.type(
    name="OrderRefundPreview", description="What `orderRefund` would do at this moment."
)
class RefundPreviewType:
    refundable: Money = strawberry.field(description="The most that can be given back now.")
    amount: Money | None = strawberry.field(description="Null: it would be refused.")
    left: Money | None = strawberry.field(description="Held of the order after that.")
    parts: list[RefundShare] = strawberry.field(
        description="The latest payment gives back first: the deposit goes last."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it would be refused.")

    @classmethod
    def of(cls, preview: RefundPreview) -> "RefundPreviewType":
        """Wrap a preview."""
        plan = preview.plan
        return cls(
            refundable=Money.of(preview.refundable),
            amount=None if plan is None else Money.of(plan.amount),
            left=None if plan is None else Money.of(plan.left),
            parts=[
                RefundShare(
                    payment=part.payment,
                    refund=Money.of(part.amount),
                    left=Money.of(part.left),
                )
                for part in (plan.parts if plan is not None else ())
            ],
            user_errors=user_errors(preview.refusals),
        )


@strawberry.type(
    name="OrderCancelPreview", description="What `orderCancelByMerchant` would do at this moment."
)
class CancelPreviewType:
    is_allowed: bool
    refund: Money | None = strawberry.field(description="Null: it would be refused.")
    kept: Money | None = strawberry.field(description="Forfeited by the policy.")
    parts: list[CancelShare]
    user_errors: list[UserError] = strawberry.field(description="Why it would be refused.")

    @classmethod
    def of(cls, preview: CancelPreview) -> "CancelPreviewType":
        """Wrap a preview."""
        plan = preview.plan
        return cls(
            is_allowed=plan is not None,
            refund=None if plan is None else Money.of(plan.refund),
            kept=None if plan is None else Money.of(plan.kept),
            parts=[
                CancelShare(
                    payment=part.payment,
                    refund=Money.of(part.refund),
                    kept=Money.of(part.kept),
                )
                for part in (plan.parts if plan is not None else ())
            ],
            user_errors=user_errors(preview.refusals),
        )
