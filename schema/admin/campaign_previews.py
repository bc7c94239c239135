"""What cancelling or closing a campaign would do, said before it is done."""

import strawberry

from headless_presale.kernel.money import Money as Amount
from headless_presale.orders import CancelPreview, ClosePreview, LegRefund
from schema.enums import PaymentLeg
from schema.money import Money


@strawberry.type(name="LegRefund", description="What goes back of one leg of the orders.")
class LegRefundType:
    refund: strawberry.Private[LegRefund]

    @strawberry.field(description="Which part of the orders was paid.")
    def leg(self) -> PaymentLeg:
        return PaymentLeg(self.refund.leg)

    @strawberry.field(description="How many payments.")
    def payments(self) -> int:
        return self.refund.payments

    @strawberry.field(description="What goes back of all of them.")
    def amount(self) -> Money:
        return Money.of(Amount(self.refund.amount_minor, self.refund.currency))


@strawberry.type(
    name="CampaignCancelPreview",
    description="What cancelling would do now. `campaignCancel` takes its numbers back and does "
    "nothing if they have grown.",
)
class CancelPreviewType:
    preview: strawberry.Private[CancelPreview]
    currency: strawberry.Private[str]

    @strawberry.field(description="Orders that will be cancelled, held ones included.")
    def orders(self) -> int:
        return self.preview.orders

    @strawberry.field(description="Orders that wait for a first payment and are dropped.")
    def held_orders(self) -> int:
        return self.preview.held_orders

    @strawberry.field(description="The slots of those.")
    def held_slots(self) -> int:
        return self.preview.held_slots

    @strawberry.field(description="By leg and currency.")
    def refunds(self) -> list[LegRefundType]:
        return [LegRefundType(refund=refund) for refund in self.preview.refunds]

    @strawberry.field(description="All refunds together.")
    def refund_total(self) -> Money:
        return Money.of(Amount(self.preview.refund_minor, self.currency))


@strawberry.type(
    name="CampaignClosePreview",
    description="What stays open after a close: holds until they run out, balances as agreed.",
)
class ClosePreviewType:
    preview: strawberry.Private[ClosePreview]
    currency: strawberry.Private[str]

    @strawberry.field(description="Orders that can still be paid until their holds run out.")
    def held_orders(self) -> int:
        return self.preview.held_orders

    @strawberry.field
    def held_slots(self) -> int:
        return self.preview.held_slots

    @strawberry.field(description="Orders with a deposit, whose balance is asked for as agreed.")
    def unpaid_balances(self) -> int:
        return self.preview.unpaid_balances

    @strawberry.field
    def unpaid_balance_total(self) -> Money:
        return Money.of(Amount(self.preview.unpaid_balance_minor, self.currency))
