"""Payments and refunds as their buyer sees them."""

from datetime import datetime

import strawberry

from headless_presale.kernel.money import Money as Amount
from headless_presale.payments import Payment, Refund
from resolvers import payments
from schema.enums import PaymentActionType, PaymentLeg, PaymentStatus, RefundStatus
from schema.money import Money
from schema.nodes import global_id


@strawberry.type(name="Refund", description="Money going back on one payment.")
class RefundType:
    """Owed from the moment it is listed."""

    refund: strawberry.Private[Refund]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("Refund", self.refund.id)

    @strawberry.field(description="Where it stands.")
    def status(self) -> RefundStatus:
        return self.refund.status

    @strawberry.field(description="What goes back.")
    def amount(self) -> Money:
        return Money.of(Amount(self.refund.amount_minor, self.refund.currency))

    @strawberry.field(
        description="Why, as a code: `order_cancelled`, `paid_twice`, `late_payment`, or "
        "`merchant:<id>` for what the shop decided to give back."
    )
    def reason(self) -> str:
        return self.refund.reason

    @strawberry.field(description="When it was decided.")
    def created_at(self) -> datetime:
        return self.refund.created_at

    @strawberry.field(description="When the gateway confirmed it.")
    def settled_at(self) -> datetime | None:
        return self.refund.settled_at


@strawberry.type(description="How a shop is paid.")
class PaymentGateway:
    """One that is set up here."""

    name: str = strawberry.field(
        description="What `paymentStart` takes as `gateway`, such as `sandbox`."
    )


@strawberry.type(description="What the buyer's client does next: REDIRECT sends him to `url`.")
class PaymentAction:
    """As the gateway asks for it."""

    type: PaymentActionType = strawberry.field(description="What to do.")
    url: str | None = strawberry.field(description="Where to send the buyer.")


@strawberry.type(name="Payment", description="One leg of an order, asked of one gateway.")
class PaymentType:
    """A declined attempt leaves it pending: the buyer may try again."""

    payment: strawberry.Private[Payment]

    @strawberry.field(description="Opaque.")
    def id(self) -> strawberry.ID:
        return global_id("Payment", self.payment.id)

    @strawberry.field(description="Which part of the order it pays.")
    def leg(self) -> PaymentLeg:
        return self.payment.leg

    @strawberry.field(description="Where it stands.")
    def status(self) -> PaymentStatus:
        return self.payment.status

    @strawberry.field(description="What is asked for.")
    def amount(self) -> Money:
        return Money.of(Amount(self.payment.amount_minor, self.payment.currency))

    @strawberry.field(description="Its name, such as `sandbox`.")
    def gateway(self) -> str:
        return self.payment.gateway

    @strawberry.field(description="Null when there is nothing to pay any more.")
    def action(self) -> PaymentAction | None:
        action = payments.action_of(self.payment)
        if action is None:
            return None
        return PaymentAction(type=PaymentActionType(action.type), url=action.url)

    @strawberry.field(description="Why the last attempt was declined.")
    def failure_code(self) -> str | None:
        return self.payment.failure_code or None

    @strawberry.field(description="When it was started.")
    def created_at(self) -> datetime:
        return self.payment.created_at

    @strawberry.field(description="When the money came. Null until then.")
    def captured_at(self) -> datetime | None:
        return self.payment.captured_at

    @strawberry.field(description="What went back of it, or is on its way.")
    def refunds(self) -> list[RefundType]:
        return [RefundType(refund=refund) for refund in self.payment.refunds]
