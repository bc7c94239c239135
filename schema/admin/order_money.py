"""The money of an order as its merchant sees it: sums, legs, gateways, the books, decisions."""

from datetime import datetime

import strawberry

from headless_presale.orders import MerchantRefund, OrderView
from headless_presale.payments import Account, Booking, Payment, Refund
from resolvers.admin import order_money
from resolvers.admin.order_money import Ledger, LegMoney, OrderMoney
from schema.enums import PaymentLeg
from schema.money import Money
from schema.nodes import Info, global_id
from schema.payments import RefundType

strawberry.enum(
    Account,
    name="LedgerAccount",
    description="Accounts as the shop sees them: GATEWAY is money held for it, CUSTOMER_FUNDS is "
    "owed to buyers until delivered, REFUNDS_PAYABLE is on its way back, FORFEITED_DEPOSITS is "
    "income.",
)


@strawberry.type(name="MoneySum", description="What came, and what of it goes back.")
class MoneySumType:
    paid: Money
    refunded: Money = strawberry.field(description="Gone back, or on its way.")
    refund_pending: Money = strawberry.field(
        description="The part of `refunded` that no gateway has confirmed yet."
    )

    @classmethod
    def of(cls, sum_: order_money.MoneySum) -> "MoneySumType":
        """Wrap a sum."""
        return cls(
            paid=Money.of(sum_.paid),
            refunded=Money.of(sum_.refunded),
            refund_pending=Money.of(sum_.pending),
        )


@strawberry.type(name="OrderLeg", description="A part of the price, and what became of it.")
class OrderLegType:
    row: strawberry.Private[LegMoney]

    @strawberry.field
    def leg(self) -> PaymentLeg:
        return self.row.leg

    @strawberry.field(description="What it costs.")
    def amount(self) -> Money:
        return Money.of(self.row.amount)

    @strawberry.field
    def sum(self) -> MoneySumType:
        return MoneySumType.of(self.row.sum)

    @strawberry.field(description="Null: it could be paid at once.")
    def opens_at(self) -> datetime | None:
        return self.row.opens_at

    @strawberry.field(description="Of a first payment: when the hold on its slots runs out.")
    def due_at(self) -> datetime | None:
        return self.row.due_at


@strawberry.type(description="What one gateway took, and what of it goes back.")
class GatewaySum:
    gateway: str
    sum: MoneySumType


@strawberry.type(name="OrderMoney", description="The money of an order.")
class OrderMoneyType:
    row: strawberry.Private[OrderMoney]

    @strawberry.field(description="What the price still lacks; 0 once the order is over.")
    def due(self) -> Money:
        return Money.of(self.row.due)

    @strawberry.field(description="Also counts what was paid twice or too late, and goes back.")
    def sum(self) -> MoneySumType:
        return MoneySumType.of(self.row.sum)

    @strawberry.field(description="The most that `orderRefund` can give back now.")
    def refundable(self) -> Money:
        return Money.of(self.row.refundable)

    @strawberry.field(description="Deposit and balance, or the full price.")
    def legs(self) -> list[OrderLegType]:
        return [OrderLegType(row=row) for row in self.row.legs]

    @strawberry.field
    def gateways(self) -> list[GatewaySum]:
        return [
            GatewaySum(gateway=name, sum=MoneySumType.of(sum_))
            for name, sum_ in self.row.gateways.items()
        ]


@strawberry.type(name="LedgerBooking", description="An amount booked from one account to another.")
class LedgerBookingType:
    row: strawberry.Private[Booking]

    @strawberry.field
    def booked_at(self) -> datetime:
        return self.row.booked_at

    @strawberry.field(description="Such as `capture`, `refund_owed`, `refund_paid`, `forfeit`.")
    def kind(self) -> str:
        return self.row.kind

    @strawberry.field
    def debit(self) -> Account:
        return self.row.debit

    @strawberry.field
    def credit(self) -> Account:
        return self.row.credit

    @strawberry.field
    def amount(self) -> Money:
        return Money.of(self.row.amount)


@strawberry.type(description="What an account comes to over one order; debits are positive.")
class LedgerBalance:
    account: Account
    balance: Money


@strawberry.type(name="OrderLedger", description="The books of an order; they add up to 0.")
class OrderLedgerType:
    row: strawberry.Private[Ledger]

    @strawberry.field(description="Accounts that do not come to 0.")
    def balances(self) -> list[LedgerBalance]:
        return [
            LedgerBalance(account=account, balance=Money.of(balance))
            for account, balance in self.row.balances.items()
        ]

    @strawberry.field(description="Oldest first.")
    def bookings(self) -> list[LedgerBookingType]:
        return [LedgerBookingType(row=row) for row in self.row.bookings]


@strawberry.type(description="The refund of one payment, as a part of a merchant's.")
class MerchantRefundPart:
    payment: strawberry.Private[Payment]
    row: strawberry.Private[Refund]

    @strawberry.field
    def leg(self) -> PaymentLeg:
        return self.payment.leg

    @strawberry.field
    def gateway(self) -> str:
        return self.payment.gateway

    @strawberry.field
    def refund(self) -> RefundType:
        return RefundType(refund=self.row)


@strawberry.type(name="MerchantRefund", description="Money that the merchant decided to give back.")
class MerchantRefundType:
    row: strawberry.Private[MerchantRefund]
    order: strawberry.Private[OrderView]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("MerchantRefund", self.row.id)

    @strawberry.field
    def amount(self) -> Money:
        return Money.of(self.row.amount)

    @strawberry.field(description="As the buyer was told.")
    def reason(self) -> str:
        return self.row.reason

    @strawberry.field(description="Who decided: an e-mail address or a client's name.")
    def author(self) -> str:
        return self.row.author_label or self.row.author

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="One for each payment that gives something back.")
    async def parts(self, info: Info) -> list[MerchantRefundPart]:
        found = await order_money.refunds_carrying_out(info.context, self.order, self.row)
        return [MerchantRefundPart(payment=payment, row=refund) for payment, refund in found]
